"""Weights without a card: the recurrent layers that a file holds, by the names and shapes that torch gives them."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError
from models.checkpoint import shapes_of

KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}  # blocks of recurrent weights per unit
RECURRENT = re.compile(r"(.*)weight_hh_l(\d{1,3})(_reverse)?")
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


@dataclass(frozen=True)
class Layers:
    """Recurrent layers of torch, as their weights describe them.

    Args:
        before: What stands before the names of their weights, "rnn." in "rnn.weight_hh_l0".
        kind: "RNN", "GRU" or "LSTM".
        layers, units, inputs: Number of layers, of units in each, and of numbers that are read per step.
        is_bidirectional: Whether each layer also reads from the end.
        has_bias: Whether they have biases.
    """

    before: str
    kind: str
    layers: int
    units: int
    inputs: int
    is_bidirectional: bool
    has_bias: bool

    @property
    def in_words(self) -> str:
        """What they are, as a part of a sentence."""
        both = "a bidirectional" if self.is_bidirectional else "an" if self.kind in ("LSTM", "RNN") else "a"
        many = f"{self.layers} layers" if self.layers > 1 else "1 layer"
        return f"{both} {self.kind} with {many} of {self.units} units that reads {self.inputs} numbers per step"

    def code(self, file: str) -> str:
        """Python that builds them, loads their weights from a file and records a run."""
        extra = {"num_layers": (self.layers, 1), "bias": (self.has_bias, True), "bidirectional": (self.is_bidirectional, False)}
        given = [f"{name}={value}" for name, (value, usual) in extra.items() if value != usual]
        call = f"{self.kind}({', '.join([str(self.inputs), str(self.units), *given])})"
        return CODE.format(file=file, call=call, before=self.before, inputs=self.inputs)


def recurrent_layers(content: bytes) -> list[Layers]:
    """The recurrent layers in the bytes of a safetensors file; empty if it is none, or holds none that torch could have saved.

    Only names and shapes are read.
    """
    try:
        shapes = shapes_of(io.BytesIO(content), Path("weights.safetensors"))
    except CheckpointError:
        return []
    names = [match for name in shapes if (match := RECURRENT.fullmatch(name))]
    described = [_layers(before, shapes) for before in dict.fromkeys(match[1] for match in names)]
    return [layers for layers in described if layers is not None]


def _layers(before: str, shapes: dict[str, list[int]]) -> Layers | None:
    """The layers whose weights have names with this beginning; None if their shapes fit no layer of torch."""
    own = {name.removeprefix(before): shape for name, shape in shapes.items() if name.startswith(before)}
    count = sum(re.fullmatch(r"weight_hh_l\d+", name) is not None for name in own)
    first, reads = own.get("weight_hh_l0", []), own.get("weight_ih_l0", [])
    if len(first) != 2 or len(reads) != 2 or not first[1] or first[0] % first[1]:
        return None
    kind, both, bias = KINDS.get(first[0] // first[1]), "weight_hh_l0_reverse" in own, "bias_hh_l0" in own
    expected = count * (4 if bias else 2) * (2 if both else 1)
    if kind is None or reads[0] != first[0] or len(own) != expected:
        return None
    return Layers(before, kind, count, first[1], reads[1], both, bias)
