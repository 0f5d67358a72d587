"""n-grams: compared with a slow implementation with dictionaries, and as probabilities that sum to 1."""

import math
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import CheckpointError
from models import checkpoint, ngram
from models.vocabulary.characters import Vocabulary
from tests.models.tiny import save_tiny

TRAIN = "the cat sat on the mat; the rat ate the cat's hat ☃ " * 3 + "and that was that, said the bat. 1é"
DEV = "the rat sat on that hat, zebra! é the"
VOCAB = Vocabulary.of_text(TRAIN, 2)


def slow(train: str, dev: str, vocab: Vocabulary, order: int) -> np.ndarray:
    """The recursion as it is written, one character and one dictionary at a time."""
    counts: dict[tuple, Counter] = defaultdict(Counter)
    ids = vocab.encode(train)
    for at, token_id in enumerate(ids):
        for length in range(min(order - 1, at) + 1):
            counts[tuple(ids[at - length : at])][token_id] += 1

    def share(token_id: int, context: tuple) -> float:
        shorter = share(token_id, context[1:]) if context else 1 / len(vocab)
        seen = counts.get(context)
        return (seen[token_id] + len(seen) * shorter) / (sum(seen.values()) + len(seen)) if seen else shorter

    ids, rows = vocab.encode(dev), []
    for at, token_id in enumerate(ids):
        extra = math.log(1_114_112 - len(vocab)) if token_id == 0 else 0
        rows.append([extra - math.log(share(token_id, tuple(ids[max(0, at - length) : at]))) for length in range(order)])
    return np.array(rows)


def test_every_order_agrees_with_the_slow_implementation():
    nats = ngram.fit(TRAIN, VOCAB, 7).nats(DEV)
    assert nats.shape == (len(DEV), 7) and VOCAB.unknown(DEV) == 5
    np.testing.assert_allclose(nats, slow(TRAIN, DEV, VOCAB, 7), rtol=1e-12)


@pytest.mark.parametrize("least", [(), (1, 1, 2, 2, 3), (1, 2, 2, 5, 9), (1, 99)])
def test_probabilities_sum_to_1_and_are_those_of_the_score(least: tuple):
    model = ngram.fit(TRAIN, VOCAB, 5, least)
    nats = model.nats(DEV)
    for at in range(len(DEV)):
        shares = model.shares(DEV[:at])
        assert shares.shape == (len(VOCAB),) and shares.min() > 0 and shares.sum() == pytest.approx(1, abs=1e-12)
        token_id = VOCAB.encode(DEV[at])[0]
        if token_id:
            assert -math.log(shares[token_id]) == pytest.approx(nats[at, -1], rel=1e-9)


def test_by_hand():
    """abab: after a always b. p1(b) = (2 + 2/3)/(4 + 2) = 4/9; p2(b|a) = (2 + 4/9)/(2 + 1) = 22/27."""
    vocab = Vocabulary(("\N{REPLACEMENT CHARACTER}", "a", "b"))
    assert ngram.fit("abab", vocab, 2).shares("a")[2] == pytest.approx(22 / 27)
    assert ngram.fit("abab", vocab, 2).shares("")[2] == pytest.approx(4 / 9)
    assert ngram.fit("abab", vocab, 2).bits("ab")[1] == pytest.approx(-math.log2(22 / 27))


def test_dropping_saves_room_and_costs_a_little():
    full, small = ngram.fit(TRAIN, VOCAB, 5), ngram.fit(TRAIN, VOCAB, 5, (1, 1, 1, 1, 4))
    assert len(small.levels[4].keys) < len(full.levels[4].keys)
    np.testing.assert_array_equal(small.nats(DEV)[:, :4], full.nats(DEV)[:, :4])
    assert not np.array_equal(small.nats(DEV)[:, 4], full.nats(DEV)[:, 4])


def test_texts_shorter_than_the_order():
    for text in ("", "t", "th"):
        assert ngram.fit(TRAIN, VOCAB, 6).nats(text).shape == (len(text), 6)
    model = ngram.fit("th", VOCAB, 6)
    assert np.isfinite(model.nats(DEV)).all() and model.shares("tha").sum() == pytest.approx(1)


@pytest.mark.parametrize("least", [(), (1, 1, 1, 2, 3)])
def test_counts_come_back_from_their_file(tmp_path, least: tuple):
    model = ngram.fit(TRAIN, VOCAB, 5, least)
    ngram.save(model, {"name": "wiki-ngram"}, tmp_path / "wiki-ngram.safetensors")
    back = ngram.load("wiki", tmp_path)
    assert back is not None and back.order == 5 and back.vocab == VOCAB
    np.testing.assert_array_equal(back.nats(DEV), model.nats(DEV))
    assert ngram.load("linux", tmp_path) is None


def test_damaged_counts_get_a_sentence(tmp_path):
    path = tmp_path / "wiki-ngram.safetensors"
    ngram.save(ngram.fit(TRAIN, VOCAB, 3), {}, path)
    arrays, card = checkpoint.read_arrays(path)
    checkpoint.write_arrays({k: v for k, v in arrays.items() if k != "2.counts"}, card, path)
    with pytest.raises(CheckpointError, match=r"is damaged \('2\.counts'\)"):
        ngram.load("wiki", tmp_path)
    checkpoint.write_arrays(arrays | {"3.children": arrays["3.children"][:-1], "3.totals": arrays["3.totals"][:-1]}, card, path)
    with pytest.raises(CheckpointError, match="is damaged"):
        ngram.load("wiki", tmp_path)
    save_tiny(path)
    with pytest.raises(CheckpointError, match="is of kind 'char_lm'; expected 'ngram'"):
        ngram.load("wiki", tmp_path)


def test_counting_needs_no_torch():
    code = "import sys; from models import ngram; ngram.load('shakespeare').bits('to be'); sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
