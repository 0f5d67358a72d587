"""Greedy and beam search: compared with exhaustive search, teacher forcing, each other, and edits that change nothing."""

from itertools import product

import numpy as np
import pytest
import torch

import explorer
from models.decoding import DecodingError, Edits, Found, Hypothesis, Search, beam, greedy
from models.translation.network import SCORES
from models.translation.translate import encoded, log_probabilities
from models.vocabulary.subwords import END, PAD, START
from tests.models.translation.tiny_translation import names, network

SOURCES = [[3, 5, 6, 4, 2], [6, 2], [4, 4, 3, 2]]
EVERY = [(attention, seed) for attention in SCORES for seed in range(4)]


def same(one: Hypothesis, other: Hypothesis) -> None:
    assert one.tokens == other.tokens
    for field in ("log_probabilities", "attention", "top_log_probabilities"):
        if getattr(one, field) is not None:
            np.testing.assert_allclose(getattr(one, field), getattr(other, field), atol=1e-5)
    np.testing.assert_allclose(one.states[0], other.states[0], atol=1e-5)
    assert one.score == pytest.approx(other.score, abs=1e-5)


@pytest.mark.parametrize(("attention", "seed"), EVERY)
def test_a_beam_of_one_is_greedy(attention: str, seed: int):
    module = network(attention, seed=seed)
    memory = encoded(module, SOURCES)
    for plain, result in zip(greedy(module, memory, Search(longest=9)), beam(module, memory, Search(longest=9)), strict=True):
        same(plain, result.hypotheses[0])


@pytest.mark.parametrize(("attention", "seed"), EVERY)
def test_teacher_forcing_agrees_with_the_costs_of_the_search(attention: str, seed: int):
    module = network(attention, seed=seed)
    memory = encoded(module, SOURCES)
    for source, plain, result in zip(
        SOURCES, greedy(module, memory, Search(longest=9)), beam(module, memory, Search(4, longest=9)), strict=True
    ):
        for hypothesis in (plain, *result.hypotheses):
            costs = log_probabilities(module, source, hypothesis.tokens)
            np.testing.assert_allclose(hypothesis.log_probabilities, costs, atol=1e-5)
            assert hypothesis.score == pytest.approx(costs.sum() / len(costs), abs=1e-5)


def every_sentence(words: list[int], longest: int) -> list[tuple[int, ...]]:
    return [(*sentence, END) for length in range(longest) for sentence in product(words, repeat=length)]


@pytest.mark.parametrize("normalisation", [0, 0.6, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_as_wide_as_the_space_finds_the_best_there_is(normalisation: float, seed: int):
    module, longest = network(vocab_size=5, seed=seed), 5
    space = every_sentence([3, 4], longest)
    search = Search(len(space) + 2**longest, normalisation, longest)  # room for those that are cut too
    (result,) = beam(module, encoded(module, [[3, 4, 4, 2]]), search)
    totals = {sentence: float(log_probabilities(module, [3, 4, 4, 2], sentence).sum()) for sentence in space}
    scores = {sentence: total / len(sentence) ** normalisation for sentence, total in totals.items()}
    assert len(result.hypotheses) == len(space) and {hypothesis.tokens for hypothesis in result.hypotheses} == set(space)
    best = max(scores, key=lambda sentence: scores[sentence])
    assert result.hypotheses[0].tokens == best
    assert [hypothesis.score for hypothesis in result.hypotheses] == pytest.approx(sorted(scores.values(), reverse=True), abs=1e-4)


def test_a_narrow_beam_can_miss_what_a_wide_one_finds():
    """Otherwise the test above could not fail."""
    missed = 0
    for seed in range(12):
        module = network(vocab_size=5, seed=seed)
        memory = encoded(module, [[3, 4, 4, 2]])
        narrow, wide = (beam(module, memory, Search(width, 1, 5))[0].hypotheses[0] for width in (1, 63))
        missed += narrow.finished and wide.score > narrow.score + 1e-3
    assert missed >= 2


def check_tree(result: Found, width: int) -> None:
    tree = result.tree
    for node in tree:
        before = tree[node.parent] if node.parent >= 0 else None
        assert before is None or (before.kept and before.token != END and before.step == node.step - 1)
        assert node.total == pytest.approx((before.total if before else 0) + node.log_probability)
    for step in range(max(node.step for node in tree) + 1):
        here = [node for node in tree if node.step == step]
        kept, pruned = [n.total for n in here if n.kept], [n.total for n in here if not n.kept]
        ended = sum(n.kept and n.token == END for n in tree if n.step < step)
        assert len(kept) == min(width - ended, len(here)) and (not pruned or min(kept) >= max(pruned))
    ends = [node for node in tree if node.kept and node.token == END]
    assert sorted(n.score for n in ends) == pytest.approx(sorted(h.score for h in result.hypotheses)) or not ends


@pytest.mark.parametrize(("attention", "seed"), EVERY)
@pytest.mark.parametrize("width", [2, 5])
def test_the_tree_holds_every_candidate(attention: str, seed: int, width: int):
    module = network(attention, seed=seed)
    for result in beam(module, encoded(module, SOURCES), Search(width, longest=9)):
        check_tree(result, width)
        scores = [hypothesis.score for hypothesis in result.hypotheses]
        assert scores == sorted(scores, reverse=True) and len(scores) <= width
        assert not {PAD, START} & {node.token for node in result.tree}
        assert len({hypothesis.finished for hypothesis in result.hypotheses}) == 1


@pytest.mark.parametrize("attention", SCORES)
def test_a_batch_gives_what_each_input_gives_alone(attention: str):
    module = network(attention, seed=2)
    together = beam(module, encoded(module, SOURCES), Search(3, longest=9))
    for row, source in enumerate(SOURCES):
        (alone,) = beam(module, encoded(module, [source]), Search(3, longest=9))
        assert [node.token for node in together[row].tree] == [node.token for node in alone.tree]
        for one, other in zip(together[row].hypotheses, alone.hypotheses, strict=True):
            assert one.tokens == other.tokens and one.score == pytest.approx(other.score, abs=1e-5)
            if one.attention is not None:
                np.testing.assert_allclose(one.attention[:, : len(source)], other.attention, atol=1e-5)
                assert (one.attention[:, len(source) :] == 0).all()


@pytest.mark.parametrize("attention", ["additive", "bilinear", "uniform"])
def test_a_recording_follows_rows_through_the_beam(attention: str):
    moved = 0
    for seed in range(12):
        module = network(attention, seed=seed)
        with explorer.record(module) as recording:
            (result,) = beam(module, encoded(module, [SOURCES[0]]), Search(4, longest=9))
        steps = 1 + max(node.step for node in result.tree)
        for hypothesis in result.hypotheses:
            rows = [*hypothesis.rows, *[0] * (steps - len(hypothesis.rows))]  # the search went on after this one ended
            heard = recording.alignment(*names(SOURCES[0], range(steps)), rows=rows).weights[: len(hypothesis.tokens)]
            np.testing.assert_allclose(heard, hypothesis.attention, atol=1e-6)
            moved += len(set(hypothesis.rows)) > 1
    assert moved > 3


@pytest.mark.parametrize("attention", ["additive", "bilinear", "uniform"])
@pytest.mark.parametrize("width", [1, 3])
def test_attention_edited_to_its_own_values_changes_nothing(attention: str, width: int):
    module = network(attention, seed=3)
    memory = encoded(module, [SOURCES[0]])
    (plain,) = greedy(module, memory, Search(longest=9))
    edits = Edits(attention=dict(enumerate(plain.attention)), tokens=dict(enumerate(plain.tokens)))
    for at in range(len(plain.tokens)):
        (again,) = greedy(module, memory, Search(longest=9), Edits(attention={at: plain.attention[at]}))
        assert again.tokens == plain.tokens and (again.log_probabilities == plain.log_probabilities).all()
        assert (again.attention == plain.attention).all() and (again.states[0] == plain.states[0]).all()
    (forced,) = beam(module, memory, Search(width, longest=9), edits)
    assert forced.hypotheses[0].tokens == plain.tokens
    np.testing.assert_allclose(forced.hypotheses[0].log_probabilities, plain.log_probabilities, atol=1e-6)


def test_attention_that_is_moved_moves_the_rest():
    module = network("additive", seed=3)
    memory = encoded(module, [SOURCES[0]])
    (plain,) = greedy(module, memory, Search(longest=9))
    away = np.eye(5)[int(plain.attention[1].argmin())]
    (edited,) = greedy(module, memory, Search(longest=9), Edits(attention={1: away}))
    assert (edited.attention[0] == plain.attention[0]).all() and (edited.attention[1] == away).all()
    assert edited.log_probabilities[0] == plain.log_probabilities[0]
    assert abs(edited.top_log_probabilities[1] - plain.top_log_probabilities[1]).max() > 1e-3
    state = module.start(memory)
    first = module.step(memory, state, torch.tensor([START]))
    context = memory.states[0, int(away.argmax())]
    embedded = module.embedding(torch.tensor([edited.tokens[0]])) * 5**0.5
    hidden = module.decoder(torch.cat([embedded, context[None]], -1), first.state[0])
    np.testing.assert_allclose(edited.states[0][1], hidden[0], atol=1e-6)


@pytest.mark.parametrize("width", [1, 4])
def test_a_forced_token_is_written_and_the_rest_follows_it(width: int):
    module = network("additive", seed=3)
    memory = encoded(module, [SOURCES[0]])
    (plain,) = greedy(module, memory, Search(longest=9))
    other = next(token for token in (3, 4, 5, 6) if token != plain.tokens[1])
    prefix = {0: plain.tokens[0], 1: other}
    (result,) = beam(module, memory, Search(width, longest=9), Edits(tokens=prefix))
    for hypothesis in result.hypotheses:
        assert hypothesis.tokens[:2] == tuple(prefix.values())
        np.testing.assert_allclose(hypothesis.log_probabilities, log_probabilities(module, SOURCES[0], hypothesis.tokens), atol=1e-5)
        assert plain.tokens[1] in hypothesis.top[1]  # the token it would have written is still listed
    (ended,) = beam(module, memory, Search(width, longest=9), Edits(tokens={0: END}))
    assert [hypothesis.tokens for hypothesis in ended.hypotheses] == [(END,)]


def test_a_sentence_without_end_is_cut():
    module = network("additive", seed=0)
    module.bias[END] = -100
    (plain,) = greedy(module, encoded(module, [SOURCES[0]]), Search(longest=6))
    (result,) = beam(module, encoded(module, [SOURCES[0]]), Search(3, longest=6))
    assert len(plain.tokens) == 6 and not plain.finished
    assert len(result.hypotheses) == 3 and all(len(hypothesis.tokens) == 6 and not hypothesis.finished for hypothesis in result.hypotheses)


@pytest.mark.parametrize("name", ["width", "longest", "top", "normalisation"])
def test_settings_out_of_range_get_a_sentence(name: str):
    with pytest.raises(DecodingError, match=f"{name} is -1; expected at least"):
        Search(**{name: -1})
    with pytest.raises(DecodingError, match=f"{name} is nan"):
        Search(**{name: float("nan")})


@pytest.mark.parametrize(
    ("attention", "edits", "sentence"),
    [
        ("additive", Edits(tokens={0: 7}), "The token of step 0 has id 7; expected the id of a token that can be written, 2 to 6"),
        ("additive", Edits(tokens={0: START}), "The token of step 0 has id 1"),
        ("additive", Edits(attention={0: np.ones(4) / 4}), r"attention of step 0 has shape \(4,\) and sums to 1; expected 5 weights"),
        ("additive", Edits(attention={0: np.ones(5)}), "sums to 5; expected 5 weights"),
        ("additive", Edits(attention={0: np.array([2, -1, 0, 0, 0])}), "none negative"),
        ("additive", Edits(attention={0: np.full(5, np.nan)}), "sums to nan"),
        ("none", Edits(attention={0: np.ones(5) / 5}), "cannot be edited: this network has no attention"),
    ],
)
def test_impossible_edits_get_a_sentence(attention: str, edits: Edits, sentence: str):
    module = network(attention)
    for search in (Search(1, longest=3), Search(2, longest=3)):
        with pytest.raises(DecodingError, match=sentence):
            beam(module, encoded(module, [SOURCES[0]]), search, edits)
    with pytest.raises(DecodingError, match=sentence):
        greedy(module, encoded(module, [SOURCES[0]]), Search(longest=3), edits)


@pytest.mark.parametrize("width", [1, 3])
def test_each_step_is_reported_and_a_callback_that_raises_ends_the_search(width: int):
    module, reports = network(), []
    memory = encoded(module, SOURCES)

    def search(report):
        wanted = Search(width, longest=9)
        return beam(module, memory, wanted, report=report) if width > 1 else greedy(module, memory, wanted, report=report)

    search(lambda done, total: reports.append((done, total)))
    assert reports == [(step, 9) for step in range(len(reports))] and len(reports) > 1

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(stop)
