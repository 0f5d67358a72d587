"""What a network read and what its units held at each step, from the arrays or columns of a file."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from explorer.errors import CheckpointError
from explorer.figures.inputs import Inputs
from models.foreign.experiments.arrays.contents import Contents, dates_of

# Names that arrays and columns have; case, spaces, underscores and hyphens do not count.
TOKENS = ("tokens", "token", "text", "words", "word", "characters", "character", "chars", "char", "symbols", "symbol", "letter", "letters")
TIMES = ("time", "times", "timestamp", "timestamps", "date", "dates", "datetime", "when")
READ = ("inputs", "input", "x", "series", "read")
READ_NAMES = ("inputnames", "names", "features", "featurenames", "columns")
FRESH = "untrained"
ABOUT = "about"  # of a file of Trace.save: its tokens and more, as JSON
OF_TRACE = re.compile(r"about$|initial_|logits$|carried$|part\.")  # arrays of such a file that are no units over time
# "unit 3", "h_12", "layer1.hidden[4]": a column of one unit; what stands before the number names the array.
UNIT = re.compile(r"(.*?)[\s_.\-:\[(#]*(\d{1,5})[\])]?")
MOST_STEPS = 2_000_000
LARGEST = 1e30  # of a value
AT_LEAST = 2  # columns that make an array of units
ROWS, ONE = "[time, unit] or [time, layer, unit]", 1


@dataclass(frozen=True, eq=False)
class Recorded:
    """One sequence as somebody's own code recorded it.

    Args:
        file: Its name, for sentences.
        form: What the file is.
        tokens: What was read, [time]; None where that was numbers, or is not known.
        times: When, datetime64 or float [time]; None where the steps are counted.
        units: What units held, by name of the quantity and layer, each float [time, unit].
        columns: Further numbers, one for each step, by name, float [time]: inputs, or what a probe may look for.
        inputs: Names of the columns that were read.
        fresh: The same as `units`, of the same network untrained, for those that have it.
        notes: Sentences on what was left out or assumed.
    """

    file: str
    form: str
    tokens: tuple[str, ...] | None
    times: np.ndarray | None
    units: dict[str, np.ndarray]
    columns: dict[str, np.ndarray]
    inputs: tuple[str, ...] = ()
    fresh: dict[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(next(iter((*self.units.values(), *self.columns.values()))))

    def read(self, names: Iterable[str]) -> Inputs:
        """These columns as the inputs of a figure."""
        names = tuple(names)
        values = np.stack([self.columns[name] for name in names], 1) if names else np.zeros((self.steps, 0))
        return Inputs(names, values, self.times)


def recorded(contents: Contents) -> Recorded:
    """Tokens or series and the units over them.

    Raises:
        CheckpointError: there is none of them, or they are of different lengths.
    """
    parts = _Parts(contents)
    parts.take_texts()
    parts.take_arrays()
    return parts.whole()


class _Parts:
    """The arrays of a file, put in their places one after the other."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.tokens: tuple[str, ...] | None = None
        self.times: np.ndarray | None = next(iter(contents.times.values()), None)
        self.units: dict[str, np.ndarray] = {}
        self.columns: dict[str, np.ndarray] = {}
        self.read: list[str] = []
        self.fresh: dict[str, np.ndarray] = {}
        self.notes = list(contents.notes)

    def take_texts(self) -> None:
        """Tokens, time stamps and names among the texts."""
        texts = dict(self.contents.texts)
        self.names: tuple[str, ...] = ()
        if self._is_trace():
            return
        for name in [name for name in texts if self.times is None and _is(name, TIMES)]:
            if (dates := dates_of(texts[name])) is not None:
                self.times = dates
                del texts[name]
        named = next((name for name in texts if _is(name, TOKENS)), None)
        if named is None:
            named = next((name for name in texts if not _is(name, READ_NAMES)), None)
        if named is not None:
            self.tokens = texts.pop(named)
        for values in (values for name, values in self.contents.arrays.items() if named is None and _is(name, TOKENS)):
            self.tokens = tuple(f"{value:g}" for value in values.ravel().tolist()) if values.ndim == 1 else None
        self.names = next((texts[name] for name in texts if _is(name, READ_NAMES)), ())

    def _is_trace(self) -> bool:
        """Whether the file is a Trace of this project, which names its tokens in a text of its own."""
        about = self.contents.arrays.get(ABOUT)
        if about is None or about.ndim != 1:
            return False
        try:
            said = json.loads(about.astype(np.uint8).tobytes())
            self.tokens = tuple(map(str, said["tokens"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        return True

    def take_arrays(self) -> None:
        """Numbers: times, inputs, units; a group of numbered columns is an array of units."""
        singles: dict[str, np.ndarray] = {}
        arrays = {name: values for name, values in self.contents.arrays.items() if not OF_TRACE.match(name) and not _is(name, TOKENS)}
        time = self._time(arrays)
        for name, values in arrays.items():
            values = _without_batch(values, time)
            if _is(name, READ) and (values.ndim == 2 or (values.shape == (time,) and len(self.names) == 1)):
                self._take_inputs(name, values.reshape(len(values), -1), time)
            elif values.ndim == 1 and len(values) == time:
                singles[name] = values
            elif values.ndim in (2, 3):
                self._take_units(name, values, time)
            else:
                self.notes.append(f"{name[:80]!r} with shape {values.shape} was left out. Expected one row for each of the {time:,} steps.")
        if self.times is None:
            named = next((name for name in singles if _is(name, TIMES)), None)
            if named is not None and np.isfinite(singles[named]).all() and (np.diff(singles[named]) > 0).all():
                self.times = singles.pop(named)
        self._take_singles(singles)

    def _time(self, arrays: dict[str, np.ndarray]) -> int:
        """How many steps there are: as many as tokens or dates, else as most arrays have rows."""
        if self.tokens is not None:
            return len(self.tokens)
        if self.times is not None:
            return len(self.times)
        lengths = [max(values.shape[:2]) if values.shape[:1] == (1,) else len(values) for values in arrays.values() if values.ndim]
        if not lengths:
            raise CheckpointError(f"{self.contents.file} holds no numbers, one row per step. {EXPECTED}")
        return max(set(lengths), key=lengths.count)

    def _take_inputs(self, name: str, values: np.ndarray, time: int) -> None:
        self._check(name, values, time)
        names = self.names if len(self.names) == values.shape[1] else [f"{name} {index + 1}" for index in range(values.shape[1])]
        self.columns |= dict(zip(names, values.T, strict=True))
        self.read += names

    def _take_units(self, name: str, values: np.ndarray, time: int) -> None:
        self._check(name, values, time)
        if not values.shape[-1]:
            return
        layers = {name: values} if values.ndim == 2 else {f"{name}, layer {at + 1}": values[:, at] for at in range(values.shape[1])}
        layers = {key: layer for key, layer in layers.items() if layer.shape[1]}
        if _plain(name).startswith(FRESH):
            self.fresh |= layers
        else:
            self.units |= layers

    def _check(self, name: str, values: np.ndarray, time: int) -> None:
        if len(values) == time:
            return
        hint = f" It looks transposed: save {name[:40]}.T." if values.ndim == 2 and values.shape[1] == time else ""
        why = "tokens" if self.tokens is not None else "dates" if self.times is not None else "rows in the other arrays"
        expected = f"({time}, units) = {ROWS} because there are {time:,} {why}"
        raise CheckpointError(f"{name[:80]!r} in {self.contents.file} has shape {values.shape}; expected {expected}.{hint}")

    def _take_singles(self, singles: dict[str, np.ndarray]) -> None:
        """Columns: numbered ones of one beginning are units, those called inputs were read, the others are further numbers."""
        groups: dict[str, list[str]] = {}
        for name in singles:
            if match := UNIT.fullmatch(name.strip()):
                groups.setdefault(match[1].strip() or "units", []).append(name)
        for group, names in groups.items():
            if len(names) >= AT_LEAST and not _is(group, READ):
                values = np.stack([singles.pop(name) for name in names], 1)
                if _plain(group).startswith(FRESH):
                    self.fresh[group] = values
                else:
                    self.units[group] = values
            elif _is(group, READ):
                self.read += names
        self.read += [name for name in singles if _is(name, READ) and name not in self.read]
        self.columns |= singles
        if self.tokens is None and not self.read:
            self.read = list(self.columns)

    def whole(self) -> Recorded:
        """All of it, checked."""
        name = self.contents.file
        for key, values in self.units.items():
            if not (np.abs(values) < LARGEST).all():
                expected = f"finite numbers below {LARGEST:g}. Remove these steps, or the unit"
                raise CheckpointError(f"{key[:80]!r} in {name} has values that cannot be drawn; expected {expected}.")
        if not self.units and not self.columns:
            raise CheckpointError(f"{name} holds no numbers, one row per step. {EXPECTED}")
        self.columns = {key: np.where(np.abs(values) < LARGEST, values, np.nan) for key, values in self.columns.items()}
        fresh = {key: self._fresh(key) for key in self.units}
        made = Recorded(
            file=name,
            form=self.contents.form,
            tokens=self.tokens,
            times=self.times,
            units={key: np.asarray(values, np.float32) for key, values in self.units.items()},
            columns=self.columns,
            inputs=tuple(self.read),
            fresh={key: values for key, values in fresh.items() if values is not None},
            notes=tuple(self.notes),
        )
        if not 2 <= made.steps <= MOST_STEPS:
            raise CheckpointError(f"{name} has {made.steps:,} steps; expected 2 to {MOST_STEPS:,}.")
        return made

    def _fresh(self, key: str) -> np.ndarray | None:
        """The untrained array of a quantity: "untrained hidden" of "hidden", or the only one, where its shape is the same."""
        wanted = [values for name, values in self.fresh.items() if _plain(name).removeprefix(FRESH) == _plain(key)]
        wanted = wanted or (list(self.fresh.values()) if len(self.fresh) == len(self.units) == ONE else [])
        return next((np.asarray(values, np.float32) for values in wanted if values.shape == self.units[key].shape), None)


EXPECTED = (
    "Expected tokens or series with one row per step, and units as [time, unit], [time, layer, unit] or one column per unit; "
    "or an alignment, a matrix [target, source] whose rows sum to 1."
)


def _without_batch(values: np.ndarray, time: int) -> np.ndarray:
    """The array without an axis of one sequence: [1, time, unit] or [time, 1, unit] becomes [time, unit]."""
    if values.ndim >= 2 and values.shape[0] == 1 and values.shape[1] == time > 1:
        values = values[0]
    if values.ndim == 3 and values.shape[1] == 1:
        values = values[:, 0]
    return values[:, 0] if values.ndim == 2 and values.shape == (time, 1) else values


def _is(name: str, known: tuple[str, ...]) -> bool:
    return _plain(name) in known


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name.casefold())
