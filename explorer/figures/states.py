"""The state figure: a text coloured by one unit, above a map of all units. The page, SVG and HTML draw the same value."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from explorer.errors import RecordError
from explorer.figures import characters, readout, states_svg
from explorer.figures.inputs import Inputs, inputs_of
from explorer.figures.scales import Scale, likely

LIKELY = 5  # next characters shown
FORMAT = 1
LONGEST = 16_000  # characters of one figure; the browser draws no wider picture
LOOKS = ("next", "lecture", "flip")  # switches: likely next characters, lecture colours, the opposite sign
SLACK = 2e-3


@dataclass(frozen=True, eq=False)
class StateFigure:
    """Values of one quantity of one layer over a text.

    Args:
        tokens: What was read: characters, words or subwords, [time].
        values: The quantity after each character, float32 [time, unit].
        quantity: Its name, "tanh(cell)".
        unit: The chosen unit, a column of `values`.
        order: Units from the top row of the map to the bottom, [unit], each once.
        order_name: The order in words, "longest memory first".
        scale: Ends and colours; every value lies on it, nothing is cut off silently.
        next_tokens: The likeliest next characters after each character, likeliest first, [time, 5], or None.
        next_p: Their probabilities, [time, 5], or None.
        bits: Surprise at each character, -log2 p given those before it, [time]; nan where unknown; or None.
        start: Position of the first character in the whole text.
        title: What is shown, "wiki-lstm, layer 2".
        cursor: Position in the whole text at which the reader starts.
        carried: Whether each step got the state that the step before it left, bool [time], as in a Trace; None: all did.
        inputs: Numbers that were read, drawn as lines in place of the text. None: those that the tokens spell, if they do.
        alone: Index of the one input that is drawn; None: all.

    Raises:
        RecordError: the parts do not fit together, or a value is no number or beyond the scale.
    """

    tokens: Sequence[str]
    values: np.ndarray
    quantity: str
    unit: int
    order: Sequence[int] | np.ndarray
    order_name: str
    scale: Scale
    next_tokens: Sequence[Sequence[str]] | np.ndarray | None = None
    next_p: np.ndarray | None = None
    bits: np.ndarray | None = None
    start: int = 0
    title: str = ""
    cursor: int | None = None
    carried: np.ndarray | None = None
    inputs: Inputs | None = None
    alone: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "order", np.asarray(self.order, np.int32))
        if self.inputs is None:
            object.__setattr__(self, "inputs", inputs_of(self.tokens))
        self._check_values()
        self._check_order()
        self._check_next()

    def _check_values(self) -> None:
        time = len(self.tokens)
        if self.values.ndim != 2 or self.values.shape[0] != time or not self.values.shape[1]:
            got = f"values has shape {self.values.shape}; expected ({time}, units) = [time, unit]"
            raise RecordError(f"{got} because there are {time} characters.")
        if not time:
            raise RecordError("The text is empty; a state figure needs at least one character.")
        low, high = float(self.values.min()), float(self.values.max())
        if not np.isfinite([low, high]).all():
            raise RecordError(f"values of {self.quantity} are not all numbers. Look for a division by zero or an overflow in the network.")
        reach = SLACK * (self.scale.high - self.scale.low)
        if low < self.scale.low - reach or high > self.scale.high + reach:
            ends = f"the scale from {self.scale.low:g} to {self.scale.high:g}"
            raise RecordError(
                f"values of {self.quantity} lie in {low:.3g}..{high:.3g}, beyond {ends}. Use scales.scale_of(quantity, values)."
            )

    def _check_order(self) -> None:
        units = self.values.shape[1]
        if sorted(self.order) != list(range(units)):
            raise RecordError(f"order names {len(self.order)} rows; expected each of the {units} units once.")
        if not 0 <= self.unit < units:
            raise RecordError(f"There is no unit {self.unit}; expected 0 to {units - 1}.")

    def _check_next(self) -> None:
        time = len(self.tokens)
        if (self.next_tokens is None) != (self.next_p is None):
            raise RecordError("next_tokens and next_p belong together; only one of them was given.")
        if self.next_p is not None and self.next_tokens is not None:
            for name, got in (("next_p", np.shape(self.next_p)), ("next_tokens", np.shape(self.next_tokens)[:2])):
                if got != (time, LIKELY):
                    raise RecordError(f"{name} has shape {got}; expected ({time}, {LIKELY}) = [time, rank].")
        if self.bits is not None and np.shape(self.bits) != (time,):
            raise RecordError(f"bits has shape {np.shape(self.bits)}; expected ({time},) = [time].")
        if self.carried is not None and np.shape(self.carried) != (time,):
            raise RecordError(f"carried has shape {np.shape(self.carried)}; expected ({time},) = [time].")

        if self.inputs is not None and len(self.inputs.values) != time:
            raise RecordError(f"inputs has {len(self.inputs.values):,} steps; expected {time:,} because there are {time:,} tokens.")
        if self.alone is not None and not (self.inputs and 0 <= self.alone < len(self.inputs.names)):
            raise RecordError(f"There is no input {self.alone} to show alone.")

    @property
    def breaks(self) -> tuple[int, ...]:
        """Tokens of this figure before which the state was reset or changed, counted from its first."""
        return () if self.carried is None else tuple(np.flatnonzero(~np.asarray(self.carried)).tolist())

    def of(self, unit: int) -> np.ndarray:
        """Values of one unit, float32 [time]."""
        return np.asarray(self.values[:, unit], np.float32)

    def to_bytes(self) -> bytes:
        """Everything the browser needs, without the choice of unit, so that another choice sends nothing again.

        Four bytes with the length of a JSON header, the header, then arrays at multiples of eight bytes: `plane` int16
        [unit, time] holds places on the scale (its high byte is what is painted, all of it what is read out), `ids` and
        `next_ids` point into the header's list of tokens, each with its sign, its name and the columns that a word takes.
        """
        ids, next_ids, alphabet = self._alphabet()
        arrays = {"plane": self._plane(), "ids": ids, "order": np.asarray(self.order, np.int32)}
        if self.next_p is not None:
            arrays |= {"next_ids": next_ids, "next_p": np.asarray(self.next_p, np.float32)}
        if self.bits is not None:
            arrays |= {"bits": np.asarray(self.bits, np.float32)}
        about = self._about() | {"alphabet": alphabet}
        if self.inputs is not None:
            about, arrays = self._with_inputs(self.inputs, about, arrays)
        return _packed(about, arrays)

    def _with_inputs(self, inputs: Inputs, about: dict, arrays: dict) -> tuple[dict, dict]:
        """Header and arrays with the numbers that were read."""
        levels, printed = inputs.levels(self.start)
        names = {"names": inputs.names, "ends": inputs.ends, "printed": printed, "stamp": inputs.stamp_length, "dated": inputs.is_dated}
        arrays = arrays | {"inputs": inputs.values.T.astype(np.float32), "levels": levels}
        if inputs.times is not None:
            arrays |= {"times": inputs.times.astype(np.int64 if inputs.is_dated else float).astype(float)}
        return about | {"rows": names}, arrays

    def _about(self) -> dict:
        ends = {
            "kind": self.scale.kind,
            "low": self.scale.low,
            "high": self.scale.high,
            "says": self.says,
            "ticks": self.scale.ticks(),
        }
        looks = {
            f"{'dark' if dark else 'light'}{' lecture' * lecture}": (dark, lecture) for dark in (False, True) for lecture in (False, True)
        }
        ends["stops"] = {look: self.scale.stops(dark=dark, lecture=lecture) for look, (dark, lecture) in looks.items()}
        ends["likely"] = {look: likely(dark=dark, lecture=lecture) for look, (dark, lecture) in looks.items()}
        return {"format": FORMAT, "quantity": self.quantity, "order_name": self.order_name, "start": self.start, "scale": ends} | {
            "title": self.title,
            "noun": self.noun,
            "time": len(self.tokens),
            "units": self.values.shape[1],
            "alt": self.alt(with_unit=False),
        }

    @property
    def says(self) -> str:
        """Words of the legend: where the ends of the scale come from."""
        return self.scale.says if self.inputs is None else self.scale.says.replace("texts", "series").replace("text", "series")

    def _plane(self) -> np.ndarray:
        if self.values.shape[0] > LONGEST:
            raise RecordError(
                f"The figure has {self.values.shape[0]:,} characters; at most {LONGEST:,} can be drawn at once. Show a window."
            )
        plane = np.empty((self.values.shape[1], self.values.shape[0]), np.int16)
        for first in range(0, plane.shape[0], 64):  # in slices: a window of 10,000 x 512 would need five times its size
            plane[first : first + 64] = self.scale.stored(self.values[:, first : first + 64].T)
        return plane

    def _alphabet(self) -> tuple[np.ndarray, np.ndarray, list[dict]]:
        known: dict[str, int] = {}
        tokens = self.tokens if self.inputs is None else ("",) * len(self.tokens)  # numbers travel as numbers
        ids = np.array([known.setdefault(token, len(known)) for token in tokens], np.int32)
        rows: Sequence | np.ndarray = () if self.next_tokens is None else self.next_tokens
        next_ids = np.array([[known.setdefault(str(token), len(known)) for token in row] for row in rows], np.int32)
        signs = {token: characters.shown(token) for token in known}
        return (
            ids,
            next_ids,
            [{"token": t, "sign": sign, "name": characters.name(t), "columns": characters.columns_of(sign)} for t, sign in signs.items()],
        )

    @property
    def noun(self) -> str:
        """What a row of the data is called: "character", "byte", "word", "token" or "step"."""
        return "step" if self.inputs is not None else characters.noun(self.tokens)[:-1]

    def around(self, position: int, most: int) -> "StateFigure":
        """The part of a longer figure with a position of the whole text in its middle, at most so many tokens; its title says which."""
        time = len(self.tokens)
        if time <= most:
            return self
        first = min(max(position - self.start - most // 2, 0), time - most)
        part, start = slice(first, first + most), self.start + first
        arrays = {name: getattr(self, name) for name in ("next_tokens", "next_p", "bits", "carried")}
        arrays = {name: None if array is None else array[part] for name, array in arrays.items()}
        title = f"{self.title}, {self.noun}s {start + 1:,} to {start + most:,}"
        arrays["inputs"] = None if self.inputs is None else self.inputs.part(part)
        return replace(self, tokens=self.tokens[part], values=self.values[part], start=start, title=title, **arrays)

    def to_frame(self) -> pd.DataFrame:
        """The chosen unit as a table, one row per token, full precision: what the CSV holds."""
        columns: dict = {"position": np.arange(self.start, self.start + len(self.tokens))}
        if self.inputs is None:
            columns[self.noun] = list(self.tokens)
        else:
            columns |= {} if self.inputs.times is None else {"time": self.inputs.times}
            columns |= dict(zip(self.inputs.names, self.inputs.values.T, strict=True))
        columns[f"{self.quantity} of unit {self.unit}"] = self.of(self.unit)
        if self.bits is not None:
            columns["surprise, bits"] = np.asarray(self.bits)
        if self.next_p is not None and self.next_tokens is not None:
            for rank in range(LIKELY):
                columns[f"likely next {rank + 1}"] = [str(row[rank]) for row in self.next_tokens]
                columns[f"p {rank + 1}"] = np.asarray(self.next_p)[:, rank]
        return pd.DataFrame(columns)

    def alt(self, with_unit: bool = True) -> str:
        """The picture in a sentence or two, for those who do not see it; the first token of the text is number 1."""
        time, units = self.values.shape
        first = f"{self.title}: " if self.title else ""
        noun = self.noun
        first += f"{time:,} {noun}s{'' if noun == 'step' else ' of text'} and a map of {units} units, {self.quantity}, {self.order_name}."
        first += "" if self.inputs is None else self.inputs.alt(self.start)
        first += readout.broken([self.start + at for at in self.breaks])
        if not with_unit:
            return first
        line = self.of(self.unit)
        top, bottom = int(line.argmax()), int(line.argmin())
        return (
            f"{first} Unit {self.unit} is highest, {line[top]:.2g}, at {noun} {self.start + top + 1} ({self._named(top)}) "
            f"and lowest, {line[bottom]:.2g}, at {noun} {self.start + bottom + 1} ({self._named(bottom)})."
        )

    def _named(self, index: int) -> str:
        if self.inputs is not None:
            return ", ".join(filter(None, [self.inputs.stamp(index), *readout.inputs_at(self, index)])) or "no inputs"
        return characters.name(self.tokens[index]) or self.tokens[index]

    def to_svg(self, columns: int = 100, dark: bool = False, looks: Collection[str] = (), selection: tuple[int, int] | None = None) -> str:
        """The picture as one self-contained SVG: all that the page shows.

        Args:
            columns: Characters of a line.
            dark: Colours for a dark ground.
            looks: Of "next", likely next characters under the text; "lecture", lecture colours; "flip", the opposite sign.
            selection: First selected position in the whole text and one past the last.
        """
        return states_svg.svg(self._sheet(columns, dark, looks, selection))

    def to_html(self, columns: int = 100, dark: bool = False, looks: Collection[str] = (), selection: tuple[int, int] | None = None) -> str:
        """The same picture as a page of its own that needs no network. Arguments as for `to_svg`."""
        return states_svg.html(self._sheet(columns, dark, looks, selection))

    def _sheet(self, columns: int, dark: bool, looks: Collection[str], selection: tuple[int, int] | None) -> states_svg.Sheet:
        stored, is_flipped = self.scale.stored(self.values), "flip" in looks and self.scale.is_signed
        heading = [self.title, f"unit {self.unit}", self.quantity, "sign flipped" if is_flipped else ""]
        order = np.asarray(self.order)
        captions = f"all {self.values.shape[1]} units, {self.order_name}", f"{len(self.tokens):,} {self.noun}s \u2192"
        if self.breaks:
            captions = f"{captions[0]}; at upright lines the state was reset or changed", captions[1]
        sheet = states_svg.Sheet(
            tokens=tuple(self.tokens),
            stored=-stored if is_flipped else stored,
            unit=self.unit,
            order=order,
            scale=self.scale,
            heading=", ".join(filter(None, heading)),
            captions=captions,
            alt=self.alt(),
            selection=self._inside(selection),
            breaks=self.breaks,
            columns=columns,
            dark=dark,
            lecture="lecture" in looks,
            says=self.says,
            inputs=self.inputs,
            alone=self.alone,
            start=self.start,
        )
        if "next" in looks and self.next_tokens is not None:
            sheet = replace(sheet, next_tokens=np.asarray(self.next_tokens), next_p=self.next_p)
        if self.cursor is None:
            return sheet
        at = min(max(self.cursor - self.start, 0), len(self.tokens) - 1)
        return replace(sheet, cursor=at, said=readout.lines(self, at, int(sheet.stored[at, self.unit]), sheet.selection))

    def _inside(self, selection: tuple[int, int] | None) -> tuple[int, int] | None:
        """Indices of what is selected of this figure; None where that is nothing."""
        first, last = (min(max(at - self.start, 0), len(self.tokens)) for at in selection or (0, 0))
        return (first, last) if first < last else None


def _packed(header: dict, arrays: dict[str, np.ndarray]) -> bytes:
    """Header and arrays as one piece; each array starts at a multiple of eight bytes, as typed arrays in browsers need."""
    offset, places, pieces = 0, {}, []
    for name, array in arrays.items():
        places[name] = {"type": str(array.dtype), "shape": array.shape, "offset": offset}
        padding = -array.nbytes % 8
        pieces += [np.ascontiguousarray(array).data, bytes(padding)]
        offset += array.nbytes + padding
    text = json.dumps(header | {"arrays": places}).encode("ascii")
    text += b" " * (-(len(text) + 4) % 8)
    return b"".join([len(text).to_bytes(4, "little"), text, *pieces])
