"""A translation under edits, without a page: which edits apply, what is written in words and subwords, and the beam tree."""

import numpy as np
import pytest

from models.translation.experiments import beam_tree
from models.translation.experiments.edits import (
    ALIKE,
    Edit,
    edited,
    forcing,
    phases,
    possible,
    reached,
    reference_tokens,
    scores,
    sentence,
)
from models.translation.translate import source_of
from tests.models.translation.tiny_translation import tiny_translator

TEXT = "the red cat sees two dog."


def test_only_what_the_network_can_do_is_possible():
    loaded = tiny_translator()
    columns = len(loaded.vocab.words(source_of(loaded.vocab, TEXT)))
    sound = (Edit(0, "look", columns - 1), Edit(1, "look", ALIKE), Edit(2, "write", len(loaded.vocab) - 1))
    strange = (Edit(3, "look", columns), Edit(4, "write", len(loaded.vocab)), Edit(5, "write", 0))
    assert possible(loaded, TEXT, sound + strange) == sound
    assert possible(tiny_translator("none"), TEXT, sound) == sound[2:]


def test_an_edit_after_the_end_is_not_reached():
    loaded = tiny_translator()
    translation = edited(loaded, TEXT, ())
    steps = len(translation.hypotheses[0].tokens)
    assert reached(translation, (Edit(steps - 1, "write", 9), Edit(steps, "write", 9))) == (Edit(steps - 1, "write", 9),)
    assert reached(edited(loaded, "", ()), (Edit(0, "write", 9),)) == ()


def test_forced_subwords_are_written_with_the_weights_that_were_moved():
    loaded, tokens = tiny_translator(), (9, 12, 7)
    moved = forcing(tokens, (Edit(1, "look", 2), Edit(2, "write", 5), Edit(3, "look", 0)))
    assert moved == (Edit(0, "write", 9), Edit(1, "look", 2), Edit(1, "write", 12), Edit(2, "write", 7))
    written = edited(loaded, TEXT, moved).hypotheses[0]
    assert written.tokens[:3] == tokens and written.attention is not None
    word = loaded.vocab.words(source_of(loaded.vocab, TEXT))[2][1]
    assert written.attention[1][list(word)].sum() == pytest.approx(1)


def test_words_are_made_of_their_subwords():
    loaded = tiny_translator()
    translation = edited(loaded, TEXT, ())
    (own,) = translation.hypotheses
    by_words, by_subwords = (sentence(loaded, translation.source, own, fine) for fine in (False, True))
    assert by_words.text == by_subwords.text == translation.text
    assert by_subwords.steps == tuple((step,) for step in range(len(own.tokens)))
    assert sorted(step for steps in by_words.steps for step in steps) == list(range(len(own.tokens)))
    assert by_words.alignment is not None and by_subwords.alignment is not None and own.attention is not None
    np.testing.assert_allclose(by_subwords.alignment.weights, own.attention, atol=1e-6)
    assert by_words.alignment.weights.shape == (len(by_words.target), len(by_words.source))


@pytest.mark.parametrize("attention", ["additive", "bilinear", "uniform"])
def test_the_softmax_of_the_scores_is_the_attention(attention: str):
    loaded = tiny_translator(attention)
    own = edited(loaded, TEXT, ()).hypotheses[0]
    before = scores(loaded, TEXT, own.tokens)
    assert before is not None and own.attention is not None and before.shape == own.attention.shape
    shares = np.exp(before - before.max(1, keepdims=True))
    np.testing.assert_allclose(shares / shares.sum(1, keepdims=True), own.attention, atol=1e-5)
    assert (np.ptp(before) == 0) == (attention == "uniform")
    assert not loaded.module.score._forward_hooks and scores(tiny_translator("none"), TEXT, own.tokens) is None


def test_training_and_use_differ_from_where_the_reference_does():
    loaded = tiny_translator()
    translation = edited(loaded, TEXT, ())
    own = sentence(loaded, translation.source, translation.hypotheses[0], True)
    tokens = reference_tokens(loaded, "le chat.", own.hypothesis)
    fed = sentence(loaded, translation.source, edited(loaded, TEXT, forcing(tokens)).hypotheses[0], True)
    both = phases(loaded, fed, own)
    assert both.differs_at == next(n for n, (a, b) in enumerate(zip(tokens, own.hypothesis.tokens, strict=False)) if a != b)
    assert both.predicted[0] == own.subwords[0] and len(both.predicted) == len(tokens)
    assert both.nats_per_subword == pytest.approx(-float(fed.hypothesis.log_probabilities.mean()))
    assert phases(loaded, own, own).differs_at is None


def test_the_tree_of_a_beam_ends_in_its_hypotheses():
    loaded = tiny_translator()
    translation = edited(loaded, TEXT, (), width=3)
    assert translation.beam is not None
    tree, ends = beam_tree.branches(loaded, translation.beam)
    nodes = translation.beam.tree
    assert len(ends) == len(translation.hypotheses) and len(tree.parents) <= len(nodes)
    assert [beam_tree.through(nodes, ends, end) for end in ends] == list(range(len(ends)))
    root = ends[0]
    while nodes[root].parent >= 0:
        root = nodes[root].parent
    assert beam_tree.through(nodes, ends, root) == 0
    assert beam_tree.through(nodes, ends, next(i for i, node in enumerate(nodes) if not node.kept)) is None
