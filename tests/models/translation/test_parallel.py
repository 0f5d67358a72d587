"""Parallel text: two files or a table, and each pair's scores against sacreBLEU and teacher forcing by hand."""

import numpy as np
import pytest
import sacrebleu
import torch

from models.corpora import DataError
from models.translation.data import lines_of, table_of
from models.translation.experiments.parallel import pair_scores
from models.translation.translate import GREEDY, translate_all
from models.vocabulary.subwords import END, START
from tests.models.translation.tiny_translation import sentences, tiny_translator

PAIRS = [*sentences(5), ("the red cat.", "le rouge chat .")]


def test_each_pair_is_scored_as_sacrebleu_and_teacher_forcing_do():
    loaded, steps = tiny_translator(), []
    scores = pair_scores(loaded, PAIRS, 600, lambda done, total: steps.append((done, total)))
    greedy = translate_all(loaded.module, loaded.vocab, [source for source, _ in PAIRS], GREEDY)  # pyright: ignore[reportArgumentType]
    assert scores.translations == tuple(translation.text for translation in greedy)
    for row, (source, reference) in enumerate(PAIRS):
        own = scores.translations[row]
        assert scores.bleu[row] == pytest.approx(sacrebleu.sentence_bleu(own, [reference]).score)
        assert scores.chrf[row] == pytest.approx(sacrebleu.sentence_chrf(own, [reference]).score)
        target = [*loaded.vocab.encode(reference), END]
        with torch.no_grad():
            logs = loaded.module(torch.tensor([[*loaded.vocab.encode(source), END]]), torch.tensor([[START, *target[:-1]]])).log_softmax(-1)
        nats = -logs[0, range(len(target)), target].mean()
        assert scores.bits[row] == pytest.approx(float(nats) / np.log(2), abs=1e-5)
    assert scores.corpus["bleu"] == pytest.approx(sacrebleu.corpus_bleu(scores.translations, [[pair[1] for pair in PAIRS]]).score)
    assert steps == sorted(steps) and steps[-1] == (12, 12)


def test_two_files_are_read_line_by_line():
    assert lines_of(b"a b\n\nc\n", "d\r\n\r\né\r\n".encode(), ("en", "fr")) == [("a b", "d"), ("c", "é")]


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (b"a\nb\n", b"c\n", "en has 2 lines and fr 1; expected as many"),
        (b"a\n\n", b"c\nd\n", "Line 2 is blank in one of en and fr"),
        (b"\n", b"\n", "hold no pairs"),
        (b"a\0", b"c", "is not text"),
    ],
)
def test_files_that_do_not_fit_get_a_sentence(source: bytes, target: bytes, sentence: str):
    with pytest.raises(DataError, match=sentence):
        lines_of(source, target, ("en", "fr"))


def test_a_table_keeps_its_order_and_says_what_is_left_out():
    pairs, problems, note = table_of(b"en\tfr\nI see.\tJe vois.\nalone\nI see.\tJe vois.\n", "it.tsv")
    assert pairs == [("I see.", "Je vois.")] * 2 and problems == [(3, "it does not hold two sentences.")] and not note
