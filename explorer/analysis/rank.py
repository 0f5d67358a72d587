"""Ranking of units by how well they track something: chosen on one part of a text, scored on the rest, compared with baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.analysis.baselines import LONGEST, lookups, shift_chance
from explorer.analysis.unit_scores import Scores, auc_of_ranks, correlation, decisions, ranks, thresholds
from explorer.axes import Bool, Float
from explorer.errors import AnalysisError
from explorer.records import Displayed

AT_LEAST = 5  # tokens on, and as many off, before a 0/1 track says anything
CHANCE, UNTRAINED = "chance", "untrained"
LAST = tuple(f"last {k} character{'s' if k > 1 else ''}" for k in range(1, LONGEST + 1))


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Displayed):
    """Scores of each unit for a track, with the scores of the baselines.

    Args:
        order: Units, best first, as the choosing part ranks them by |r|, [unit].
        sign: 1 where a unit rises with the track, -1 where it falls, [unit].
        threshold: Cut of each unit, [unit]; on is sign * (value - cut) > 0. None for a numeric track.
        r, auc, f1, balanced_accuracy: Scores of each unit with its sign and cut on the scoring part, [unit]; the last
            three None for a numeric track.
        baselines: Name -> scores: "chance", "untrained" (if given), "last 1 character" to "last 4 characters" (if the
            tokens were given).
        held_out: Whether choosing and scoring used different parts of the text.
    """

    order: np.ndarray
    sign: np.ndarray
    threshold: np.ndarray | None
    r: np.ndarray
    auc: np.ndarray | None
    f1: np.ndarray | None
    balanced_accuracy: np.ndarray | None
    baselines: Mapping[str, Scores]
    held_out: bool

    def __str__(self) -> str:
        first = ", ".join(f"{unit} (r {self.r[unit]:.2f})" for unit in self.order[:3])
        baselines = ", ".join(f"{name} (r {scores.r:.2f})" for name, scores in self.baselines.items())
        return (
            f"Ranking of {len(self.order)} units for a track, best first: {first}{', ...' if len(self.order) > 3 else ''}\n"
            f"Baselines: {baselines or 'none'}. {self.verdict()}\n"
            "Next: explorer.show(ranking) draws it, ranking.order and ranking.r hold the numbers."
        )

    @property
    def best(self) -> int:
        """The unit with the largest |r| on the choosing part."""
        return int(self.order[0])

    def scores(self, unit: int) -> Scores:
        """All scores of one unit on the scoring part."""
        parts = (self.auc, self.f1, self.balanced_accuracy)
        return Scores(float(self.r[unit]), *(None if part is None else float(part[unit]) for part in parts))

    def cleared(self, unit: int | None = None) -> dict[str, bool]:
        """Baseline -> whether a unit (the best if not given) beats it in r, and in AUC where both have one."""
        own = self.scores(self.best if unit is None else unit)
        return {
            name: own.r > other.r and (own.auc is None or other.auc is None or own.auc > other.auc)
            for name, other in self.baselines.items()
        }

    def verdict(self, unit: int | None = None, concept: str = "it") -> str:
        """A sentence on how well a unit (the best if not given) tracks the concept, or which baselines it does not beat."""
        unit = self.best if unit is None else unit
        failed = [name for name, ok in self.cleared(unit).items() if not ok]
        tables = [name for name in failed if name in LAST]
        best = max(tables, key=lambda name: self.baselines[name].r, default=None)
        failed = [name for name in failed if name not in LAST or name == best]  # one table, the best, stands for all four
        own = self.scores(unit)
        if failed:
            sentence = f"Unit {unit} does not beat {'; '.join(self._comparison(name, own) for name in failed)}."
        else:
            others = {UNTRAINED: "an untrained network", LAST[0]: "a table of the last characters"}
            missing = [words for name, words in others.items() if name not in self.baselines]
            beaten = ["chance", *(words for words in others.values() if words not in missing)]
            which = " and ".join(beaten) if missing else "all three baselines"
            how = "weakly tracks" if own.r < 0.3 else "tracks"
            where = " on held-out text" if self.held_out else ""
            gap = f"; it was not compared with {' or '.join(missing)}" if missing else ""
            sentence = f"Unit {unit} {how} {concept} better than {which} (correlation {own.r:.2f}{where}){gap}."
        return sentence if self.held_out else f"{sentence} It was chosen and scored on the same text, so this is not a held-out result."

    def _comparison(self, name: str, own: Scores) -> str:
        other = self.baselines[name]
        text = f"{_NAMES.get(name, f'a table of the {name}')} (correlation {own.r:.2f} compared with {other.r:.2f}"
        has_auc = own.auc is not None and other.auc is not None
        return f"{text}, AUC {own.auc:.2f} compared with {other.auc:.2f})" if has_auc else f"{text})"


_NAMES = {CHANCE: "chance, the best of all units after a circular shift", UNTRAINED: "the same network untrained"}


def rank(
    values: Float[np.ndarray, "time unit"],
    track: Float[np.ndarray, "steps"],
    tokens: Sequence[str] | None = None,
    untrained: Float[np.ndarray, "rows others"] | None = None,
    choose: Bool[np.ndarray, "entries"] | None = None,
    seed: int = 0,
) -> Ranking:
    """Find the unit that tracks something: sign, threshold and unit are chosen on one part of the text and scored on the rest.

    A high score alone says little: among many units, one always correlates with a track by chance, an untrained network
    already echoes the last characters, and a table of the last four characters may do as well without any memory. So the
    unit is compared with these three baselines, whose sign, threshold and choice are made in the same way; chance is the
    95th percentile of the best unit over circular shifts.

    Args:
        values: Activations [time, unit]; put layers side by side to rank them together.
        track: What to look for, [time]: 0/1, or any numbers (then only r is measured).
        tokens: What was read, [time], for the table of the last characters.
        untrained: The same quantity of the same network with untrained weights, [time, unit].
        choose: True where unit, sign and cut are chosen, [time]; scores come from the rest. The first half if not given.
        seed: Of the shifts.

    Raises:
        AnalysisError: shapes do not fit, a value is not finite, or the track is constant, or nearly so.

    Source: the comparison with an untrained network follows Conneau et al., "What you can cram into a single vector", 2018.
    """
    track = np.asarray(track, np.float32)
    _check(values, track, tokens, untrained, choose)
    if choose is None:
        choose = np.arange(len(track)) < len(track) // 2
    held_out = _enough(track[choose]) and _enough(track[~choose])
    score = ~choose if held_out else np.ones(len(track), bool)
    choose = choose if held_out else score
    values = np.asarray(values, np.float32)
    ranked = ranks(values[score]) if _is_binary(track) else None  # sorting is the costly part: once, for scores and chance
    fields = _follow(values, track, choose, score, ranked)
    baselines = {CHANCE: shift_chance(values[score], track[score], seed, ranked)}
    if untrained is not None:
        untrained = np.asarray(untrained, np.float32)
        best = int(np.abs(correlation(untrained[choose], track[choose])).argmax())
        other = _follow(untrained[:, [best]], track, choose, score)
        baselines[UNTRAINED] = Ranking(**other, baselines={}, held_out=held_out).scores(0)
    if tokens is not None:
        table = Ranking(**_follow(lookups(tokens, track, choose), track, choose, score), baselines={}, held_out=held_out)
        baselines |= {name: table.scores(column) for column, name in enumerate(LAST)}
    return Ranking(**fields, baselines=baselines, held_out=held_out)


def _follow(values: np.ndarray, track: np.ndarray, choose: np.ndarray, score: np.ndarray, ranked: np.ndarray | None = None) -> dict:
    """Fields of a Ranking: chosen where `choose`, scored where `score`, whose ranks may be known already."""
    learn, target = values[choose], track[choose]
    test, truth = (learn, target) if choose is score else (values[score], track[score])
    first = correlation(learn, target)
    sign = np.where(first < 0, -1.0, 1.0)
    fields: dict = {"order": np.argsort(-np.abs(first), kind="stable"), "sign": sign, "r": sign * correlation(test, truth)}
    if not _is_binary(track):
        return fields | dict.fromkeys(("threshold", "auc", "f1", "balanced_accuracy"))
    cut = thresholds(learn, target, sign)
    f1, balanced = decisions(test, truth, sign, cut)
    area = 0.5 + sign * (auc_of_ranks(ranks(test) if ranked is None else ranked, truth) - 0.5)
    return fields | {"threshold": cut, "auc": area, "f1": f1, "balanced_accuracy": balanced}


def _is_binary(track: np.ndarray) -> bool:
    return bool(np.isin(track, (0, 1)).all())


def _enough(track: np.ndarray) -> bool:
    if not _is_binary(track):
        return bool(np.ptp(track) > 0)
    on = int(np.count_nonzero(track))
    return min(on, len(track) - on) >= AT_LEAST


def _check(values: np.ndarray, track: np.ndarray, tokens, untrained, choose) -> None:
    if values.shape[1] == 0:
        raise AnalysisError("There is no unit to rank.")
    lengths = {"track": track, "tokens": tokens, "untrained": untrained, "choose": choose}
    for name, given in lengths.items():
        if given is not None and len(given) != len(values):
            raise AnalysisError(f"{name} has {len(given)} entries; expected {len(values)}, one for each step of values [time, unit].")
    for name, given in {"track": track, "values": values, "untrained": untrained}.items():
        if given is not None and not np.isfinite(given).all():
            raise AnalysisError(f"{name} holds a value that is not finite, so it cannot be ranked.")
    if not len(track) or not _enough(track):
        if len(track) and _is_binary(track):
            on = np.count_nonzero(track)
            raise AnalysisError(
                f"{on} of {len(track)} tokens match; a ranking needs at least {AT_LEAST} that match and {AT_LEAST} that do not."
            )
        raise AnalysisError("The track never changes in this text, so there is nothing to track.")
