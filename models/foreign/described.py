"""What a file says of its network beside its weights: the order of its layers, and cells that are not torch's. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

from models.foreign.layout import Choice, Layout, Linear
from models.foreign.stacks import Stack, recurrent_stacks

Variant = Mapping[str, Any]  # of a cell: "reset_after", "gates", "state", see models.foreign.stepwise
# Functions of gates and of states that models.foreign.stepwise computes.
GATES = ("sigmoid", "hard_sigmoid", "hard_sigmoid_6")
STATES = ("tanh", "relu", "sigmoid", "linear", "softsign", "elu", "selu", "softplus", "silu", "gelu")


@dataclass
class Described:
    """The network as its file describes it; JSON can hold it.

    Args:
        recurrent: Names of the recurrent layers, in the order of the network where it is known.
        variants: By name of a recurrent layer, how its cell differs from torch's: "reset_after", "gates", "state".
        embedding: Name of the embedding in the chain; None: one-hot vectors.
        chain: Names of the recurrent layers that follow one another; none if the file does not say how.
        outputs: Names of the linear layers after them.
        activation: Function between the linear layers, "none", "relu" or "tanh".
        reason: A sentence on why it is not run here; empty if it can be.
        notes: Sentences on what differs from torch, or matters in training alone.
        is_whole: Whether the file holds the model; if not, it holds weights alone, and functions are assumed.
    """

    recurrent: list[str] = field(default_factory=list)
    variants: dict[str, Variant] = field(default_factory=dict)
    embedding: str | None = None
    chain: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    activation: str = "none"
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    is_whole: bool = False

    @classmethod
    def of_answer(cls, said: Mapping[str, Any]) -> "Described":
        """The description in the answer of a reader."""
        return cls(**{one.name: said[one.name] for one in fields(cls)})

    def laid_out(self, layout: Layout) -> tuple[Layout, Choice | None, str]:
        """The layout with its layers in their order, the network, and a sentence if shapes do not fit one another."""
        stacks, odd, missing = [], [], ""
        for name in self.recurrent:
            own = {tensor: shape for tensor, shape in layout.shapes.items() if tensor.rpartition(".")[0] == name}
            one, strange = recurrent_stacks(own)
            stacks += [replace(stack, path=name) for stack in one]
            odd += strange
            missing = missing or ("" if one else f"The weights of {name} do not have the shapes of its class.")
        joined = self._joined(stacks)
        used = {tensor for stack in joined for tensor in stack.names.values()}
        laid = replace(layout, stacks=tuple(joined), odd=tuple(odd), _free=frozenset(layout.shapes) - used)
        chain = tuple(stack for stack in joined if stack.path in self.chain)
        if not chain:
            return laid, None, ""
        embedding = f"{self.embedding}.weight" if self.embedding and f"{self.embedding}.weight" in layout.shapes else None
        outputs = tuple(linear for name in self.outputs if (linear := _linear(layout, name)) is not None)
        choice = Choice(chain, embedding, outputs)
        return laid, choice, missing or self._misfit(layout, choice)

    def _joined(self, stacks: list[Stack]) -> list[Stack]:
        """Layers of one kind and width that follow one another as one; a cell that is not torch's stays by itself."""
        joined: list[Stack] = []
        for stack in stacks:
            last = joined[-1] if joined else None
            same = last is not None and (last.kind, last.units, last.directions) == (stack.kind, stack.units, stack.directions)
            if last is None or not same or last.width != stack.inputs or {last.path, stack.path} & self.variants.keys():
                joined.append(stack)
                continue
            moved = {role.replace("_l0", f"_l{last.layers}"): name for role, name in stack.names.items()}
            joined[-1] = replace(last, names={**last.names, **moved})
        return joined

    def _misfit(self, layout: Layout, choice: Choice) -> str:
        """A sentence if a layer reads another number of values than the one before it gives."""
        parts = [(choice.embedding, 0, layout.shapes[choice.embedding][1])] if choice.embedding else []
        parts += [(stack.path, stack.inputs, stack.width) for stack in choice.stacks]
        parts += [(linear.weight, linear.inputs, linear.outputs) for linear in choice.outputs]
        for (before, _, width), (name, inputs, _) in pairwise(parts):
            if inputs != width:
                return f"{name} reads {inputs} numbers per step, but {before} gives {width}."
        return ""


def _linear(layout: Layout, name: str) -> Linear | None:
    weight, bias = f"{name}.weight", f"{name}.bias"
    shape = layout.shapes.get(weight, ())
    return Linear(weight, bias if bias in layout.shapes else None, shape[0], shape[1]) if len(shape) == 2 else None
