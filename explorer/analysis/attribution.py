"""How much one output depends on each token that was read, by several methods, and how far they agree with really deleting the tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.analysis.unit_scores import ranks
from explorer.errors import AnalysisError, RecordError
from explorer.records.displayed import Displayed, plural, quoted

GRADIENT, TIMES_INPUT, INTEGRATED, OCCLUSION = "gradient", "gradient x input", "integrated gradients", "occlusion"
METHODS = (GRADIENT, TIMES_INPUT, INTEGRATED, OCCLUSION)
DRAWS = 2_000  # bootstrap samples
RECENCY = "recency"  # the baseline that every method has to beat: a nearer token matters more, whatever it is


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Displayed):
    """How much one output of a network depends on each token that it read, by one method.

    Args:
        tokens: What was read, [time].
        scores: One for each token, float64 [time], in the unit of the output: positive where the token supports it. Of the
            method "gradient" they are norms, 0 or more, and say nothing about the direction.
        method: One of METHODS.
        output: The value that is explained.
        baseline: Name of what takes the place of an input; "" for methods that need none.
        at_baseline: The output where every input is the baseline; None for methods that do not need it.
        completeness: |sum of the scores - (output - at_baseline)|, which integrated gradients make 0 but for the error of
            their sum; None for the other methods.
        source: Path of the recurrent module whose inputs were scored, as in a Trace.

    Raises:
        RecordError: shapes do not fit together, or a score is not finite.
    """

    tokens: tuple[str, ...]
    scores: np.ndarray
    method: str
    output: float
    baseline: str = ""
    at_baseline: float | None = None
    completeness: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float64))
        if self.scores.shape != (len(self.tokens),):
            raise RecordError(f"scores has shape {self.scores.shape}; expected ({len(self.tokens)},) = [time], one for each token.")
        wrong = np.flatnonzero(~np.isfinite(self.scores))
        if len(wrong):
            step = int(wrong[0])
            raise RecordError(
                f"scores[{step}] is {self.scores[step]}; expected a finite number. Are the weights or the inputs infinite or nan?"
            )

    def __str__(self) -> str:
        against = f", baseline {self.baseline}" if self.baseline else ""
        through = f" through '{self.source}'" if self.source else ""
        span = f"{self.scores.min():.3g}..{self.scores.max():.3g}" if len(self.scores) else "empty"
        complete = ""
        if self.completeness is not None and self.at_baseline is not None:
            whole = self.output - self.at_baseline
            complete = f"; their sum {self.scores.sum():.4g} should be {whole:.4g}: completeness error {self.completeness:.1e}"
        return (
            f"Attribution of the output {self.output:.4g} to {plural(len(self.tokens), 'token')}{through} by {self.method}{against}, "
            f"{quoted(self.tokens)}\n"
            f"scores [{len(self.scores)}] = [time], {span}{complete}\n"
            "Next: explorer.show(attribution) draws it, attribution.scores holds the numbers."
        )

    @property
    def is_signed(self) -> bool:
        """Whether the scores have a sign: positive where a token supports the output, negative where it counts against it."""
        return self.method != GRADIENT


@dataclass(frozen=True)
class Agreement:
    """How far a method agrees with deletion.

    Args:
        size: Rank correlation of the sizes of both, signs left out, -1..1; nan where one of them is the same everywhere.
        signed: Rank correlation with the signs; None for a method whose scores have none.
        top: Whether both find the same token to matter most.
    """

    size: float
    signed: float | None
    top: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """Attribution methods beside the effect of really deleting each token, for one prediction.

    Args:
        tokens: The tokens that were scored, [time].
        predicted: What is predicted.
        log_p: Its log probability after the unchanged text, in nats.
        deleted: The log probability that is lost if a token is deleted and the rest is read again, in nats, [time]: positive
            where the token supports the prediction.
        attributions: Of the log probability, one for each method.

    Raises:
        RecordError: an array is not as long as there are tokens.
    """

    tokens: tuple[str, ...]
    predicted: str
    log_p: float
    deleted: np.ndarray
    attributions: tuple[Attribution, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        for name, values in (("deleted", self.deleted), *((scored.method, scored.scores) for scored in self.attributions)):
            if values.shape != (len(self.tokens),):
                raise RecordError(f"{name} has shape {values.shape}; expected ({len(self.tokens)},) = [time], one for each token.")

    @property
    def p(self) -> float:
        """Probability of what is predicted after the unchanged text."""
        return float(np.exp(self.log_p))

    @property
    def most(self) -> int:
        """Index of the token whose deletion has the largest effect."""
        return int(np.abs(self.deleted).argmax())

    def most_by_method(self) -> dict[str, int]:
        """Index of the token with the largest score, by method."""
        return {one.method: int(np.abs(one.scores).argmax()) for one in self.attributions}

    def agreements(self) -> dict[str, Agreement]:
        """How far each method agrees with deletion, and how far RECENCY does, by name."""
        scored = {one.method: agreement(one.scores, self.deleted, one.is_signed) for one in self.attributions}
        return scored | {RECENCY: agreement(np.arange(len(self.tokens), dtype=np.float64), self.deleted, False)}

    def of(self, method: str) -> Attribution:
        """The attribution by one method.

        Raises:
            AnalysisError: it is not among them.
        """
        chosen = [one for one in self.attributions if one.method == method]
        if not chosen:
            known = ", ".join(one.method for one in self.attributions)
            raise AnalysisError(f"There is no attribution by {method!r}; expected one of {known}.")
        return chosen[0]


def agreement(scores: np.ndarray, deleted: np.ndarray, signed: bool = True) -> Agreement:
    """How far the scores of one method agree with deletion.

    Args:
        scores: Of each token, [time].
        deleted: Effect of deleting each token, [time].
        signed: Whether the scores have a sign.
    """
    sizes, effects = np.abs(scores), np.abs(deleted)
    with_signs = rank_correlation(scores, deleted) if signed else None
    return Agreement(rank_correlation(sizes, effects), with_signs, bool(sizes.argmax() == effects.argmax()))


def rank_correlation(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation of two series [time], -1..1; equal values share their mean rank.

    No p-value goes with it: neighbouring tokens are alike, and most methods fall with distance. What `RECENCY` reaches is what
    it has to be compared with.

    Returns:
        nan where one of the series is the same everywhere, or shorter than two.

    Source: Spearman, "The proof and measurement of association between two things", 1904.
    """
    both = np.stack([np.asarray(one, np.float64), np.asarray(other, np.float64)], 1)
    if len(both) < 2 or not np.ptp(both, axis=0).all():
        return float("nan")
    placed = ranks(both).astype(np.float64)
    placed -= placed.mean(0)
    return float(placed[:, 0] @ placed[:, 1] / np.sqrt((placed**2).sum(0).prod()))


def two_digits(value: float) -> str:
    """A size in two digits: 170, 0.62, 0.0044, 2.1e-07."""
    return f"{float(f'{value:.2g}'):g}"


def summary(comparisons: Sequence[Comparison], seed: int = 0) -> dict[str, Any]:
    """How far each method agrees with deletion over many predictions: means with 95 % intervals (bootstrap over the predictions).

    A prediction for which a method or deletion is the same everywhere has no rank correlation and is left out of its mean.

    Args:
        comparisons: One for each prediction, all with the same methods.
        seed: Of the bootstrap.

    Returns:
        `predictions`; `completeness` of integrated gradients, median and largest, in nats; and for each method, and for RECENCY:
        `size`, `signed` (None without signs) and `top`, see `Agreement`, and `over_recency`, the gain in `size` over RECENCY on
        the same predictions; each as [mean, low, high].

    Raises:
        AnalysisError: there is no comparison.
    """
    if not comparisons:
        raise AnalysisError("There is no prediction to summarise; expected at least one.")
    rng = np.random.default_rng(seed)
    rows = [comparison.agreements() for comparison in comparisons]
    methods = {}
    for method in rows[0]:
        sizes, recency = (np.array([row[name].size for row in rows]) for name in (method, RECENCY))
        has_signs = rows[0][method].signed is not None
        methods[method] = {
            "size": _mean(sizes, rng),
            "signed": _mean(np.array([row[method].signed for row in rows], np.float64), rng) if has_signs else None,
            "top": _mean(np.array([row[method].top for row in rows], np.float64), rng),
            "over_recency": _mean(sizes - recency, rng),
        }
    errors = [one.completeness for comparison in comparisons for one in comparison.attributions if one.completeness is not None]
    completeness = {"median": float(np.median(errors)), "largest": max(errors)} if errors else None
    return {"predictions": len(comparisons), "completeness": completeness, "methods": methods}


def _mean(values: np.ndarray, rng: np.random.Generator) -> list[float] | None:
    """Mean of the known values and its interval, four digits each; None if none is known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    drawn = known[rng.integers(0, len(known), (DRAWS, len(known)))].mean(1)
    return [round(float(value), 4) for value in (known.mean(), *np.quantile(drawn, (0.025, 0.975)))]


def as_text(summarised: Mapping[str, Any]) -> list[str]:
    """A summary as lines of text."""
    lines = []
    for method, about in summarised["methods"].items():
        parts = [
            f"{name} {mean:.2f} ({low:.2f} to {high:.2f})" for name, (mean, low, high) in ((name, of) for name, of in about.items() if of)
        ]
        lines.append(f"{method}: {', '.join(parts)}".replace("_", " "))
    errors = {name: two_digits(value) for name, value in (summarised["completeness"] or {}).items()}
    return [
        *lines,
        *([f"completeness error: median {errors['median']}, largest {errors['largest']} nats"] if errors else []),
    ]
