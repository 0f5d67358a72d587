"""Recurrent layers that torch does not have, step by step: a GRU that resets before the matrix product, and other functions.

The weights have torch's names, shapes and order of gates. Single letters are the equation: W takes the input x, U the state h.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.tap import Tap
from models.foreign.described import GATES

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda a: (0.2 * a + 0.5).clamp(0, 1),  # of Keras before version 3, and of Theano
    "hard_sigmoid_6": functional.hardsigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "linear": lambda a: a,
    "softsign": functional.softsign,
    "elu": functional.elu,
    "selu": torch.selu,
    "softplus": functional.softplus,
    "silu": functional.silu,
    "gelu": functional.gelu,
}
BOUNDED = (*GATES, "tanh", "softsign")  # -1..1, as a candidate is recorded
NAMED = {"lstm": ("input", "forget", "candidate", "output"), "gru": ("reset", "update", "candidate"), "rnn": ("candidate",)}


class Inside(NamedTuple):
    """What is summed inside one gate at one step, each [unit], the gate itself, [unit], and the name of its function."""

    name: str
    from_input: Tensor
    from_state: Tensor
    bias: Tensor
    value: Tensor
    function: str


class _Returned(threading.local):
    """The states that modules returned last, by their id, for each thread: two visitors may read with one module at the same time."""

    def __init__(self) -> None:
        self.by: dict[int, tuple[Tensor, ...]] = {}

    def __reduce__(self) -> tuple:
        return _Returned, ()


class Stepwise(nn.Module):
    """One recurrent layer that reads [batch, time, input], as torch's with `batch_first=True`, and whose gates pass Taps.

    Args:
        cell: "lstm", "gru" or "rnn".
        inputs, units: Numbers that it reads per step, and its units.
        variant: How it differs from torch's: `reset_after` (of a GRU; False: the reset gate acts on the state before the
            product, as in Cho et al., 2014), `gates` (function of its gates), `state` (function of its candidate and, in an LSTM,
            of its output).
        bias: Whether it has biases.
    """

    num_layers = 1
    proj_size = 0
    batch_first = True
    bidirectional = False
    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, cell: str, inputs: int, units: int, variant: Mapping[str, Any], bias: bool = True):
        super().__init__()
        gates, state = variant.get("gates", "sigmoid"), variant.get("state", "tanh")
        if cell not in NAMED or gates not in GATES or state not in FUNCTIONS:
            raise ValueError(f"the cell is {cell!r}, its functions {gates!r} and {state!r}.")
        self.cell, self.input_size, self.hidden_size, self.bias = cell, inputs, units, bias
        self.resets_before = variant.get("reset_after") is False
        self.gate_name, self.state_name = gates, state
        self.gate_function, self.state_function = FUNCTIONS[gates], FUNCTIONS[state]
        rows = len(NAMED[cell]) * units
        shapes = {"weight_ih_l0": (rows, inputs), "weight_hh_l0": (rows, units), "bias_ih_l0": (rows,), "bias_hh_l0": (rows,)}
        shapes = shapes if bias else {name: shape for name, shape in shapes.items() if name.startswith("weight")}
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-(units**-0.5), units**-0.5)))
        names = [name for name in NAMED[cell] if name != "candidate" or state in BOUNDED]
        for name in (*names, "hidden", *(["cell"] if cell == "lstm" else [])):
            self.add_module(f"tap_{name}", Tap(name))
        self._returned = _Returned()

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Outputs [batch, time, unit] and the final state, as nn.LSTM and nn.GRU return them, from inputs [batch, time, input].

        An initial state that is not the end of the call before passes the Taps too: it is the first value of a recording.
        """
        given = state if isinstance(state, tuple) else () if state is None else (state,)
        count = 2 if self.cell == "lstm" else 1
        parts = tuple(part[0] for part in given) or tuple(x.new_zeros(len(x), self.hidden_size) for _ in range(count))
        if given and not all(any(one is last for last in self._returned.by.get(id(self), ())) for one in given):
            parts = tuple(self._seen(name, part) for name, part in zip(("hidden", "cell"), parts, strict=False))
        own = functional.linear(x, self.weight_ih_l0, self.bias_ih_l0 if self.bias else None)
        hidden = []
        for step in own.unbind(1):
            parts = self._step(step, parts)
            hidden.append(parts[0])
        self._returned.by[id(self)] = last = tuple(part[None] for part in parts)
        output = torch.stack(hidden, 1) if hidden else x.new_zeros(len(x), 0, self.hidden_size)
        return output, last if self.cell == "lstm" else last[0]

    def inside(self, x: Tensor, h: Tensor) -> list[Inside]:
        """The sums inside every gate at one step, in float64, from its input x [input] and the state h [unit] before it."""
        with torch.no_grad():
            names, zeros = NAMED[self.cell], torch.zeros(len(self.weight_hh_l0), dtype=torch.float64)
            W, U = self.weight_ih_l0.double(), self.weight_hh_l0.double()
            b, d = (self.bias_ih_l0.double(), self.bias_hh_l0.double()) if self.bias else (zeros, zeros)
            rows = zip(names, *(part.chunk(len(names)) for part in (W @ x.double(), U @ h.double(), b, d, U)), strict=True)
            gates: list[Inside] = []
            for name, own, back, first, second, weights in rows:
                bias = first + second
                if self.cell == "gru" and name == "candidate":
                    r = gates[0].value
                    back, bias = (weights @ (r * h.double()), bias) if self.resets_before else (r * (back + second), first)
                function = self.state_name if name == "candidate" else self.gate_name
                gates.append(Inside(name, own, back, bias, FUNCTIONS[function](own + back + bias), function))
            return gates

    def _seen(self, name: str, value: Tensor) -> Tensor:
        """A value [batch, unit] on its way through its Tap, if it has one."""
        tap = getattr(self, f"tap_{name}", None)
        return value if tap is None else tap(value)

    def _step(self, a: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The state after one step, from W x + b [batch, gate * unit] and the state before, each [batch, unit]."""
        h, U, d = parts[0], self.weight_hh_l0, self.bias_hh_l0 if self.bias else None
        if self.cell == "gru":
            return (self._seen("hidden", self._gru(a, h)),)
        a = a + functional.linear(h, U, d)
        if self.cell == "rnn":
            return (self._seen("hidden", self._seen("candidate", self.state_function(a))),)
        i, f, g, o = a.chunk(4, -1)
        i, f, o = (self._seen(name, self.gate_function(value)) for name, value in (("input", i), ("forget", f), ("output", o)))
        c = self._seen("cell", f * parts[1] + i * self._seen("candidate", self.state_function(g)))
        return self._seen("hidden", o * self.state_function(c)), c

    def _gru(self, a: Tensor, h: Tensor) -> Tensor:
        """h = (1 - z) n + z h, with n = f(a + U (r h) + d) where it resets before the product, else n = f(a + r (U h + d))."""
        rows, U, d = 2 * self.hidden_size, self.weight_hh_l0, self.bias_hh_l0 if self.bias else None
        r, z = (a[:, :rows] + functional.linear(h, U[:rows], None if d is None else d[:rows])).chunk(2, -1)
        r, z = self._seen("reset", self.gate_function(r)), self._seen("update", self.gate_function(z))
        last = None if d is None else d[rows:]
        back = functional.linear(r * h, U[rows:], last) if self.resets_before else r * functional.linear(h, U[rows:], last)
        n = self._seen("candidate", self.state_function(a[:, rows:] + back))
        return (1 - z) * n + z * h
