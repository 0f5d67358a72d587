"""Exact readings of long texts and scores, compared with a reference that reads character by character."""

import json
import math

import numpy as np
import pytest
import torch

import models.char_lm.reading
from models.char_lm.experiments.window import window_input
from models.char_lm.reading import ReadingError, evaluate, read, score
from models.corpora import DataError
from tests.models.tiny import tiny

CELLS = ("rnn", "lstm", "gru")
TEXT = "abc [[dad]] é fed\n" * 9 + "☃g"


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Chunks so short that every border case occurs in a short text."""
    monkeypatch.setattr(models.char_lm.reading, "CHUNK", 7)


def witness(loaded, text: str) -> tuple[list[float], list[np.ndarray]]:
    """Nats of each character and probabilities after it, one character at a time in float64."""
    module, state = loaded.module.double(), None
    share = torch.softmax(module.readout(torch.zeros(module.rnn.hidden_size, dtype=torch.float64)), -1)
    nats, after = [], []
    for character in text:
        token_id = loaded.vocab.encode(character)[0]
        nats.append(-math.log(share[token_id]) + (math.log(1_114_112 - len(loaded.vocab)) if token_id == 0 else 0))
        logits, state = module(torch.tensor([[token_id]]), state)
        share = torch.softmax(logits[0, 0], -1)
        after.append(share.numpy())
    return nats, after


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("window", [10, 14, 50, 1000])
def test_a_reading_is_exact_wherever_it_is_cut(cell: str, window: int):
    reading = read(tiny(cell), TEXT, window)
    nats, after = witness(tiny(cell), TEXT)
    np.testing.assert_allclose(reading.bits, np.array(nats) / math.log(2), rtol=2e-5, atol=1e-5)
    assert reading.top.dtype == np.int32 and reading.top.shape == reading.top_p.shape == (len(TEXT), 5)
    expected = np.array(after)
    np.testing.assert_allclose(reading.top_p, np.sort(expected, axis=1)[:, :-6:-1], atol=1e-5)
    np.testing.assert_allclose(reading.top_p, np.take_along_axis(expected, reading.top, 1), atol=1e-5)
    assert reading.unknown == 10 and (reading.ids[[12, -2]] == 0).all() and len(reading.states) == math.ceil(len(TEXT) / window)


@pytest.mark.parametrize("cell", CELLS)
def test_a_window_can_be_run_again_from_its_state(cell: str):
    loaded = tiny(cell)
    reading = read(loaded, TEXT, window=50)
    whole, _ = loaded.module(torch.tensor([loaded.vocab.encode(TEXT)]))
    parts = []
    for window in range(len(reading.states)):
        ids, state = window_input(reading, window)
        assert ids.dtype == torch.int64 and ids.shape[0] == 1
        parts.append(loaded.module(ids, state)[0])
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


def test_the_states_of_a_reading_may_take_part_in_gradients():
    loaded = tiny()
    reading = read(loaded, TEXT, window=50)
    loaded.module.requires_grad_(True)
    ids, state = window_input(reading, 1)
    loaded.module(ids, state)[0].sum().backward()
    assert loaded.module.readout.weight.grad is not None


def test_what_was_read_before_is_left_out_of_the_result():
    loaded = tiny()
    whole, part = read(loaded, TEXT, 50), read(loaded, TEXT[20:], 50, before=TEXT[:20])
    np.testing.assert_allclose(part.bits, whole.bits[20:], atol=1e-5)
    assert not np.allclose(part.bits[0], read(loaded, TEXT[20:], 50).bits[0])
    assert part.unknown == whole.unknown - TEXT[:20].count("é")


def test_a_reading_goes_on_where_one_of_its_first_windows_ended():
    whole, first = read(tiny(), TEXT, 20, before="abc"), read(tiny(), TEXT[:40], 20, before="abc")
    rest = read(tiny(), TEXT, 20, before="abc", after=first)
    for name in ("ids", "bits", "top", "top_p"):
        np.testing.assert_allclose(getattr(rest, name), getattr(whole, name), rtol=1e-6)
    assert len(rest.states) == len(whole.states) and (rest.text, rest.unknown) == (whole.text, whole.unknown)
    for one, other in zip(rest.states[3], whole.states[3], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_progress_is_reported_and_its_callback_may_stop_the_reading():
    reports = []
    read(tiny(), TEXT, 50, lambda done, total: reports.append((done, total)))
    assert reports[0] == (0, 164) and reports[-1] == (164, 164) and reports == sorted(reports) and len(reports) > 20

    def stop(done: int, total: int) -> None:
        if done > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(tiny(), TEXT, 50, stop)
    with pytest.raises(KeyboardInterrupt):
        score(tiny(), TEXT, stop)


def test_an_empty_text_gets_a_sentence():
    with pytest.raises(ReadingError, match=r"The text is empty; expected at least one character\."):
        read(tiny(), "")
    with pytest.raises(DataError, match="The text is empty"):
        score(tiny(), "")


@pytest.mark.parametrize("cell", CELLS)
def test_a_score_is_the_mean_of_the_witness(tmp_path, cell: str):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    scores = evaluate(tiny(cell), path)
    nats = float(np.mean(witness(tiny(cell), TEXT)[0]))
    assert scores["nats_per_character"] == pytest.approx(nats, rel=1e-6)
    assert scores["bits_per_character"] == pytest.approx(nats / math.log(2), rel=1e-6)
    assert (scores["characters"], scores["unknown"]) == (164, 10)
    assert json.loads(json.dumps(scores)) == scores
    reading = read(tiny(cell), TEXT)
    assert reading.bits.mean(dtype=float) == pytest.approx(scores["bits_per_character"], rel=1e-6)


def test_one_unknown_character_costs_the_mark_and_its_choice():
    loaded = tiny()
    scores = score(loaded, "☃")
    share = torch.softmax(loaded.module.readout.bias.double(), -1)[0]
    assert scores["nats_per_character"] == pytest.approx(-math.log(share) + math.log(1_114_112 - 13), rel=1e-9)
    assert scores["unknown"] == 1


def test_line_ends_are_scored_as_they_are(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"a\r\nb\r\n")
    assert evaluate(tiny(), path)["characters"] == 6 and evaluate(tiny(), path)["unknown"] == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty; expected at least one"), (b"abc\xffdef", r"is not UTF-8 text \(byte 3 is 0xff\)"), (None, "does not exist")],
)
def test_a_broken_file_gets_a_sentence(tmp_path, content: bytes | None, sentence: str):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        evaluate(tiny(), path)
    with pytest.raises(DataError, match="cannot be read"):
        evaluate(tiny(), tmp_path)
