"""The equations of torch's recurrent modules written out step by step, with units silent and gates held by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass
class Edits:
    """What is done to one layer and direction: units that are 0, and gates {name: (units, value)}."""

    layer: int = -1
    reverse: bool = False
    silent: list[int] = field(default_factory=list)
    held: dict[str, tuple[list[int], float]] = field(default_factory=dict)
    change: Callable[[str, Tensor, int], Tensor] = lambda part, values, t: values  # of a part [batch, unit] at step t; -1: first states

    def gate(self, name: str, values: Tensor) -> Tensor:
        """A gate [batch, unit], some of it held."""
        units, value = self.held.get(name, ([], 0.0))
        return put(values, units, value)


def put(values: Tensor, units: list[int], value: float) -> Tensor:
    """values [batch, unit] with a number in some columns; the others keep their gradient."""
    return torch.stack([torch.full_like(c, value) if u in units else c for u, c in enumerate(values.unbind(-1))], -1)


def step(module, weights: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], edits: Edits, t: int = 0) -> tuple[Tensor, ...]:
    """One step of one layer: input [batch, feature], hidden (and cell) state [batch, unit]."""
    W, U = weights["weight_ih"], weights["weight_hh"]
    b, d = weights.get("bias_ih", W.new_zeros(len(W))), weights.get("bias_hh", W.new_zeros(len(W)))
    h, projection = state[0], weights.get("weight_hr")
    h = h if projection is not None else put(h, edits.silent, 0.0)
    own, back = x @ W.T + b, h @ U.T + d
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        i, f, g, o = (own + back).chunk(4, -1)
        i, f, o = (edits.change(name, edits.gate(name, torch.sigmoid(a)), t) for name, a in (("input", i), ("forget", f), ("output", o)))
        g = edits.change("candidate", torch.tanh(g), t)
        c = edits.change("cell", put(f * put(state[1], edits.silent, 0.0) + i * g, edits.silent, 0.0), t)
        h = o * torch.tanh(c)
        return edits.change("hidden", h if projection is None else h @ projection.T, t), c
    if isinstance(module, nn.GRU | nn.GRUCell):
        (r, z, n), (hr, hz, hn) = own.chunk(3, -1), back.chunk(3, -1)
        r, z = edits.gate("reset", torch.sigmoid(r + hr)), edits.gate("update", torch.sigmoid(z + hz))
        r, z = edits.change("reset", r, t), edits.change("update", z, t)
        n = edits.change("candidate", torch.tanh(n + r * hn), t)
        return (edits.change("hidden", put((1 - z) * n + z * h, edits.silent, 0.0), t),)
    act = torch.tanh if module.nonlinearity == "tanh" else torch.relu
    return (edits.change("hidden", put(act(own + back), edits.silent, 0.0), t),)


def weights_of(module, suffix: str) -> dict[str, Tensor]:
    """The weights of one layer and direction by torch's names."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return {name: value for name in names if (value := getattr(module, name + suffix, None)) is not None}


def unrolled(module, x: Tensor, state: tuple[Tensor, ...], edits: Edits) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Output and last states of a module or a cell: x [time, batch, feature], state [layer * direction, batch, unit] each."""
    is_cell = isinstance(module, nn.RNNCellBase)
    ways = 2 if not is_cell and module.bidirectional else 1
    last = []
    for layer in range(1 if is_cell else module.num_layers):
        outputs = []
        for way in range(ways):
            weights = weights_of(module, "" if is_cell else f"_l{layer}" + "_reverse" * way)
            mine = edits if (edits.layer, edits.reverse) == (layer, bool(way)) else Edits()
            now, out = tuple(part[layer * ways + way] for part in state), {}
            now = tuple(mine.change(name, part, -1) for name, part in zip(("hidden", "cell"), now, strict=False))
            for t in range(len(x))[:: -1 if way else 1]:
                now = step(module, weights, x[t], now, mine, t)
                out[t] = now[0]
            outputs.append(torch.stack([out[t] for t in range(len(x))]))
            last.append(now)
        x = torch.cat(outputs, -1)
    return x, tuple(torch.stack(parts) for parts in zip(*last, strict=True))
