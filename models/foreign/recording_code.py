"""Python that loads the recurrent layers of a safetensors file and records them, for those who go on in code."""

import io
from pathlib import Path

from explorer.errors import CheckpointError
from models.checkpoint import shapes_of
from models.foreign.stacks import BIAS_HH, Stack, recurrent_stacks

# Python that records such layers. To fill in: name of the file, torch's call, what stands before the names, and the width of the input.
CODE = """import torch
import explorer
from safetensors.torch import load_file

weights, before = load_file({file!r}), {before!r}
module = torch.nn.{call}
module.load_state_dict({{name.removeprefix(before): w.float() for name, w in weights.items() if name.startswith(before)}})

x = torch.randn(7, {inputs})  # one row per step: put in your own text, embedded as in your network
with explorer.record(module) as recording:
    module(x)
trace = recording.trace(tuple("example"), path=recording.paths[0])
print(trace.hidden.shape, *trace.gates)  # time, layer, unit; then the names of the gates
"""


def recording_code(content: bytes, file: str) -> list[tuple[str, str]]:
    """The layers in the bytes of a safetensors file that torch could have saved, in words, and code that records them.

    Only names and shapes are read; empty for another file.

    Args:
        content: The bytes.
        file: Name of the file in the code.
    """
    try:
        shapes = {name: tuple(shape) for name, shape in shapes_of(io.BytesIO(content), Path(file)).items()}
    except CheckpointError:
        return []
    stacks = [stack for stack in recurrent_stacks(shapes)[0] if _is_of_torch(stack, shapes)]
    return [(_code(stack, file), f"{stack.path}: {stack.in_words}" if stack.path else stack.in_words) for stack in stacks]


def _before(stack: Stack) -> str:
    """What stands before the names of the weights: "rnn." in "rnn.weight_hh_l0"."""
    return f"{stack.path}." if stack.path else ""


def _is_of_torch(stack: Stack, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether the tensors under a path are exactly those of a layer of torch, so that it can load them."""
    own = {name.removeprefix(_before(stack)) for name in shapes if name.startswith(_before(stack))}
    recurrent = sum(role.startswith("weight_hh") for role in stack.names)
    biases = sum(role.startswith("bias") for role in stack.names)
    return own == set(stack.names) and biases in (0, 2 * recurrent) and not stack.is_turned


def _code(stack: Stack, file: str) -> str:
    extra = {"num_layers": (stack.layers, 1), "bias": (f"{BIAS_HH}_l0" in stack.names, True)}
    extra |= {"bidirectional": (stack.directions == 2, False), "proj_size": (stack.projection, 0)}
    given = [f"{name}={value}" for name, (value, usual) in extra.items() if value != usual]
    call = f"{stack.kind.upper()}({', '.join([str(stack.inputs), str(stack.units), *given])})"
    return CODE.format(file=file, call=call, before=_before(stack), inputs=stack.inputs)
