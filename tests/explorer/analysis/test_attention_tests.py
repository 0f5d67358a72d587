"""The four questions of attention on made-up attention whose answers are known."""

import numpy as np
import pytest
import torch

from explorer.analysis import attention_tests as asked
from explorer.errors import AnalysisError
from explorer.records import Alignment

RNG = np.random.default_rng(0)


def of(weights: np.ndarray) -> Alignment:
    return Alignment(tuple("abcdefghijkl"[: weights.shape[1]]), tuple("ABCDEFGHIJKL"[: weights.shape[0]]), weights)


def sharp(columns: np.ndarray | list[int], width: int, share: float = 0.9) -> np.ndarray:
    """Rows that look at one column with a share, and evenly at the rest."""
    weights = np.full((len(columns), width), (1 - share) / (width - 1))
    weights[np.arange(len(columns)), columns] = share
    return weights


def sentences(count: int = 60, seed: int = 0) -> tuple[list[Alignment], list[list[int]]]:
    """Alignments of 4 to 6 words, each a random one-to-one map, and an order for each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 7, count)
    return [of(sharp(rng.permutation(n), n)) for n in lengths], [rng.permutation(n).tolist() for n in lengths]


def test_entropy_and_divergence_are_those_of_torch():
    p, q = RNG.dirichlet(np.ones(7), 5), RNG.dirichlet(np.ones(7), 5)
    p[0, 0] = 0
    p[0] /= p[0].sum()
    np.testing.assert_allclose(asked.entropy(p), torch.special.entr(torch.tensor(p)).sum(1) / np.log(2), rtol=1e-12)
    middle = torch.tensor((p + q) / 2).log()
    sides = [torch.nn.functional.kl_div(middle, torch.tensor(side), reduction="none").sum(1) for side in (p, q)]
    np.testing.assert_allclose(asked.divergence(p, q), (sides[0] + sides[1]) / 2 / np.log(2), rtol=1e-9)
    assert asked.evenness(np.full((2, 4), 0.25)).tolist() == [1, 1] and np.isnan(asked.evenness(np.full((1, 2), 0.5))).all()


def test_the_diagonal_is_at_distance_zero():
    assert asked.off_diagonal(np.eye(5)) == 0
    assert asked.off_diagonal(np.eye(5)[::-1]) == pytest.approx(np.mean([1, 0.5, 0, 0.5, 1]))


def test_attention_that_goes_with_the_states_looks_at_them():
    own, orders = sentences()
    follows = [of(attention.weights[:, order]) for attention, order in zip(own, orders, strict=True)]
    answer = asked.looks(own, follows, orders)
    assert (answer.says, answer.value, answer.sentences) == ("yes", 1, 60)


def test_attention_that_stays_where_it_was_does_not():
    own, orders = sentences()
    answer = asked.looks(own, own, orders)
    assert (answer.says, answer.value) == ("no", 0)


def test_even_rows_cannot_tell():
    own, orders = (
        [of(np.full((4, 5), 0.2) + RNG.normal(0, 1e-3, (4, 5)).clip(-0.01, 0.01) @ (np.eye(5) - 0.2)) for _ in range(50)],
        [[1, 0, 2, 4, 3]] * 50,
    )
    assert asked.looks(own, own, orders).says == "cannot tell"


def test_position_alone_says_nothing_beyond_position_and_content_does():
    rng = np.random.default_rng(1)
    position = [of(sharp(np.arange(n) % 5, 5)) for n in rng.integers(3, 6, 60)]
    answer = asked.beyond_position(position)
    assert answer.says == "no" and answer.value == pytest.approx(0, abs=1e-9)
    assert asked.beyond_position(sentences(200)[0]).says == "yes"
    with pytest.raises(AnalysisError, match="No two sentences share their lengths"):
        asked.beyond_position([of(np.eye(3)), of(np.eye(4))])


def test_bits_beyond_position_by_hand():
    first, second = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    kl = 0.5 * np.log2(0.5 / 0.25) + 0.5 * np.log2(0.5 / 0.75)
    back = 0.25 * np.log2(0.25 / 0.5) + 0.75 * np.log2(0.75 / 0.5)
    assert asked.beyond_position([of(first), of(second)]).value == pytest.approx((kl + back) / 2)


def test_use_is_paid_in_nats_a_word():
    words = RNG.integers(3, 9, 250).astype(float)
    own = words * RNG.uniform(1, 2, 250)
    needed = asked.used(own, own + 0.7 * words, words)
    assert needed.says == "yes" and needed.value == pytest.approx(0.7) and needed.low == pytest.approx(0.7)
    assert asked.used(own, own + 0.01 * words, words).says == "no"
    noisy = asked.used(own, own + RNG.normal(0.1, 3, 250) * words, words)
    assert noisy.says == "cannot tell" and noisy.low < 0.1 < noisy.high


def test_the_error_rate_is_that_of_the_paper():
    sure, possible = frozenset({(0, 0), (1, 2)}), frozenset({(0, 0), (1, 2), (2, 2)})
    predicted = frozenset({(0, 0), (2, 2), (3, 1)})
    assert asked.error_rate([predicted], [sure], [possible]) == pytest.approx(1 - (1 + 2) / (3 + 2))
    assert asked.error_rate([sure], [sure], [possible]) == 0
    assert asked.error_rate([predicted], [sure], [possible - sure]) == asked.error_rate([predicted], [sure], [possible])  # sure is possible


def test_links_of_attention_leave_out_the_end_mark():
    weights = np.array([[0.1, 0.7, 0.2], [0.1, 0.2, 0.7]])
    assert asked.strongest(of(weights), null=2) == {(0, 1)}
    assert asked.diagonal(3, 3) == {(0, 0), (1, 1), (2, 2)} and asked.diagonal(2, 4) == {(0, 0), (1, 2)}


def test_pointing_is_better_than_the_diagonal_or_it_is_none():
    rng = np.random.default_rng(2)
    truth = [frozenset((row, int(column)) for row, column in enumerate(rng.permutation(6))) for _ in range(40)]
    position = [asked.diagonal(6, 6)] * 40
    right = asked.points(truth, truth, truth, position)
    assert right.says == "yes" and right.value == 0
    assert asked.points(position, truth, truth, position).says == "no"


def test_where_words_keep_their_order_pointing_cannot_be_told_from_position():
    truth = [asked.diagonal(6, 6)] * 40
    one_off = [frozenset((row, max(0, row - 1)) for row in range(6))] * 40
    right, shifted = (asked.points(weights, truth, truth, truth) for weights in (truth, one_off))
    assert (right.says, right.value) == ("cannot tell", 0)
    assert shifted.says == "cannot tell" and shifted.value == pytest.approx(5 / 6)
    crossing = [frozenset({(0, 1), (1, 0), *((row, row) for row in range(2, 6))})] * 40  # the diagonal is wrong in a third
    assert asked.points(truth, crossing, crossing, truth).says == "no"
    assert asked.points(crossing, crossing, crossing, truth).says == "yes"


@pytest.mark.parametrize("orders", [[[0, 1]], [[0, 0, 1]], []])
def test_what_does_not_belong_together_is_refused(orders):
    with pytest.raises(AnalysisError):
        asked.looks([of(np.eye(3))], [of(np.eye(3))], orders)
