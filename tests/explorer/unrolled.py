"""The equations of torch's recurrent modules written out step by step, with units silent and gates held by hand."""

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

    def gate(self, name: str, values: Tensor) -> Tensor:
        """A gate [batch, unit], some of it held."""
        units, value = self.held.get(name, ([], 0.0))
        return put(values, units, value)


def put(values: Tensor, units: list[int], value: float) -> Tensor:
    """values [batch, unit] with a number in some columns; the others keep their gradient."""
    return torch.stack([torch.full_like(c, value) if u in units else c for u, c in enumerate(values.unbind(-1))], -1)


def step(module, weights: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], edits: Edits) -> tuple[Tensor, ...]:
    """One step of one layer: input [batch, feature], hidden (and cell) state [batch, unit]."""
    W, U = weights["weight_ih"], weights["weight_hh"]
    b, d = weights.get("bias_ih", W.new_zeros(len(W))), weights.get("bias_hh", W.new_zeros(len(W)))
    h, projection = state[0], weights.get("weight_hr")
    h = h if projection is not None else put(h, edits.silent, 0.0)
    own, back = x @ W.T + b, h @ U.T + d
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        i, f, g, o = (own + back).chunk(4, -1)
        i, f, o = (edits.gate(name, torch.sigmoid(a)) for name, a in (("input", i), ("forget", f), ("output", o)))
        c = put(f * put(state[1], edits.silent, 0.0) + i * torch.tanh(g), edits.silent, 0.0)
        h = o * torch.tanh(c)
        return (h if projection is None else h @ projection.T), c
    if isinstance(module, nn.GRU | nn.GRUCell):
        (r, z, n), (hr, hz, hn) = own.chunk(3, -1), back.chunk(3, -1)
        r, z = edits.gate("reset", torch.sigmoid(r + hr)), edits.gate("update", torch.sigmoid(z + hz))
        return (put((1 - z) * torch.tanh(n + r * hn) + z * h, edits.silent, 0.0),)
    act = torch.tanh if module.nonlinearity == "tanh" else torch.relu
    return (put(act(own + back), edits.silent, 0.0),)


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
            for t in range(len(x))[:: -1 if way else 1]:
                now = step(module, weights, x[t], now, mine)
                out[t] = now[0]
            outputs.append(torch.stack([out[t] for t in range(len(x))]))
            last.append(now)
        x = torch.cat(outputs, -1)
    return x, tuple(torch.stack(parts) for parts in zip(*last, strict=True))
