"""Circumstances of a call that a recording has to know: transforms of torch.func, activation checkpointing, recomputation."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

TRANSFORMED = (
    "'{path}' ran inside torch.vmap, torch.func.grad or another transform of torch.func, where its values do not exist by themselves. "
    "Record it in a plain call."
)
CHECKPOINTED = (
    "{what} ran inside torch.utils.checkpoint with use_reentrant=True, which runs the code without a graph first and once more in "
    "backward(). Pass use_reentrant=False, or record it without checkpointing."
)
NO_GRAPH = "{what} ran without a graph, under torch.no_grad() or torch.inference_mode(). Call the module outside them."


def is_recomputing() -> bool:
    """Whether autograd is on its way back: what runs now was run before, and is computed again by activation checkpointing."""
    return torch._C._current_graph_task_id() != -1


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Keep buffers and computed weights of a module as they are, while autograd may run parts of it again (checkpointing)."""
    buffers = [(buffer, buffer.clone(), _writes(buffer)) for buffer in module.buffers()]
    attributes = [(part, {name: value for name, value in vars(part).items() if isinstance(value, Tensor)}) for part in module.modules()]
    flat = [(part, list(part._flat_weights)) for part in module.modules() if isinstance(part, nn.RNNBase)]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before, writes in buffers:
                # torch does not compare sparse tensors.
                if not torch.equal(buffer, before) if buffer.layout == torch.strided else _writes(buffer) != writes:
                    buffer.copy_(before)
        for part, values in attributes:
            vars(part).update(values)
        for part, weights in flat:
            part._flat_weights = weights


def _writes(value: Tensor) -> int | None:
    """How often a tensor was written to; None where torch does not count (inference tensors)."""
    return None if value.is_inference() else value._version


def is_transformed(*values: object) -> bool:
    """Whether tensors, or tuples, lists and dicts of them, belong to a transform of torch.func and cannot be kept beyond it.

    Nothing else is looked into: an iterator that the module was given would lose what is taken from it.
    """
    for value in values:
        if isinstance(value, PackedSequence):
            value = value.data
        if isinstance(value, Tensor):
            if torch._C._functorch.is_functorch_wrapped_tensor(value):  # type: ignore[attr-defined]
                return True
        elif isinstance(value, tuple | list | dict) and is_transformed(*(value.values() if isinstance(value, dict) else value)):
            return True
    return False


def is_checkpointed() -> bool:
    """Whether the code that runs was called by the forward pass of a checkpoint with use_reentrant=True."""
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == "forward" and code.co_filename == torch.utils.checkpoint.__file__:
            return True
        frame = frame.f_back
    return False
