"""Colour scales: the position of a value between two ends, and its colour. Python and the browser share the colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.analysis.quantities import CELL, HIDDEN, PHASE, TANH_CELL
from explorer.axes import Float
from explorer.errors import ExplorerError

DIVERGING, SYMLOG, SEQUENTIAL = "diverging", "symlog", "sequential"
SIGNED = (TANH_CELL, HIDDEN, "candidate")  # -1..1 by their equations
LEVELS = 256
STEPS = 32_767  # a value travels as a whole number of this many steps from the middle of its scale to an end
GROUND = {False: "#ffffff", True: "#141418"}  # of the page, by whether it is dark

# (kind of colours, lecture colours, dark): low, middle, high. Lecture colours are those of Karpathy's picture.
_STOPS = {
    ("signed", False, False): ("#2166ac", "#f7f7f7", "#b35806"),
    ("signed", False, True): ("#2166ac", "#1e1e24", "#b35806"),
    ("signed", True, False): ("#3358d4", "#f7f7f7", "#2a8f3c"),
    ("signed", True, True): ("#3358d4", "#1e1e24", "#2a8f3c"),
    ("positive", False, False): ("#f7f7f7", "#a48fb8", "#542788"),
    ("positive", False, True): ("#1e1e24", "#6b6184", "#b7a4e0"),
    ("positive", True, False): ("#f7f7f7", "#91c39a", "#2a8f3c"),
    ("positive", True, True): ("#1e1e24", "#245730", "#2a8f3c"),
}
# (lecture colours, dark): the likely next characters, from probability 0 to 1; in lecture colours red, as in Karpathy's picture.
_LIKELY = {
    (False, False): ("#ffffff", "#9a9aa3", "#2b2b33"),
    (False, True): ("#141418", "#777783", "#ececf1"),
    (True, False): ("#ffffff", "#ff9d8a", "#d7191c"),
    (True, True): ("#141418", "#a51d1d", "#ff5a4a"),
}


def likely(dark: bool = False, lecture: bool = False) -> tuple[str, str, str]:
    """Colours of the likely next characters at probabilities 0, 0.5 and 1."""
    return _LIKELY[lecture, dark]


@dataclass(frozen=True)
class Scale:
    """A line from `low` to `high` and the colours along it.

    Args:
        kind: "diverging" (0 in the middle), "symlog" (likewise, logarithmic beyond 1) or "sequential".
        low, high: The ends; -high and high unless sequential.
        fixed: Whether the ends belong to the quantity, so that all texts share them, or were taken from this text.

    Raises:
        ExplorerError: no such kind, or ends that do not fit it.
    """

    kind: str
    low: int | float
    high: int | float
    fixed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        if self.kind not in (DIVERGING, SYMLOG, SEQUENTIAL):
            raise ExplorerError(f"There is no scale of kind {self.kind!r}; expected {DIVERGING}, {SYMLOG} or {SEQUENTIAL}.")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ExplorerError(f"A scale from {self.low:g} to {self.high:g} has no length; expected low < high.")
        if self.is_signed and self.low != -self.high:
            raise ExplorerError(f"A {self.kind} scale from {self.low:g} to {self.high:g} has no 0 in its middle; expected low = -high.")

    @property
    def is_signed(self) -> bool:
        """Whether 0 lies in the middle and the sign has a colour."""
        return self.kind != SEQUENTIAL

    @property
    def says(self) -> str:
        """Words of the legend: where the ends come from."""
        return "same scale for all texts" if self.fixed else "scaled to this text"

    def ticks(self) -> tuple[int | float, ...]:
        """Values that the legend prints: the ends and the middle; for gates also 0.1 and 0.9, nearly shut and nearly open."""
        if self.kind == SEQUENTIAL and (self.low, self.high) == (0.0, 1.0):
            return (0.0, 0.1, 0.9, 1.0)
        return (self.low, (self.low + self.high) / 2, self.high)

    def stored(self, values: Float[np.ndarray, "..."]) -> np.ndarray:
        """Places of values [any] as a figure keeps them, int16 [any]: steps from the middle of the scale, beyond the ends its ends."""
        return np.rint((self.place(values).clip(0, 1) * 2 - 1) * STEPS).astype(np.int16)

    def place(self, values: Float[np.ndarray, "..."] | float) -> np.ndarray:
        """Where values [any] lie on the scale, 0 at the low end, 1 at the high end; beyond the ends: outside 0..1."""
        values = np.asarray(values)
        if self.kind == SYMLOG:
            return np.asarray((_symlog(values) / _symlog(np.asarray(self.high)) + 1) / 2)
        return np.asarray((values - self.low) / (self.high - self.low))

    def value(self, fraction: Float[np.ndarray, "..."] | float) -> np.ndarray:
        """The values that lie at fractions [any] of the scale, 0..1: the inverse of `place`."""
        fraction = np.asarray(fraction)
        if self.kind == SYMLOG:
            bent = (2 * fraction - 1) * _symlog(np.asarray(self.high))
            size = np.abs(bent)
            return np.asarray(np.sign(bent) * np.where(size <= 1, size, np.exp(np.maximum(size, 1) - 1)))
        return np.asarray(self.low + fraction * (self.high - self.low))

    def stops(self, dark: bool = False, lecture: bool = False) -> tuple[str, str, str]:
        """Colours at the low end, the middle and the high end."""
        return _STOPS["signed" if self.is_signed else "positive", lecture, dark]

    def colours(self, dark: bool = False, lecture: bool = False) -> np.ndarray:
        """All 256 colours from the low end to the high end, uint8 [256, rgb]."""
        return ramp(self.stops(dark, lecture))


def _symlog(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return np.asarray(np.sign(values) * np.where(size <= 1, size, 1 + np.log(np.maximum(size, 1))))


def ramp(stops: tuple[str, ...]) -> np.ndarray:
    """256 colours on straight lines between evenly spaced stops, uint8 [256, rgb]."""
    corners = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], float)
    at = np.linspace(0, len(stops) - 1, LEVELS)
    channels = [np.interp(at, np.arange(len(stops)), corners[:, c]) for c in range(3)]
    return np.floor(np.stack(channels, 1) + 0.5).astype(np.uint8)


def css(colour: np.ndarray | Sequence[int]) -> str:
    """A colour [rgb], 0 to 255 each, as CSS and SVG write it: "#2166ac"."""
    return "#" + "".join(f"{int(part):02x}" for part in colour)


def ink(colour: Sequence[int]) -> str:
    """Black or white, whichever is easier to read on this colour; the contrast is never below 4.5."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 >= 1.05 * 0.05 else "#ffffff"


def scale_of(quantity: str, values: Float[np.ndarray, "..."], this_text: bool = False) -> Scale:
    """The scale a quantity is drawn on, by the house rules.

    tanh(cell), hidden and candidate: -1..1; sigmoid gates: 0..1; both fixed, so that two pictures can be compared. The raw
    cell has no ends of its own: symmetric, logarithmic beyond 1, up to the largest value of this text. Hidden states
    that leave -1..1 (a relu network) are treated like it, without the logarithm. The phase of a complex state: -pi..pi.

    Args:
        quantity: Name, as `analysis.quantities` gives it.
        values: What will be drawn, [any axes].
        this_text: Stretch the scale to the largest value of this text instead of the fixed ends.
    """
    largest = float(np.abs(values).max()) if values.size else 0.0
    top = _rounded_up(largest) if largest > 0 else 1.0
    if quantity == CELL:
        return Scale(SYMLOG, -top, top, fixed=False)
    if quantity == PHASE and not this_text:
        return Scale(DIVERGING, -math.pi, math.pi)
    if quantity in SIGNED or (values.size and values.min() < 0):
        return Scale(DIVERGING, -top, top, fixed=False) if this_text or largest > 1.001 else Scale(DIVERGING, -1.0, 1.0)
    return Scale(SEQUENTIAL, 0.0, top, fixed=False) if this_text or largest > 1.001 else Scale(SEQUENTIAL, 0.0, 1.0)


def _rounded_up(value: float) -> float:
    """The next number with two significant digits: an end that can be printed and loses nothing."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit * (1 - 1e-6)) * unit:.12g}")
