"""Recording of one window of a text: states and gates, the surprise of each character, and the predicted next characters.

Importing this module does not import torch; the first call does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import explorer
from explorer.analysis.ordering import INDEX, order
from explorer.analysis.quantities import HIDDEN, quantity
from explorer.records import Trace

if TYPE_CHECKING:
    import torch

    from models.char_lm.reading import Reading
    from models.checkpoint import Loaded

LEAD = 64  # predictions at the start of a passage that do not count where a unit is silenced: the silence is too young there
CALL = 500  # characters per call; each call starts from the state that torch returned, so rounding errors do not accumulate


@dataclass(frozen=True, eq=False)
class Window:
    """One window of a text, recorded.

    Args:
        reading: The pass over the whole text.
        trace: States and gates of the window.
        part: Index of the window, counted from 0.
        next_tokens: The five most likely characters after each character of the window, most likely first, [time][rank]; padded
            with the unknown mark if the vocabulary has fewer than five characters.
        next_p: Their probabilities, [time, rank]; 0 for padding.
        unknown: Characters of the text that was read that are not in the network's vocabulary, sorted.
    """

    reading: "Reading"
    trace: Trace
    part: int
    next_tokens: list[list[str]]
    next_p: np.ndarray
    unknown: tuple[str, ...]

    @property
    def start(self) -> int:
        """Position of the window's first character in the whole text."""
        return self.part * self.reading.window

    @property
    def predicts(self) -> bool:
        """Whether the network predicts the next character; else it has no surprise and no likely next characters."""
        return self.reading.predicts

    @property
    def bits(self) -> np.ndarray:
        """Surprise of each character of the window given the preceding text, in bits, [time]."""
        return self.reading.bits[self.start : self.start + self.reading.window]


@dataclass(frozen=True, eq=False)
class WindowRun(Window):
    """A recorded window, and one layer of it as a map of all units.

    Args:
        values: One quantity of the layer, [time, unit].
        order: Units from the top row of the map to the bottom, [unit].
    """

    values: np.ndarray
    order: np.ndarray


@dataclass(frozen=True)
class Layer:
    """The layer, quantity and row order of a map.

    Args:
        index: Index of the layer, counted from 0.
        quantity: Quantity to show, see analysis.quantities.
        order: Order of the rows, see analysis.ordering.
        path: "rnn", or "rnn[reverse]" for the direction that reads from the end.
    """

    index: int = 0
    quantity: str = HIDDEN
    order: str = INDEX
    path: str = "rnn"


def record_window(loaded: "Loaded", reading: "Reading", part: int = 0, path: str = "rnn") -> Window:
    """The recording of one window of a text that was read.

    Args:
        loaded: The network.
        reading: Result of models.char_lm.reading.read for the text.
        part: Index of the window, counted from 0.
        path: As in `Layer`.
    """
    ids, state = window_input(reading, part)
    module: Any = loaded.module
    is_whole = getattr(module, "reads_from_the_end_too", False)
    with explorer.record(module) as recording:
        for piece in [ids] if is_whole else ids.split(CALL, dim=1):
            _, state = module(piece, state)
    window = slice(part * reading.window, (part + 1) * reading.window)
    likeliest = loaded.vocab.named(_five_columns(reading.top[window]))
    unknown = sorted({token for token, id_ in zip(reading.tokens, reading.ids, strict=True) if id_ == 0})
    trace = recording.trace(reading.tokens[window], path=path)
    return Window(reading, trace, part, likeliest, _five_columns(reading.top_p[window]), tuple(unknown))


def window_input(reading: "Reading", part: int) -> tuple["torch.Tensor", Any]:
    """Input for reading one window again: ids [1, time] and the state before it."""
    import torch

    ids = reading.ids[part * reading.window : (part + 1) * reading.window]
    return torch.from_numpy(ids.astype(np.int64))[None], reading.states[part]


def state_before(loaded: "Loaded", window: Window, step: int) -> Any:
    """The recurrent state before a step of a recorded window, as the module takes it.

    It is taken from the record. A network with other recurrent layers than those that are shown reads the text again.
    """
    import torch

    module: Any = loaded.module
    ids, state = window_input(window.reading, window.part)
    if step == 0:
        return _for_gradients(state)
    if len(getattr(module, "below", ())) or len(getattr(module, "above", ())):
        with torch.inference_mode():
            for start in range(0, step, CALL):
                _, state = module(ids[:, start : min(start + CALL, step)], state)
        return _for_gradients(state)
    like, trace = next(module.parameters()), window.trace
    parts = [torch.from_numpy(part[step - 1][:, None].copy()).to(like) for part in (trace.hidden, trace.cell) if part is not None]
    return tuple(parts) if len(parts) == 2 else parts[0]


def _for_gradients(state: Any) -> Any:
    """A copy of a state that autograd accepts; what inference mode gave it does not."""
    return tuple(part.clone() for part in state) if isinstance(state, tuple) else None if state is None else state.clone()


def read_window(loaded: "Loaded", text: str, layer: Layer, warm_up: str = "", part: int = 0) -> WindowRun:
    """Reads a text and records one window of it, with one layer as a map of all units.

    Args:
        loaded: The network.
        text: Text to read, at least one character.
        layer: Layer, quantity and row order of the map.
        warm_up: Preceding text, read from the zero state and not part of the result.
        part: Index of the window of 10,000 characters, counted from 0.

    Raises:
        ReadingError: the text is empty.
        AnalysisError: there is no such layer, quantity or order.
    """
    from models.char_lm.reading import read

    window = record_window(loaded, read(loaded, text, before=warm_up), part, layer.path)
    values = quantity(window.trace, layer.quantity, layer.index)
    return WindowRun(**vars(window), values=values, order=order(window.trace, layer.index, layer.order))


def _five_columns(ranked: np.ndarray) -> np.ndarray:
    """Five columns [time, rank], padded with zeros for a vocabulary of fewer characters."""
    from models.char_lm.reading import TOP

    return np.pad(ranked, ((0, 0), (0, max(0, TOP - ranked.shape[1]))))
