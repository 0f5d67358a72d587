"""Records of one run of a network: frozen dataclasses of numpy arrays, checked on creation. One sequence each, no batch axis."""

import importlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from explorer.errors import RecordError

VERSION = 2  # 2 added `carried`, `parts` and complex hidden states
SIGNED_GATES = ("candidate",)  # -1..1; every other gate is a sigmoid, 0..1
SLACK = 1e-3  # half-precision gates may miss their range by a rounding


def _shape_error(name: str, got: tuple, expected: str, why: str) -> RecordError:
    return RecordError(f"{name} has shape {got}; expected {expected} because {why}.")


def _count(count: int, noun: str) -> str:
    return f"there is 1 {noun}" if count == 1 else f"there are {count} {noun}s"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"


def _quoted(tokens: tuple[str, ...], longest: int = 40) -> str:
    """The beginning of a text in quotation marks."""
    text = ("" if all(len(token) == 1 for token in tokens) else " ").join(tokens[:longest])
    return repr(text if len(text) <= longest and len(tokens) <= longest else text[: longest - 3] + "...")


class Displayed:
    """What records share: as the last line of a notebook cell they draw themselves, and printed they are three lines."""

    def __repr__(self) -> str:
        return f"<{str(self).splitlines()[0]}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook displays: the figure of `explorer.show`, or the three lines where it cannot be drawn."""
        # By name: records know nothing of figures, which are loaded only when a notebook asks.
        return importlib.import_module("explorer.figures.notebook").bundle_of(self)


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
        broken = f"; the state was reset or changed before {_plural(len(self.breaks), 'step')}" if len(self.breaks) else ""
        return (
            f"Trace of {of}{self._network()}: {_plural(layers, 'layer')} of {_plural(units, 'unit')} "
            f"over {_plural(len(self.tokens), 'token')}, {_quoted(self.tokens)}{broken}\n"
            f"{states} = [time, layer, unit]; {'; '.join(has) or 'no gates'}\n"
            "Next: explorer.show(trace) draws it, trace.hidden and trace.gates hold the numbers, trace.save('trace.npz') keeps them."
        )

    @property
    def breaks(self) -> np.ndarray:
        """Steps that did not get the state of the step before them, in order, [break]: it was reset or changed there."""
        return np.flatnonzero(~self.carried)

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
            raise _shape_error("hidden", self.hidden.shape, f"({time}, layers, units) = [time, layer, unit]", _count(time, "token"))
        if self.initial_hidden.shape != self.hidden.shape[1:]:
            why = f"hidden has shape {self.hidden.shape}"
            raise _shape_error("initial_hidden", self.initial_hidden.shape, f"{self.hidden.shape[1:]} = [layer, unit]", why)

    def _check_cell(self) -> None:
        if (self.cell is None) != (self.initial_cell is None):
            raise RecordError("cell and initial_cell come together; only one of them was given.")
        if self.cell is None or self.initial_cell is None:
            return
        if self.cell.ndim != 3 or self.cell.shape[:2] != self.hidden.shape[:2]:
            expected = f"({self.hidden.shape[0]}, {self.hidden.shape[1]}, units) = [time, layer, unit]"
            raise _shape_error("cell", self.cell.shape, expected, f"hidden has shape {self.hidden.shape}")
        if self.initial_cell.shape != self.cell.shape[1:]:
            why = f"cell has shape {self.cell.shape}"
            raise _shape_error("initial_cell", self.initial_cell.shape, f"{self.cell.shape[1:]} = [layer, unit]", why)

    def _check_gates(self) -> None:
        body = self.hidden if self.cell is None else self.cell
        for name, values in self.gates.items():
            if values.shape != body.shape:
                why = f"a gate has one value for each {'hidden' if self.cell is None else 'cell'} value"
                raise _shape_error(f"gates['{name}']", values.shape, f"{body.shape} = [time, layer, unit]", why)
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
            raise _shape_error("carried", carried.shape, f"({time},) = [time]", _count(time, "token"))
        if carried.dtype != bool:
            raise RecordError(f"carried has type {carried.dtype}; expected bool, True where a step got the state of the step before it.")
        first = time - 1 if self.source.endswith("[reverse]") else 0  # the step that was read first
        if time and not carried[first]:
            raise RecordError(f"carried[{first}] is False; expected True: the first step got initial_hidden, which the record holds.")
        return carried

    def _check_parts(self) -> None:
        for name, values in self.parts.items():
            if name in (*self.gates, "hidden", "cell"):
                raise RecordError(f"parts names {name!r}, which this record holds already; give the part another name.")
            if values.shape[:2] != self.hidden.shape[:2]:
                expected = f"({self.hidden.shape[0]}, {self.hidden.shape[1]}, ...) = [time, layer, ...]"
                raise _shape_error(f"parts['{name}']", values.shape, expected, f"hidden has shape {self.hidden.shape}")

    def _check_logits(self) -> None:
        if self.logits is None:
            return
        if self.logits.ndim != 2 or self.logits.shape[0] != len(self.tokens):
            why = _count(len(self.tokens), "token")
            raise _shape_error("logits", self.logits.shape, f"({len(self.tokens)}, vocab) = [time, vocab]", why)
        if self.vocab is not None and len(self.vocab) != self.logits.shape[1]:
            raise RecordError(f"vocab names {len(self.vocab)} tokens; expected {self.logits.shape[1]}, one for each column of logits.")

    def save(self, path: str | os.PathLike) -> None:
        """Write the record as .npz; a crash leaves the old file or the new one, and several may save at once.

        Raises:
            OSError: the folder cannot be written.
        """
        arrays = {"hidden": self.hidden, "initial_hidden": self.initial_hidden}
        arrays |= {f"gate.{name}": values for name, values in self.gates.items()}
        arrays |= {f"part.{name}": values for name, values in self.parts.items()}
        arrays |= {name: getattr(self, name) for name in ("cell", "initial_cell", "logits") if getattr(self, name) is not None}
        arrays |= {"carried": self.carried} if len(self.breaks) else {}
        # A record of which older installations know everything is a file of version 1, which they open.
        is_new = len(self.breaks) or self.parts or np.iscomplexobj(self.hidden)
        version = VERSION if is_new else 1
        about = {"version": version, "record": "Trace", "tokens": self.tokens, "vocab": self.vocab, "source": self.source}
        path = Path(path)
        partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
        try:
            with partial.open("xb") as file:
                np.savez_compressed(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), allow_pickle=False, **arrays)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Trace":
        """Read a record written by `save`; nothing in the file is executed.

        Raises:
            RecordError: the file is not a record, is damaged, or is of a later version.
            OSError: there is no such file, or it cannot be read.
        """
        try:
            # Opened here: numpy leaves a damaged file open.
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(bytes(file["about"]))
                arrays = {name: file[name] for name in file.files if name != "about"}
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise RecordError(f"{path} is not a record of this project ({error}). Expected a .npz written by Trace.save.") from None
        if about.get("record") != "Trace" or about.get("version", 0) > VERSION:
            raise RecordError(f"{path} holds a {about.get('record')} of version {about.get('version')}; expected Trace, at most {VERSION}.")
        gates, parts = (
            {name.removeprefix(kind): arrays.pop(name) for name in list(arrays) if name.startswith(kind)} for kind in ("gate.", "part.")
        )
        arrays: dict = {"cell": None, **arrays}
        vocab = None if about["vocab"] is None else tuple(about["vocab"])
        return cls(tokens=tuple(about["tokens"]), vocab=vocab, source=about["source"], gates=gates, parts=parts, **arrays)


@dataclass(frozen=True, eq=False, repr=False)
class ConfusionMatrix(Displayed):
    """Counts of items by true class and predicted class.

    Args:
        labels: The classes, [class], each once.
        counts: How many, [true, predicted], whole numbers of 0 or more.

    Raises:
        RecordError: shapes do not fit together, a label occurs twice, or a count is not a whole number of 0 or more.
    """

    labels: tuple[str, ...]
    counts: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        size = len(self.labels)
        if self.counts.shape != (size, size):
            raise _shape_error("counts", self.counts.shape, f"({size}, {size}) = [true, predicted]", _count(size, "label"))
        twice = [label for index, label in enumerate(self.labels) if label in self.labels[:index]]
        if twice:
            raise RecordError(f"labels names {twice[0]!r} twice; expected each class once.")
        bad = np.argwhere(~((self.counts >= 0) & (self.counts % 1 == 0)))
        if len(bad):
            row, column = map(int, bad[0])
            got = f"counts[{row}, {column}] is {self.counts[row, column]:.6g}"
            raise RecordError(f"{got}; expected a whole number of 0 or more. Are these shares of a row?")
        object.__setattr__(self, "counts", self.counts.astype(np.int64))

    def __str__(self) -> str:
        size, total = len(self.labels), int(self.counts.sum())
        return (
            f"Confusion matrix of {_plural(size, 'class')}: {int(np.trace(self.counts)):,} of {_plural(total, 'item')} correct\n"
            f"counts {[size, size]} = [true, predicted]; labels {_quoted(self.labels)}\n"
            "Next: explorer.show(matrix) draws it, matrix.counts holds the numbers."
        )


# How far a row of weights may be from summing to 1, by the precision it was computed in.
SUM_TOLERANCE = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 1e-5}


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Displayed):
    """Attention weight of each source token, or image region, when each target token was chosen.

    Args:
        source: Every column of the weights, end mark and padding too, [in].
        target: What was written, [out].
        weights: Attention weights, [out, in], 0..1; each row sums to 1 within the rounding of its precision
            and is kept as float64, made to sum to 1.
        grid: (rows, columns) where the source is a grid of image regions, row by row; else None.

    Raises:
        RecordError: shapes do not fit together, or a row is not a distribution.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", tuple(self.source))
        object.__setattr__(self, "target", tuple(self.target))
        self._check_shape()
        self._check_rows()
        weights = self.weights.astype(np.float64)
        object.__setattr__(self, "weights", weights / weights.sum(1, keepdims=True))

    def __str__(self) -> str:
        regions = "" if self.grid is None else f"; the source is a grid of {self.grid[0]} x {self.grid[1]} image regions"
        return (
            f"Alignment of {_plural(len(self.target), 'target token')} to {_plural(len(self.source), 'source token')}: "
            f"{_quoted(self.target)} from {_quoted(self.source)}\n"
            f"weights {list(self.weights.shape)} = [target, source], each row sums to 1{regions}\n"
            "Next: explorer.show(alignment) draws it, alignment.weights holds the numbers."
        )

    def _check_shape(self) -> None:
        expected = (len(self.target), len(self.source))
        if self.weights.shape != expected:
            hint = " It looks transposed: pass weights.T." if self.weights.shape == expected[::-1] else ""
            raise RecordError(f"weights has shape {self.weights.shape}; expected {expected} = [target, source].{hint}")
        if not self.source:
            raise RecordError("source is empty; expected at least one token to look at.")
        if self.grid is not None and self.grid[0] * self.grid[1] != len(self.source):
            product = f"{self.grid[0]} x {self.grid[1]} = {self.grid[0] * self.grid[1]} regions"
            raise RecordError(f"grid {self.grid} has {product}; expected {len(self.source)}, one for each source column.")

    def _check_rows(self) -> None:
        bad = np.argwhere(~(self.weights >= 0))
        if len(bad):
            row, column = map(int, bad[0])
            raise RecordError(
                f"weights[{row}, {column}] is {self.weights[row, column]:.3g}; expected 0 or more. Are these scores before the softmax?"
            )
        off = np.abs(self.weights.astype(np.float64).sum(1) - 1)
        limit = SUM_TOLERANCE.get(self.weights.dtype, 1e-9)
        wrong = np.flatnonzero(~(off <= limit))
        if len(wrong):
            row = int(wrong[0])
            total = self.weights[row].astype(np.float64).sum()
            raise RecordError(f"weights[{row}] sums to {total:.6g}; expected 1 within {limit:.0e}. Are these scores before the softmax?")


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlow(Displayed):
    """Size of the gradient of one loss at every step.

    Norms as powers of ten, because they leave the range of every float: -inf where nothing flows, never nan.

    Args:
        tokens: What was read, [time].
        hidden_log10: Norm of dL/dh_t, the cell state c_t held where there is one, [time, layer].
        cell_log10: Norm of dL/dc_t with h_t following c_t, [time, layer]; None where there is no cell (RNN, GRU).
        state_log10: Norm of the gradient to what the next step is given, [time, layer]: h_t for RNN and GRU; for an LSTM
            h_t and c_t as separate inputs. This one alone is compared across kinds.
        loss_at: The step at which the loss enters; None where it enters at several, and distances have no meaning.
        source: Path of the module inside the model, as in a Trace; "rnn[reverse]" passes gradients to later positions.
        note: What a reader should know about the computation; usually empty.

    Raises:
        RecordError: shapes do not fit together, or a norm is nan or infinite.
    """

    tokens: tuple[str, ...]
    hidden_log10: np.ndarray
    cell_log10: np.ndarray | None
    state_log10: np.ndarray
    loss_at: int | None = None
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        time = len(self.tokens)
        for name in ("hidden_log10", "cell_log10", "state_log10"):
            if getattr(self, name) is not None:
                self._check(name, np.asarray(getattr(self, name), np.float64))
        if self.loss_at is not None and not 0 <= self.loss_at < time:
            raise RecordError(f"loss_at is {self.loss_at}; expected 0 to {time - 1}, the step at which the loss enters, or None.")

    def __str__(self) -> str:
        loss = "a loss at several steps" if self.loss_at is None else f"a loss at step {self.loss_at}"
        states = "hidden_log10, state_log10" if self.cell_log10 is None else "hidden_log10, cell_log10, state_log10"
        through = f" through '{self.source}'" if self.source else ""
        return (
            f"Gradient of {loss}{through} over {_plural(len(self.tokens), 'token')}, {_quoted(self.tokens)}\n"
            f"{states} {list(self.hidden_log10.shape)} = [time, layer], norms as powers of ten\n"
            "Next: explorer.show(flow) draws it, flow.state_log10 holds the numbers."
        )

    def _check(self, name: str, values: np.ndarray) -> None:
        time = len(self.tokens)
        if values.ndim != 2 or len(values) != time:
            raise _shape_error(name, values.shape, f"({time}, layers) = [time, layer]", _count(time, "token"))
        if values.shape != self.hidden_log10.shape:
            raise _shape_error(name, values.shape, f"{self.hidden_log10.shape} = [time, layer]", "hidden_log10 has that shape")
        bad = np.argwhere(np.isnan(values) | (values == np.inf))
        if len(bad):
            step, layer = map(int, bad[0])
            raise RecordError(
                f"{name}[{step}, {layer}] is {values[step, layer]}; expected a number, or -inf where nothing flows. "
                "Are the weights or the inputs infinite or nan?"
            )
        object.__setattr__(self, name, values)
