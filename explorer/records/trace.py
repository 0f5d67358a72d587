"""The record of one run of a recurrent network: states, gates and outputs, step by step."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from explorer.errors import RecordError
from explorer.records import trace_file
from explorer.records.displayed import Displayed, plural, quoted, shape_error, there_are

SIGNED_GATES = ("candidate",)  # -1..1; every other gate is a sigmoid, 0..1
SLACK = 1e-3  # half-precision gates may miss their range by a rounding


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Displayed):
    """States, gates and outputs of one recurrent path over one sequence.

    Args:
        tokens: What was read, [time].
        hidden: Hidden state after each token, [time, layer, unit].
        cell: Cell state after each token, [time, layer, unit]; None where the cell has none (RNN, GRU).
        gates: Gate activations by full name, each [time, layer, unit]; sigmoid gates in 0..1, candidate in -1..1.
            A relu network's candidate does not exist: its gates are empty.
        initial_hidden: Hidden state before the first token, [layer, unit].
        initial_cell: Cell state before the first token, [layer, unit], or None.
        logits: Unnormalised log-probabilities of the next token, [time, vocab], or None.
        vocab: Names of the columns of `logits`, [vocab], or None.
        source: Path of the module inside the model, "rnn" or "decoder.cell"; "rnn[reverse]" read from the end:
            there position t has read tokens t..T-1.
        carried: Whether each step got the state that the step before it left, bool [time]; False where the model reset
            the state or changed it between two steps (normalised, dropped, mixed). The first step always counts as
            carried: it got the initial state. None means that the state was carried everywhere.
        parts: What else a cell holds or computes, by name, each [time, layer, ...], of any width and without a range: a
            second state that is no cell, "state[1]", or the step size of a state-space model.

    The hidden state may be complex, as that of a linear recurrent unit; everything else is real, but for parts.

    Raises:
        RecordError: shapes do not fit together, a gate leaves its range, or a name is used twice.
    """

    tokens: tuple[str, ...]
    hidden: np.ndarray
    cell: np.ndarray | None
    gates: Mapping[str, np.ndarray]
    initial_hidden: np.ndarray
    initial_cell: np.ndarray | None = None
    logits: np.ndarray | None = None
    vocab: tuple[str, ...] | None = None
    source: str = field(default="")
    carried: np.ndarray = field(default=None)  # type: ignore[assignment]  # never None once the record is made
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "vocab", None if self.vocab is None else tuple(self.vocab))
        self._check_hidden()
        self._check_cell()
        self._check_gates()
        self._check_parts()
        self._check_logits()
        object.__setattr__(self, "carried", self._checked_carried())

    def __str__(self) -> str:
        _, layers, units = self.hidden.shape
        has = [] if self.logits is None else [f"logits {list(self.logits.shape)} = [time, vocab]"]
        has += [f"gates {', '.join(self.gates)}"] if self.gates else []
        has += [f"parts {', '.join(self.parts)}"] if self.parts else []
        states = f"hidden {list(self.hidden.shape)}" + ("" if self.cell is None else f", cell {list(self.cell.shape)}")
        of = f"'{self.source}', " if self.source else ""
        broken = f"; the state was reset or changed before {plural(len(self.breaks), 'step')}" if len(self.breaks) else ""
        return (
            f"Trace of {of}{self._network()}: {plural(layers, 'layer')} of {plural(units, 'unit')} "
            f"over {plural(len(self.tokens), 'token')}, {quoted(self.tokens)}{broken}\n"
            f"{states} = [time, layer, unit]; {'; '.join(has) or 'no gates'}\n"
            "Next: explorer.show(trace) draws it, trace.hidden and trace.gates hold the numbers, trace.save('trace.npz') keeps them."
        )

    @property
    def breaks(self) -> np.ndarray:
        """Steps that did not get the state of the step before them, in order, [break]: it was reset or changed there."""
        return np.flatnonzero(~self.carried)

    @property
    def is_reverse(self) -> bool:
        """Whether the path reads from the end: the last token first."""
        return self.source.endswith("[reverse]")

    def _network(self) -> str:
        """What kind of network the gates are of."""
        names = set() if self.parts else set(self.gates)
        kinds = {"an LSTM": {"input", "forget", "output"}, "a GRU": {"reset", "update"}}
        is_plain = names <= {"candidate"} and self.cell is None and not self.parts and not np.iscomplexobj(self.hidden)
        plain = "a plain RNN" if is_plain else "a network of your own equations"
        return next((kind for kind, gates in kinds.items() if gates <= names), plain)

    def _check_hidden(self) -> None:
        time = len(self.tokens)
        if self.hidden.ndim != 3 or self.hidden.shape[0] != time:
            raise shape_error("hidden", self.hidden.shape, f"({time}, layers, units) = [time, layer, unit]", there_are(time, "token"))
        if self.initial_hidden.shape != self.hidden.shape[1:]:
            why = f"hidden has shape {self.hidden.shape}"
            raise shape_error("initial_hidden", self.initial_hidden.shape, f"{self.hidden.shape[1:]} = [layer, unit]", why)

    def _check_cell(self) -> None:
        if (self.cell is None) != (self.initial_cell is None):
            raise RecordError("cell and initial_cell come together; only one of them was given.")
        if self.cell is None or self.initial_cell is None:
            return
        if self.cell.ndim != 3 or self.cell.shape[:2] != self.hidden.shape[:2]:
            expected = f"({self.hidden.shape[0]}, {self.hidden.shape[1]}, units) = [time, layer, unit]"
            raise shape_error("cell", self.cell.shape, expected, f"hidden has shape {self.hidden.shape}")
        if self.initial_cell.shape != self.cell.shape[1:]:
            why = f"cell has shape {self.cell.shape}"
            raise shape_error("initial_cell", self.initial_cell.shape, f"{self.cell.shape[1:]} = [layer, unit]", why)

    def _check_gates(self) -> None:
        body = self.hidden if self.cell is None else self.cell
        for name, values in self.gates.items():
            if values.shape != body.shape:
                why = f"a gate has one value for each {'hidden' if self.cell is None else 'cell'} value"
                raise shape_error(f"gates['{name}']", values.shape, f"{body.shape} = [time, layer, unit]", why)
            if np.iscomplexobj(values):
                raise RecordError(f"gates['{name}'] is complex; expected real numbers. Put it into parts.")
            low = -1.0 if name in SIGNED_GATES else 0.0
            if values.size and not (values.min() >= low - SLACK and values.max() <= 1 + SLACK):
                got = f"{values.min():.3g}..{values.max():.3g}"
                raise RecordError(f"gates['{name}'] lies in {got}; expected {low:g}..1. Is it the value before the sigmoid?")

    def _checked_carried(self) -> np.ndarray:
        time = len(self.tokens)
        carried = np.ones(time, bool) if self.carried is None else np.asarray(self.carried)
        if carried.shape != (time,):
            raise shape_error("carried", carried.shape, f"({time},) = [time]", there_are(time, "token"))
        if carried.dtype != bool:
            raise RecordError(f"carried has type {carried.dtype}; expected bool, True where a step got the state of the step before it.")
        first = time - 1 if self.is_reverse else 0  # the step that was read first
        if time and not carried[first]:
            raise RecordError(f"carried[{first}] is False; expected True: the first step got initial_hidden, which the record holds.")
        return carried

    def _check_parts(self) -> None:
        for name, values in self.parts.items():
            if name in (*self.gates, "hidden", "cell"):
                raise RecordError(f"parts names {name!r}, which this record holds already; give the part another name.")
            if values.shape[:2] != self.hidden.shape[:2]:
                expected = f"({self.hidden.shape[0]}, {self.hidden.shape[1]}, ...) = [time, layer, ...]"
                raise shape_error(f"parts['{name}']", values.shape, expected, f"hidden has shape {self.hidden.shape}")

    def _check_logits(self) -> None:
        if self.logits is None:
            return
        if self.logits.ndim != 2 or self.logits.shape[0] != len(self.tokens):
            why = there_are(len(self.tokens), "token")
            raise shape_error("logits", self.logits.shape, f"({len(self.tokens)}, vocab) = [time, vocab]", why)
        if self.vocab is not None and len(self.vocab) != self.logits.shape[1]:
            raise RecordError(f"vocab names {len(self.vocab)} tokens; expected {self.logits.shape[1]}, one for each column of logits.")

    def save(self, path: str | os.PathLike) -> None:
        """Write the record as .npz. The file is replaced as a whole, so that a crash never leaves half of one.

        Several threads or processes may save to one path at once: the last one wins.

        Raises:
            OSError: the folder cannot be written.
        """
        trace_file.save(vars(self), path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Trace":
        """Read a record written by `save`; nothing in the file is executed.

        Raises:
            RecordError: the file is not a record, is damaged, or is of a later version.
            OSError: there is no such file, or it cannot be read.
        """
        return cls(**trace_file.load(path))
