"""Sampling: reproducible, inside its support, and true to the network's distribution."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch

from models.char_lm.generate import sample
from models.decoding import DecodingError, shares
from models.decoding.steps import Kept, Records
from models.vocabulary.characters import UNKNOWN
from tests.models.tiny import tiny


def written(length: int = 200, loaded=None, **settings) -> str:
    return "".join(islice(sample(loaded or tiny(), **settings), length))


def test_the_same_seed_writes_the_same_text():
    assert written(seed=3) == written(seed=3) != written(seed=4)


def test_the_callers_random_numbers_are_left_alone():
    loaded = tiny()
    torch.manual_seed(99)
    first = torch.rand(2)
    torch.manual_seed(99)
    written(20, loaded=loaded)
    assert torch.equal(torch.rand(2), first)


def test_characters_come_one_by_one_and_without_end():
    stream = sample(tiny(), "abc")
    assert all(len(next(stream)) == 1 for _ in range(50))
    assert torch.is_inference_mode_enabled() is False


def test_continuing_a_text_is_the_same_as_writing_it_in_one_go():
    text = written(60, text="ab", temperature=0)
    assert written(40, text="ab" + text[:20], temperature=0) == text[20:]
    assert written(40, text="", temperature=0) != written(40, text="[[", temperature=0)


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"temperature": 1e-6}, {"top_k": 1}, {"top_p": 1e-9}])
def test_four_ways_to_take_the_likeliest(settings: dict):
    loaded, text, state = tiny(), "ab", None
    logits, state = loaded.module(torch.tensor([loaded.vocab.encode(text)]))
    for _ in range(30):
        token_id = int(logits[0, -1, 1:].argmax()) + 1
        text += loaded.vocab.tokens[token_id]
        logits, state = loaded.module(torch.tensor([[token_id]]), state)
    assert "ab" + written(30, text="ab", **settings) == text


def test_the_unknown_mark_is_never_written():
    loaded = tiny()
    loaded.module.readout.bias.data[0] = 30
    assert UNKNOWN not in written(300, loaded=loaded) + written(50, loaded=loaded, temperature=0)


LOGITS = torch.log(torch.tensor([0.5, 0.02, 0.2, 0.05, 0.15, 0.08]))


def test_shares_by_hand():
    np.testing.assert_allclose(shares(LOGITS), [0, 0.04, 0.4, 0.1, 0.3, 0.16], atol=1e-7)
    squares = np.array([0, 0.04, 0.4, 0.1, 0.3, 0.16]) ** 2
    np.testing.assert_allclose(shares(LOGITS, temperature=0.5), squares / squares.sum(), atol=1e-7)
    np.testing.assert_allclose(shares(LOGITS, top_k=2), [0, 0, 4 / 7, 0, 3 / 7, 0], atol=1e-7)
    np.testing.assert_allclose(shares(LOGITS, top_k=99), shares(LOGITS), atol=1e-12)
    np.testing.assert_allclose(shares(LOGITS, top_p=0.39), [0, 0, 1, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(shares(LOGITS, top_p=0.41), [0, 0, 4 / 7, 0, 3 / 7, 0], atol=1e-7)
    np.testing.assert_allclose(shares(LOGITS, top_p=1), shares(LOGITS), atol=1e-12)
    np.testing.assert_allclose(shares(LOGITS, top_k=3, top_p=0.8), [0, 0, 4 / 7, 0, 3 / 7, 0], atol=1e-7)
    assert shares(LOGITS, temperature=0).tolist() == [0, 0, 1, 0, 0, 0]
    assert torch.isfinite(shares(LOGITS * 1e4, temperature=1e-6)).all()
    assert LOGITS[0] == np.log(np.float32(0.5))


def test_drawn_characters_follow_their_probabilities():
    loaded = tiny()
    expected = shares(loaded.module.readout.bias)
    drawn = Counter(written(1, loaded=loaded, seed=seed) for seed in range(400))
    for token_id, token in enumerate(loaded.vocab.tokens):
        share = float(expected[token_id])
        assert abs(drawn[token] / 400 - share) < 4 * (share * (1 - share) / 400) ** 0.5 + 1e-9


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": -1}, "temperature is -1; expected 0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": 0}, "top_k is 0; expected at least 1"),
        ({"top_p": 0.0}, r"top_p is 0\.0; expected more than 0"),
        ({"top_p": 1.5}, r"top_p is 1\.5"),
        ({"seed": 2**64}, "seed is 18446744073709551616; expected a whole number from"),
    ],
)
def test_settings_out_of_range_get_a_sentence_at_once(settings: dict, sentence: str):
    with pytest.raises(DecodingError, match=sentence):
        sample(tiny(), **settings)


def test_stored_steps_are_read_back_in_order_across_blocks(monkeypatch):
    monkeypatch.setattr(Records, "STEPS", 3)
    records, steps = Records(), []
    for at in range(8):
        attention = np.full((2, 4), at / 10, np.float32)
        steps.append(Kept(attention, (np.full((2, 5), at), np.full((2, 1), -at)), np.full((2, 3), at), np.full((2, 3), -1.5 * at)))
        records.append(steps[-1])
    for kept, given in zip(records, steps, strict=True):
        for stored, array in zip((kept.attention, *kept.states, *kept[2:]), (given.attention, *given.states, *given[2:]), strict=True):
            np.testing.assert_array_equal(stored, array)
    with pytest.raises(IndexError):
        records[8]
