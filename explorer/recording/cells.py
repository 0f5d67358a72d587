"""The step equations of RNN, LSTM and GRU for a whole block of steps at once, every gate included.

Once the hidden states are known no gate waits for the one before it: all gates of a block are one matrix product.
Only the cell state of an LSTM has to be carried from step to step.

Single letters are the equation: W takes the input x, U the state h before the step, b and d are their biases,
P projects an LSTM's state (torch's weight_hr).

The derivatives stand here too, for the way back (`slopes`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explorer.axes import Float
from explorer.errors import RecordingError
from explorer.recording.layouts import CellLayout

# Gates by kind, in the order of the rows of torch's weights.
GATES = {
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
    "tanh": ("candidate",),
    "relu": ("candidate",),  # max(0, .) is not a gate: records leave it out
}

STATES = ("hidden", "cell")
GATE_NAMES = tuple(dict.fromkeys(name for kind in GATES.values() for name in kind))

# How far a replay may be from the module's own output, for each unit of the largest value.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}

Gates = Mapping[str, Float[Tensor, "block unit"]]


def kind(module: nn.Module) -> str:
    """Which equation a recurrent module computes: "lstm", "gru", "tanh" or "relu".

    Raises:
        RecordingError: it is not one of torch's own.
    """
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase):
        raise RecordingError("This needs the equations of nn.RNN, nn.LSTM, nn.GRU or one of their cells; this path is of another class.")
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return "lstm"
    return "gru" if isinstance(module, nn.GRU | nn.GRUCell) else str(module.nonlinearity)


def is_cell(module: nn.Module) -> bool:
    """Whether the module takes one step a call."""
    return isinstance(module, nn.RNNCellBase | CellLayout)


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of one layer in one direction: W [row, feature], U [row, state], b and d [row], P [state, unit] or None."""

    W: Tensor
    U: Tensor
    b: Tensor
    d: Tensor
    P: Tensor | None = None

    @property
    def units(self) -> int:
        """Values a gate has: more than the hidden state has where it is projected."""
        return self.U.shape[1] if self.P is None else self.P.shape[1]


def weights(tensors: Mapping[str, Tensor], layer: int, reverse: bool, dtype: torch.dtype, ran_in: torch.dtype | None = None) -> Weights:
    """The weights of one layer and direction, on the CPU, in the precision of the replay.

    tensors: those that a call used, by torch's names, each [row, column] or [row].
    ran_in: the precision they were rounded to when the module ran, which autocast makes coarser than their own.
    """
    suffix = "" if "weight_ih" in tensors else f"_l{layer}{'_reverse' if reverse else ''}"

    def get(name: str) -> Tensor | None:
        weight = tensors.get(name + suffix)
        return None if weight is None else weight.detach().to("cpu", ran_in or dtype).to(dtype)

    W, U = get("weight_ih"), get("weight_hh")
    assert W is not None and U is not None
    none = torch.zeros(len(W), dtype=dtype)
    b, d = get("bias_ih"), get("bias_hh")
    return Weights(W, U, none if b is None else b, none if d is None else d, get("weight_hr"))


def fill_gates(kind: str, w: Weights, x: Float[Tensor, "block feature"], h: Float[Tensor, "block state"], gates: Gates) -> None:
    """Write the gates of a block of steps into `gates`, each [block, unit]; x is the input, h the state before each step.

    lstm: i, f, o = sigmoid(W x + b + U h + d), g = tanh(...).  gru: r, z = sigmoid(...), n = tanh(W x + b + r (U h + d)).
    tanh, relu: the candidate, tanh(...) or max(0, ...), is the new hidden state.
    """
    if kind == "gru":
        r, z, n = torch.addmm(w.b, x, w.W.T).chunk(3, 1)
        hr, hz, hn = torch.addmm(w.d, h, w.U.T).chunk(3, 1)
        torch.sigmoid(r.add_(hr), out=gates["reset"])
        torch.sigmoid(z.add_(hz), out=gates["update"])
        torch.tanh(n.addcmul_(gates["reset"], hn), out=gates["candidate"])
        return
    rows = torch.addmm(w.b + w.d, x, w.W.T).addmm_(h, w.U.T)
    for name, row in zip(GATES[kind], rows.chunk(len(GATES[kind]), 1), strict=True):
        if kind == "relu":
            gates[name].copy_(row.relu_())
        else:
            (torch.tanh if name == "candidate" else torch.sigmoid)(row, out=gates[name])


def carry_cell(
    written: Float[np.ndarray, "block unit"],
    forget: Float[np.ndarray, "block unit"],
    cell: Float[np.ndarray, "block unit"],
    steps: Iterable[int],
    before: np.ndarray,
    restarts: Mapping[int, np.ndarray],
) -> np.ndarray:
    """Write c_t = f_t c_{t-1} + written_t into `cell`, all [block, unit], in the order of `steps`; returns the last.

    A module called in pieces starts each from the state it was given: `restarts` holds it, [unit], by step.
    """
    # numpy: a row of an array costs a tenth of a row of a tensor here, and there are thousands.
    for step in steps:
        row = cell[step]
        np.multiply(forget[step], restarts.get(step, before), out=row)
        row += written[step]
        before = row
    return before


def new_hidden(
    kind: str, w: Weights, gates: Gates, cell: Float[Tensor, "block unit"] | None, h: Float[Tensor, "block state"]
) -> Float[Tensor, "block state"]:
    """Hidden state after each step of a block, [block, state], from its gates, its cell and the state h before it.

    lstm: o tanh(c), projected where there is a P.  gru: (1 - z) n + z h.  tanh, relu: the candidate.
    """
    if kind == "lstm":
        assert cell is not None
        shown = torch.tanh(cell).mul_(gates["output"])
        return shown if w.P is None else shown @ w.P.T
    if kind == "gru":
        return torch.lerp(gates["candidate"], h, gates["update"])
    return gates["candidate"]


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives of a block of steps: what each step multiplies a gradient with on its way back.

    s is the gradient to what carries the state: the cell of an LSTM, else the hidden state.

    rows: from s to the sums inside the gates, as U passes them on, [block, gate, unit]; an LSTM's output gate is not among them.
    own: the same as W passes them on, where it differs (GRU), else None.
    keep: from s to s one step before, past all gates, [block, unit]; None for a plain RNN.
    shown, leak: LSTM, from its (unprojected) output to the sum inside the output gate and to the cell, [block, unit].
    """

    rows: Tensor
    own: Tensor | None = None
    keep: Tensor | None = None
    shown: Tensor | None = None
    leak: Tensor | None = None


def slopes(kind: str, w: Weights, x: Tensor, h: Tensor, cell: tuple[Tensor, Tensor] | None) -> Slopes:
    """Derivatives of a block of steps; x is the input [block, feature], h the state before each step [block, state].

    cell: an LSTM's cell before and after each step, each [block, unit].

    A slope is computed from the sum inside, not from the activation: of a gate at 0.9999999 little is left in float32.
    """
    if kind == "lstm":
        assert cell is not None
        return _lstm_slopes(torch.addmm(w.b + w.d, x, w.W.T).addmm_(h, w.U.T), *cell)
    if kind == "gru":
        return _gru_slopes(torch.addmm(w.b, x, w.W.T), torch.addmm(w.d, h, w.U.T), h)
    rows = torch.addmm(w.b + w.d, x, w.W.T).addmm_(h, w.U.T)
    return Slopes((_tanh_slope(rows) if kind == "tanh" else (rows > 0).to(rows.dtype)).unsqueeze(1))


def _lstm_slopes(rows: Tensor, before: Tensor, after: Tensor) -> Slopes:
    i, f, g, o = rows.chunk(4, 1)
    write, forget, show, seen = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o), torch.tanh(after)
    return Slopes(
        rows=torch.stack([g.tanh() * write * torch.sigmoid(-i), before * forget * torch.sigmoid(-f), write * _tanh_slope(g)], 1),
        keep=forget,
        shown=seen * show * torch.sigmoid(-o),
        leak=show * _tanh_slope(after),
    )


def _gru_slopes(own: Tensor, back: Tensor, h: Tensor) -> Slopes:
    (ar, az, an), (hr, hz, hn) = own.chunk(3, 1), back.chunk(3, 1)
    ar, az = ar + hr, az + hz
    reset, keep = torch.sigmoid(ar), torch.sigmoid(az)
    an = an + reset * hn
    candidate = torch.sigmoid(-az) * _tanh_slope(an)
    first = [candidate * hn * reset * torch.sigmoid(-ar), (h - an.tanh()) * keep * torch.sigmoid(-az)]
    return Slopes(rows=torch.stack([*first, candidate * reset], 1), own=torch.stack([*first, candidate], 1), keep=keep)


def _tanh_slope(a: Tensor) -> Tensor:
    """1 - tanh(a)^2, exact in its last digits where tanh is near 1 too."""
    return torch.sigmoid(2 * a).mul_(torch.sigmoid(-2 * a)).mul_(4)
