"""Points of the autograd graph at which gradients are taken: every result of a recurrent call gets a node of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.utils.rnn import PackedSequence


@dataclass(frozen=True, eq=False)
class Edges:
    """Places in the graph of one call: its output and its last states. None where torch kept no graph.

    A cell returns only its state: its `output` is None.
    """

    output: GradientEdge | None
    after: tuple[GradientEdge | None, ...]


def anchored(result, is_cell: bool) -> tuple:
    """The result of a recurrent call as the caller shall see it, and its Edges.

    Each tensor is handed on as a copy, so that its node holds what happens to it outside the call and nothing else: an
    LSTMCell's hidden state is computed from its own returned cell state, and some kernels show that to autograd while
    others do not. What depends on no parameter in training becomes a leaf, so frozen networks have gradients too.
    """
    if is_cell:
        values, edges = _all(result if isinstance(result, tuple) else (result,))
        return (values if isinstance(result, tuple) else values[0]), Edges(None, edges)
    output, state = result
    packed = isinstance(output, PackedSequence)
    data, edge = anchor(output.data if packed else output)
    values, edges = _all(state if isinstance(state, tuple) else (state,))
    shown = PackedSequence(data, *output[1:]) if packed else data
    return (shown, values if isinstance(state, tuple) else values[0]), Edges(edge, edges)


def _all(values: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[GradientEdge | None, ...]]:
    pairs = [anchor(value) for value in values]
    return tuple(value for value, _ in pairs), tuple(edge for _, edge in pairs)


def anchor(value: Tensor) -> tuple[Tensor, GradientEdge | None]:
    """A tensor [...] as the caller shall see it, with a node of its own, and that node; None where torch keeps no graph."""
    if not torch.is_grad_enabled():
        return value, None
    fresh = (value if value.requires_grad else value.detach().requires_grad_()).clone()
    return fresh, get_gradient_edge(fresh)


_lock = threading.Lock()
_cudnn = {"blocks": 0, "before": True}


@contextmanager
def without_cudnn() -> Iterator[None]:
    """Keep cuDNN off while the block runs: in eval mode it refuses to go backward. Blocks of several threads may overlap."""
    with _lock:
        if _cudnn["blocks"] == 0:
            _cudnn["before"] = torch.backends.cudnn.enabled
            torch.backends.cudnn.enabled = False
        _cudnn["blocks"] += 1
    try:
        yield
    finally:
        with _lock:
            _cudnn["blocks"] -= 1
            if _cudnn["blocks"] == 0:
                torch.backends.cudnn.enabled = _cudnn["before"]
