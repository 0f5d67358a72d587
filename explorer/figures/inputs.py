"""Numbers that a network read, as rows of a figure: each on a scale of its own, with time stamps, thinned to what a screen can show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explorer.axes import Float
from explorer.errors import RecordError
from explorer.figures import characters

NAMED = 6  # inputs that a description names
# Periods at whose beginnings a time axis may have ticks, the longest first: years, months, days or seconds in each, and how it is printed.
_PERIODS = (
    *((f"{years}Y", "year") for years in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)),
    *((f"{months}M", "month") for months in (6, 3, 1)),
    *((f"{days}D", "day") for days in (7, 1)),
    *((f"{minutes}m", "minute") for minutes in (720, 360, 180, 60, 30, 15, 5, 1)),
    *((f"{seconds}s", "second") for seconds in (30, 10, 5, 1)),
)
_COUNTS = tuple(size * 10**power for power in range(5, -1, -1) for size in (5, 2, 1))
_PRINTED = {"year": slice(0, 4), "month": slice(0, 7), "day": slice(0, 10), "minute": slice(5, 16), "second": slice(11, 19)}
FIRST_DAY, LAST_DAY = np.datetime64("0001-01-01", "s"), np.datetime64("9999-12-31T23:59:59", "s")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What was read at each step.

    Args:
        names: Of the inputs, [input].
        values: Their values, float [time, input]; nan where one is missing.
        times: When, datetime64 [time], or other numbers that grow, float [time]; None where steps are counted.

    Raises:
        RecordError: the parts do not fit together, a value is infinite, or a time stamp is missing.
    """

    names: tuple[str, ...]
    values: np.ndarray
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", np.asarray(self.values, float))
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            expected = f"(time, {len(self.names)}) = [time, input]"
            raise RecordError(f"inputs has shape {self.values.shape}; expected {expected} because there are {len(self.names)} names.")
        if np.isinf(self.values).any():
            raise RecordError("inputs holds infinite values. Mark missing values as nan.")
        if self.times is not None:
            self._check_times(np.asarray(self.times))

    def _check_times(self, times: np.ndarray) -> None:
        is_dated = times.dtype.kind == "M"
        object.__setattr__(self, "times", times.astype("datetime64[s]") if is_dated else times.astype(float))
        if times.shape != self.values.shape[:1]:
            raise RecordError(f"times has shape {times.shape}; expected {self.values.shape[:1]} = [time].")
        if np.isnat(times).any() if is_dated else not np.isfinite(times.astype(float)).all():
            raise RecordError("times has steps without a time stamp. Give one for each step, or none.")
        if is_dated and len(times) and (self.times.min() < FIRST_DAY or self.times.max() > LAST_DAY):  # type: ignore[union-attr]
            raise RecordError("times has a year outside 1 to 9999.")

    @property
    def is_dated(self) -> bool:
        """Whether the steps have dates."""
        return self.times is not None and self.times.dtype.kind == "M"

    @cached_property
    def ends(self) -> list[tuple[float, float]]:
        """Lowest and highest value of each input, [input]; 0 and 0 for one without any value."""
        known = [column[np.isfinite(column)] for column in self.values.T]
        return [(float(column.min()), float(column.max())) if column.size else (0.0, 0.0) for column in known]

    def part(self, rows: slice) -> "Inputs":
        """The same inputs over some of the steps."""
        return replace(self, values=self.values[rows], times=None if self.times is None else self.times[rows])

    def levels(self, start: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """For each step the longest period that begins there, int16 [time], and how each period is printed, [level].

        Args:
            start: Steps before the first one, which are counted too.
        """
        time = len(self.values)
        levels = np.full(time, len(_PERIODS if self.is_dated else _COUNTS), np.int16)
        if not self.is_dated:
            steps = np.arange(start + 1, start + time + 1)
            for level in reversed(range(len(_COUNTS))):
                levels[steps % _COUNTS[level] == 0] = level
            return levels, ("value" if self.times is not None else "count",) * len(_COUNTS)
        assert self.times is not None
        for level in reversed(range(len(_PERIODS))):
            period = _period(self.times, _PERIODS[level][0])
            levels[1:][period[1:] != period[:-1]] = level
            levels[:1][_period(self.times[:1] - np.timedelta64(1, "s"), _PERIODS[level][0]) != period[:1]] = level
        return levels, tuple(printed for _, printed in _PERIODS)

    def stamp(self, index: int) -> str:
        """When a step was, in words: "2001-03-05 14:00"; empty where steps are only counted."""
        if self.times is None:
            return ""
        return _stamp(self.times[index])[: self.stamp_length] if self.is_dated else short(float(self.times[index]))

    @cached_property
    def stamp_length(self) -> int:
        """Letters of a time stamp that say something: the date, or to the minute, or to the second."""
        if not self.is_dated or self.times is None:
            return 19
        seconds = self.times.astype(np.int64)
        return 10 if not (seconds % 86_400).any() else 16 if not (seconds % 60).any() else 19

    def label(self, index: int, printed: str, start: int) -> str:
        """What stands at a tick."""
        if printed == "count":
            return f"{start + index + 1:,}"
        assert self.times is not None
        return short(float(self.times[index])) if printed == "value" else _stamp(self.times[index])[_PRINTED[printed]]

    def alt(self, start: int) -> str:
        """The inputs in a sentence, after a space, for those who do not see them."""
        if not self.names:
            return ""
        said = [self._extremes(index, start) for index in range(min(NAMED, len(self.names)))]
        more = f"; and {len(self.names) - NAMED} more" if len(self.names) > NAMED else ""
        dates = f", from {self.stamp(0)} to {self.stamp(-1)}" if self.times is not None else ""
        return f" Inputs{dates}: {'; '.join(said)}{more}."

    def _extremes(self, index: int, start: int) -> str:
        low, high = self.ends[index]
        column = self.values[:, index]
        if not np.isfinite(column).any():
            return f"{self.names[index]} without values"
        return f"{self.names[index]} from {short(low)} to {short(high)}, highest at step {start + int(np.nanargmax(column)) + 1}"


def inputs_of(tokens: Sequence[str]) -> Inputs | None:
    """The inputs that tokens [time] spell: one number each, or several with spaces between; None where they are symbols.

    Tokens that only count the steps give none: there is nothing to draw of them.
    """
    rows = characters.rows_of(tokens)
    if rows is None:
        return None
    if rows.shape[1] == 1 and np.array_equal(np.diff(rows[:, 0]), np.ones(len(rows) - 1)):
        return Inputs((), rows[:, :0])
    return Inputs(("input",) if rows.shape[1] == 1 else tuple(f"input {i + 1}" for i in range(rows.shape[1])), rows)


def thinned(values: Float[np.ndarray, "time"], column: int | float, width: int | float) -> list[list[tuple[float, float]]]:
    """Points of a line through values, nan between its pieces: of several steps on one pixel only the least and the greatest.

    Args:
        values: One input, [time]; nan where one is missing.
        column: Pixels of a step.
        width: Pixels of the picture.

    Returns:
        Pieces of the line, each of points (pixel from the left, value).
    """
    if column >= 1:
        points = [((i + 0.5) * column, float(value)) for i, value in enumerate(values)]
    else:
        points = []
        for pixel in range(int(np.ceil(width))):
            first, last = int(pixel / column), min(len(values), max(int(pixel / column) + 1, int((pixel + 1) / column)))
            part = values[first:last]
            if part.size == 0:
                continue
            if not np.isfinite(part).any():
                points.append((pixel + 0.5, float("nan")))
                continue
            both = sorted({int(np.nanargmin(part)), int(np.nanargmax(part))})
            points += [(pixel + 0.5, float(part[at])) for at in both]
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if np.isfinite(value):
            pieces[-1].append((x, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def ticks(levels: np.ndarray, column: int | float, apart: int | float) -> tuple[list[int], int]:
    """Steps that get a tick, [tick], and the level of the shortest period that begins at one.

    Args:
        levels: Of `Inputs.levels`, [time].
        column: Pixels of a step.
        apart: Pixels that two ticks are apart at least.
    """
    most = max(1, int(len(levels) * column / apart))
    counts = np.bincount(levels, minlength=int(levels.max()) + 1).cumsum()
    fitting = [level for level in range(len(counts)) if 0 < counts[level] <= most]
    level = next(level for level in fitting if counts[level] == counts[fitting[-1]]) if fitting else int(levels.min())
    steps: list[int] = []
    for index in np.flatnonzero(levels <= level).tolist():
        if not steps or (index - steps[-1]) * column >= apart:
            steps.append(index)
    return steps, level


def short(value: float) -> str:
    """A number of an input in four significant digits, or as a whole number."""
    return (f"{value:,.0f}" if 9999.5 <= abs(value) < 1e9 else f"{value:.4g}").replace("-", "\u2212")


def _stamp(time: np.datetime64) -> str:
    return np.datetime_as_string(time, unit="s").replace("T", " ")


def _period(times: np.ndarray, period: str) -> np.ndarray:
    """The period in which each time lies, int [time]."""
    size, unit = int(period[:-1]), period[-1]
    counted = times.astype(f"datetime64[{unit}]").astype(np.int64)
    if unit == "D":
        return (counted + 3) // size  # weeks begin on Monday
    return (counted + (1970 if unit == "Y" else 0)) // size
