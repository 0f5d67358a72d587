"""Scores by hand, planted units, chance for noise with a memory, and tables of the last characters."""

import numpy as np
import pytest

from explorer.analysis.baselines import lookups, shift_chance
from explorer.analysis.rank import CHANCE, LAST, UNTRAINED, rank
from explorer.analysis.unit_scores import auc, correlation, decisions, ranks, thresholds
from explorer.errors import AnalysisError
from tests.benchmarks.measure import interleaved


def slow_noise(rng: np.random.Generator, time: int, units: int, keep: float = 0.97) -> np.ndarray:
    """Noise with a memory, as units have it: x_t = keep x_{t-1} + e_t."""
    x = rng.normal(size=(time, units)).astype(np.float32)
    for t in range(1, time):
        x[t] += keep * x[t - 1]
    return x


def runs(rng: np.random.Generator, time: int, length: int = 20) -> np.ndarray:
    """A 0/1 track that comes in runs."""
    return np.repeat(rng.random(time // length + 1) < 0.3, length)[:time].astype(np.float32)


# scores


def test_correlation_by_hand():
    values = np.array([[1, 3, 5, 1e6], [2, 2, 5, 1e6 + 1], [3, 1, 5, 1e6]], np.float32)
    track = np.array([1, 2, 3], np.float32)
    assert correlation(values, track) == pytest.approx([1, -1, 0, 0], abs=1e-6)
    rng = np.random.default_rng(0)
    values, track = rng.normal(size=(500, 7)) * 400 + 100, rng.normal(size=500)
    exact = [np.corrcoef(values[:, u], track)[0, 1] for u in range(7)]
    assert correlation(values.astype(np.float32), track.astype(np.float32)) == pytest.approx(exact, abs=1e-5)


def test_ranks_share_ties():
    assert ranks(np.array([[3.0], [1.0], [3.0], [7.0]], np.float32))[:, 0].tolist() == [2.5, 1, 2.5, 4]


def test_auc_by_hand():
    track = np.array([0, 0, 1, 1], np.float32)
    columns = np.array([[1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 0, 0], [1, 3, 2, 4], [1, 2, 2, 3]], np.float32).T
    assert auc(columns, track).tolist() == [1, 0, 0.5, 0.75, 0.875]


def test_auc_counts_pairs():
    rng = np.random.default_rng(1)
    values, track = rng.integers(0, 9, size=(80, 5)).astype(np.float32), (rng.random(80) < 0.3).astype(np.float32)
    high, low = values[track == 1][:, None], values[track == 0][None]
    assert auc(values, track) == pytest.approx(((high > low) + 0.5 * (high == low)).mean(axis=(0, 1)), abs=1e-6)


def test_thresholds_and_decisions_by_hand():
    track = np.array([0, 0, 0, 1, 1, 0], np.float32)
    rising, falling = [0, 1, 2, 8, 9, 8.5], [-0, -1, -2, -8, -9, -8.5]
    values, sign = np.array([rising, falling, [1] * 6], np.float32).T, np.array([1.0, -1.0, 1.0])
    cut = thresholds(values, track, sign)
    assert cut.tolist() == [5, -5, 1]
    f1, balanced = decisions(values, track, sign, cut)
    assert f1 == pytest.approx([2 * 2 / (3 + 2)] * 2 + [0])
    assert balanced == pytest.approx([(1 + 0.75) / 2] * 2 + [0.5])


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    values, track = slow_noise(rng, 300, 9), runs(rng, 300, length=6)
    whole = rank(values, track, "ab" * 150)
    monkeypatch.setattr("explorer.analysis.unit_scores.BLOCK", 500)
    parts = rank(values, track, "ab" * 150)
    for name in ("r", "auc", "f1", "balanced_accuracy", "threshold"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-6)
    assert parts.baselines[CHANCE].auc == pytest.approx(whole.baselines[CHANCE].auc, abs=1e-6)


# the choice


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_unit_is_found_with_its_sign_and_cut(sign: int):
    rng = np.random.default_rng(3)
    values, track = slow_noise(rng, 4000, 50), runs(rng, 4000)
    values[:, 17] = sign * (track * 2 - 1 + 0.3 * rng.normal(size=4000))
    ranking = rank(values, track, tokens="x" * 4000, untrained=slow_noise(rng, 4000, 50))
    assert ranking.best == 17 and ranking.sign[17] == sign and abs(ranking.threshold[17]) < 0.4 and ranking.held_out
    own = ranking.scores(17)
    assert own.r > 0.9 and own.auc > 0.99 and own.f1 > 0.97 and own.balanced_accuracy > 0.98
    assert all(ranking.cleared().values()) and set(ranking.cleared()) == {CHANCE, UNTRAINED, *LAST}
    assert ranking.verdict() == f"Unit 17 tracks it better than all three baselines (correlation {own.r:.2f} on held-out text)."
    assert "tracks “URL” better" in ranking.verdict(concept="“URL”")
    worst = int(ranking.order[-1])
    assert not ranking.cleared(worst)[CHANCE] and f"Unit {worst} does not beat chance" in ranking.verdict(worst)


def test_scores_come_from_the_part_that_did_not_choose():
    """A unit that follows the track in the first half only is chosen, and found out."""
    rng = np.random.default_rng(4)
    values, track = slow_noise(rng, 2000, 5), runs(rng, 2000)
    values[:1000, 2] = 10 * track[:1000]
    values[:, 3] += 2 * track
    ranking = rank(values, track)
    assert ranking.best == 2 and ranking.r[2] < 0.5
    second_half_first = rank(values, track, choose=np.arange(2000) >= 1000)
    assert second_half_first.best == 3 and abs(second_half_first.r[2]) > 0.9


def test_numeric_tracks_have_r_alone():
    rng = np.random.default_rng(5)
    track = np.arange(1000) % 50
    values = slow_noise(rng, 1000, 6)
    values[:, 4] = -track + rng.normal(size=1000)
    ranking = rank(values, track.astype(np.float32), tokens="ab" * 500)
    assert ranking.best == 4 and ranking.sign[4] == -1 and ranking.r[4] > 0.99
    assert ranking.auc is None and ranking.threshold is None and ranking.scores(4).f1 is None
    assert ranking.cleared(4)[CHANCE] and not ranking.cleared(0)[CHANCE]
    assert ranking.baselines[CHANCE].auc is None and ranking.baselines[LAST[3]].r < 0.2


# chance


def test_chance_holds_for_noise_with_a_memory():
    """Of tracks that have nothing to do with the units, about one in twenty beats the 95 % level; a shuffle is too kind."""
    rng = np.random.default_rng(6)
    beaten, shuffled = 0, []
    for _ in range(60):
        values, track = slow_noise(rng, 800, 20, keep=0.9), runs(rng, 800)
        level = shift_chance(values, track, seed=1)
        beaten += np.abs(correlation(values, track)).max() > level.r
        shuffled.append(np.quantile([np.abs(correlation(values, rng.permutation(track))).max() for _ in range(20)], 0.95) / level.r)
    assert beaten <= 10  # 3 expected; 11 or more is a chance of 1 in 5,000
    assert np.mean(shuffled) < 0.5


def test_chance_is_the_maximum_over_all_units():
    rng = np.random.default_rng(7)
    values, track = slow_noise(rng, 1500, 100), runs(rng, 1500)
    all_of_them = shift_chance(values, track)
    assert all_of_them.r > shift_chance(values[:, :1], track).r
    assert shift_chance(-values, track).r == pytest.approx(all_of_them.r)
    assert shift_chance(-values, track).auc == pytest.approx(all_of_them.auc, abs=1e-5)
    assert 0.5 < all_of_them.auc < 1


# tables


def test_lookups_by_hand():
    """Learned on "abab": a -> 0, b -> 1; "c" was never seen, so it gets the mean."""
    track = np.array([0, 1, 0, 1, 0, 0], np.float32)
    choose = np.array([1, 1, 1, 1, 0, 0], bool)
    table = lookups("ababbc", track, choose)
    assert table.shape == (6, 4)
    assert table[4, 0] == pytest.approx((2 + 2 * 0.5) / (2 + 2))  # b: two seen, both 1, two of the mean 0.5
    assert table[5, 0] == pytest.approx(0.5)
    assert table[4, 1] == pytest.approx(table[4, 0])  # "bb" was never seen: the table of one character answers
    assert table[1, 0] == pytest.approx((1 + 2 * (1 / 3)) / (1 + 2))  # its own 1 left out, of "b" and of the mean
    changed = track.copy()
    changed[4:] = 1
    assert np.array_equal(lookups("ababbc", changed, choose), table)  # it learns nothing from the scoring part


def test_a_unit_that_is_only_the_last_three_characters_does_not_clear_the_table():
    rng = np.random.default_rng(8)
    text = "".join(rng.choice(list("abcd"), 6000))
    track = np.array([i >= 3 and text[i - 2 : i + 1] in ("abc", "bca", "dda", "cab") for i in range(6000)], np.float32)
    values = slow_noise(rng, 6000, 30)
    values[:, 9] = track + 0.2 * rng.normal(size=6000)
    ranking = rank(values, track, tokens=text, untrained=slow_noise(rng, 6000, 30))
    cleared = ranking.cleared()
    assert ranking.best == 9 and cleared[CHANCE] and cleared[UNTRAINED]
    assert not cleared["last 3 characters"] and cleared["last 1 character"]
    assert ranking.verdict().startswith("Unit 9 does not beat a table of the last ") and ranking.verdict().count("table") == 1


def test_an_untrained_network_that_does_as_well_is_named():
    rng = np.random.default_rng(9)
    values, track = slow_noise(rng, 2000, 8), runs(rng, 2000)
    values[:, 1] += 3 * track
    ranking = rank(values, track, untrained=values)
    assert not ranking.cleared()[UNTRAINED] and "the same network untrained (correlation " in ranking.verdict()


# too little, or not fitting


def test_without_enough_on_either_side_it_says_not_held_out():
    rng = np.random.default_rng(10)
    values, track = slow_noise(rng, 400, 5), np.zeros(400, np.float32)
    track[30:80] = 1
    values[:, 2] += 20 * track
    ranking = rank(values, track)
    assert not ranking.held_out and ranking.best == 2 and ranking.r[2] > 0.8
    assert ranking.verdict() == (
        f"Unit 2 tracks it better than chance (correlation {ranking.r[2]:.2f}); it was not compared with an untrained network or a table "
        "of the last characters. It was chosen and scored on the same text, so this is not a held-out result."
    )


def test_refusals():
    values, track = np.zeros((20, 2), np.float32), np.tile([0, 1], 10).astype(np.float32)
    with pytest.raises(AnalysisError, match=r"^4 of 20 tokens match; a ranking needs at least 5 that match and 5 that do not\.$"):
        rank(values, (np.arange(20) < 4).astype(np.float32))
    with pytest.raises(AnalysisError, match="never changes"):
        rank(values, np.full(20, 3, np.float32))
    with pytest.raises(AnalysisError, match="never changes"):
        rank(np.zeros((0, 2), np.float32), np.zeros(0, np.float32))
    with pytest.raises(AnalysisError, match=r"track has 19 entries; expected 20, one for each step of values \[time, unit\]\."):
        rank(values, track[1:])
    with pytest.raises(AnalysisError, match="tokens has 3 entries"):
        rank(values, track, "abc")
    with pytest.raises(AnalysisError, match="values holds a value that is not finite"):
        rank(np.full((20, 2), np.nan, np.float32), track)
    with pytest.raises(AnalysisError, match="no unit to rank"):
        rank(values[:, :0], track)


def test_ranking_takes_no_more_than_some_sorts_of_all_values():
    rng = np.random.default_rng(11)
    values, track = rng.normal(size=(10_000, 384)).astype(np.float32), runs(rng, 10_000)
    ratio = interleaved(lambda: rank(values, track, tokens="abcde" * 2000, untrained=values), lambda: np.sort(values, axis=0), 3)
    assert ratio < 25  # about 6; a loop over units takes hundreds


def test_printed_a_ranking_is_three_lines():
    values, track = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32), (np.arange(200) % 2).astype(np.float32)
    values[:, 3] += 4 * track
    ranked = rank(values, track)
    first, second, third = str(ranked).splitlines()
    assert first.startswith(f"Ranking of 5 units for a track, best first: 3 (r {ranked.r[3]:.2f}), ") and first.endswith(", ...")
    assert second.startswith(f"Baselines: chance (r {ranked.baselines['chance'].r:.2f}). ") and second.endswith(ranked.verdict())
    assert third == "Next: explorer.show(ranking) draws it, ranking.order and ranking.r hold the numbers."
