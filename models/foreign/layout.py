"""Which tensors of a file are recurrent layers, an embedding, output layers: found by the names and shapes that people give them.

Only names and shapes are looked at. What is recognised by its name and fits by its shape is sure; what fits by shape alone is a guess.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from models.foreign.stacks import Shape, Stack, base, beginning, recurrent_stacks, squeezed

EMBEDDING = re.compile(r"(^|[._])(char_|word_|token_|src_|tgt_)?(emb\w*|encoder|lookup\w*|wte|lut|lookup_table)([._]\w+)*$", re.IGNORECASE)
OUTPUTS = (
    r"decoder|fc\w*|linear\w*|out\w*|readout|proj\w*|head\w*|h2o|hidden2\w+|why|dense\w*|classifier|softmax|logits|generator|"
    r"lm_head|final\w*|cls|clf|tag\w*|label\w*|class\w*"
)
OUTPUT = re.compile(rf"(^|[._])({OUTPUTS})([._]|$)", re.IGNORECASE)
ATTENTION = re.compile(r"(^|[._])(att\w*|align\w*|energy|score\w*)([._]|$)", re.IGNORECASE)
NORMS = re.compile(r"(running_mean|running_var|num_batches_tracked)$|(^|[._])(bn|norm|batch_?norm|layer_?norm|ln)\w*[._]", re.IGNORECASE)
# The name of a bias by that of its weight: "fc.weight" and "fc.bias", "fc_w" and "fc_b", "Why" and "by".
BIAS_NAMES = (
    (r"weight$", "bias"),
    (r"kernel$", "bias"),
    (r"_w$", "_b"),
    (r"\.W$", ".b"),
    (r"W_?h([yoq])$", r"b\1"),
    (r"W_?h([yoq])$", r"b_\1"),
)
MOST_STACKS = 64  # groups of recurrent layers; each is tried with every table and linear layer
MOST_TABLES = 8  # that are tried as the embedding of one stack
MOST_LINEAR = 3  # layers between the recurrent ones and the answer


@lru_cache(100_000)
def _says(pattern: re.Pattern, name: str) -> bool:
    """Whether a name says what its tensor is for; each name is asked many times."""
    return pattern.search(name) is not None


@dataclass(frozen=True)
class Linear:
    """A linear layer: its weight [output, input], or [input, output] if it is turned, and its bias."""

    weight: str
    bias: str | None
    outputs: int
    inputs: int
    is_turned: bool = False


@dataclass(frozen=True)
class Use:
    """One row of the table of tensors: what a tensor is used for, and whether that is sure or guessed."""

    name: str
    shape: Shape
    used_as: str
    sure: bool


@dataclass(frozen=True)
class Layout:
    """What was found in a file.

    Args:
        shapes: Shape of every tensor by name.
        stacks: Recurrent layers.
        odd: Sentences on recurrent tensors that fit no layer of torch.
    """

    shapes: Mapping[str, Shape]
    stacks: tuple[Stack, ...]
    odd: tuple[str, ...] = ()
    _free: frozenset[str] = field(default=frozenset())
    _linears: dict[int, list[Linear]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def embeddings(self, stack: Stack) -> list[str]:
        """Tables [token, width] that could give a stack its inputs, the most likely first."""
        fitting = [name for name in self._free if len(self.shapes[name]) == 2 and self.shapes[name][1] == stack.inputs]
        near = beginning(stack.path)
        return sorted(fitting, key=lambda name: (not _says(EMBEDDING, name), beginning(name) != near, _says(OUTPUT, name), name))

    def linears(self, inputs: int) -> list[Linear]:
        """Linear layers that read so many numbers, the most likely output first."""
        if inputs in self._linears:
            return self._linears[inputs]
        fitting = [linear for name in self._free for linear in self._linear(name, inputs)]
        rank = lambda one: (  # noqa: E731
            one.is_turned,
            not _says(OUTPUT, one.weight),
            _says(EMBEDDING, one.weight) or _says(ATTENTION, one.weight) or _says(NORMS, one.weight),
            one.bias is None,
            one.weight,
        )
        return self._linears.setdefault(inputs, sorted(fitting, key=rank))

    def _linear(self, name: str, inputs: int) -> list[Linear]:
        shape = self.shapes[name]
        if len(shape) == 3 and shape[2] == 1:  # a convolution over one step
            shape = shape[:2]
        if len(shape) != 2:
            return []
        ways = [(shape[0], False)] * (shape[1] == inputs) + [(shape[1], True)] * (shape[0] == inputs and shape[0] != shape[1])
        return [Linear(name, self._bias(name, outputs), outputs, inputs, turned) for outputs, turned in ways if outputs > 0]

    def _bias(self, weight: str, outputs: int) -> str | None:
        """The vector that belongs to a weight by its name."""
        others = {re.sub(ending, other, weight) for ending, other in BIAS_NAMES if re.search(ending, weight)}
        return self._vector(others, outputs)

    def tied_bias(self, outputs: int) -> str | None:
        """The bias of an output whose weight is the embedding: named as that of an output, and of no other weight or normalisation."""
        named = [
            name for name in self._free if name == "bias" or (name.endswith("bias") and _says(OUTPUT, name) and not _says(NORMS, name))
        ]
        return self._vector([name for name in named if f"{name.removesuffix('bias')}weight" not in self.shapes], outputs)

    def _vector(self, names: Iterable[str], length: int) -> str | None:
        """The first of these names, sorted, that is a vector of this length and has no part in recurrent layers."""
        return next((name for name in sorted(names) if name in self._free and squeezed(self.shapes[name]) == (length,)), None)


@dataclass(frozen=True)
class Choice:
    """Which tensors of a layout make up the network that is run; every part can be chosen otherwise.

    Args:
        stacks: The recurrent layers, one after the other.
        embedding: Table of the inputs; None: one-hot vectors.
        outputs: Linear layers after the recurrent ones; none if the network's predictions are not known.
        sure: Whether embedding and outputs were recognised by their names.
        is_one_hot: Whether one-hot vectors are read where there is no embedding; if not, other numbers.
    """

    stacks: tuple[Stack, ...]
    embedding: str | None
    outputs: tuple[Linear, ...]
    sure: tuple[bool, bool] = (True, True)
    is_one_hot: bool = True


def layout(shapes: Mapping[str, Shape]) -> Layout:
    """The recurrent layers among tensors, and the rest from which an embedding and outputs are chosen.

    Args:
        shapes: Shape of every tensor by its name in the file.
    """
    stacks, odd = recurrent_stacks(shapes)
    used = {name for stack in stacks for name in stack.names.values()}
    free = frozenset(name for name in shapes if name not in used)
    return Layout(dict(shapes), tuple(stacks), tuple(odd), free)


def chain(parts: Layout, first: Stack) -> tuple[Stack, ...]:
    """The stacks that can follow one another from a first one: each reads what the one before gives."""
    order, at = [first], parts.stacks.index(first)
    for stack in parts.stacks[at + 1 :]:
        if stack.inputs == order[-1].width and (
            base(stack.path) == base(first.path) != "" or beginning(stack.path) == beginning(first.path)
        ):
            order.append(stack)
    return tuple(order)


def choice(parts: Layout, first: Stack | None = None) -> Choice | None:
    """The most likely network in a layout; None if it has no recurrent layers.

    Args:
        parts: The layout.
        first: The first of the recurrent layers; default: those for which an embedding and an output were found.
    """
    if not parts.stacks:
        return None
    choices = [_of_stack(parts, stack) for stack in ([first] if first else parts.stacks)]
    return max(choices, key=lambda one: (bool(one.outputs) and one.sure[1], bool(one.outputs), one.embedding is not None, len(one.stacks)))


def _of_stack(parts: Layout, first: Stack) -> Choice:
    stacks = chain(parts, first)
    tables = parts.embeddings(first)
    named = [name for name in tables if _says(EMBEDDING, name)]
    others = [name for name in tables if not _says(OUTPUT, name) and name not in named]
    complete = [name for name in [*named, *others][:MOST_TABLES] if _answers(parts, stacks[-1], name)]
    embedding = next(iter([*complete, *named, *others]), None)
    named = [name for name in named if name == embedding]
    outputs = _outputs(parts, stacks[-1], embedding)
    if embedding and not named and embedding not in complete and outputs and outputs[-1].outputs == first.inputs:
        embedding = None  # as many answers as inputs: one-hot vectors, and the table is another layer
    if embedding is None and not (outputs and outputs[-1].outputs == first.inputs) and tables and not outputs:
        embedding = tables[0]
    sure = (bool(named) or embedding is None, all(_says(OUTPUT, one.weight) for one in outputs))
    is_one_hot = bool(outputs) and outputs[-1].outputs == first.inputs
    return Choice(stacks, embedding, outputs, sure, is_one_hot)


def _answers(parts: Layout, last: Stack, embedding: str) -> bool:
    """Whether linear layers other than a table give as many answers as the table has rows."""
    outputs = _outputs(parts, last, embedding)
    return bool(outputs) and outputs[-1].outputs == parts.shapes[embedding][0] and outputs[-1].weight != embedding


def _outputs(parts: Layout, last: Stack, embedding: str | None) -> tuple[Linear, ...]:
    """The linear layers from the last recurrent one to as many answers as there are tokens, or to the last of them."""
    wanted = parts.shapes[embedding][0] if embedding else last.inputs
    waiting: list[tuple[Linear, ...]] = [(one,) for one in parts.linears(last.width) if one.weight != embedding]
    complete = [path for path in waiting if path[-1].outputs == wanted]
    if complete:
        return complete[0]
    for path in waiting:
        while len(path) < MOST_LINEAR and path[-1].outputs != wanted:
            used = {one.weight for one in path}
            following = [one for one in parts.linears(path[-1].outputs) if one.weight not in used and one.weight != embedding]
            if not following:
                break
            path = (*path, min(following, key=lambda one: one.outputs != wanted))
        if path[-1].outputs == wanted:
            return path
    if embedding is not None and parts.shapes[embedding][1] == last.width:
        return (Linear(embedding, parts.tied_bias(wanted), wanted, last.width),)
    return waiting[0] if waiting and _says(OUTPUT, waiting[0][0].weight) else ()


def uses(parts: Layout, chosen: Choice | None) -> list[Use]:
    """The table of all tensors: what each is used for, sure or guessed."""
    table: dict[str, tuple[str, bool]] = {}
    for stack in parts.stacks:
        runs = chosen is not None and stack in chosen.stacks
        label = f"{stack.kind} {stack.path}".strip() + ("" if runs else ", not run")
        table |= {name: (f"{label}: {role}", True) for role, name in stack.names.items()}
        tables = [name for name in parts.embeddings(stack) if _says(EMBEDDING, name) and beginning(name) == beginning(stack.path)]
        table |= {tables[0]: (f"embedding of {stack.path}, not run", False)} if tables and not runs else {}
    if chosen is not None:
        if chosen.embedding:
            table[chosen.embedding] = ("embedding", chosen.sure[0])
        for index, linear in enumerate(chosen.outputs):
            many = f" {index + 1} of {len(chosen.outputs)}" if len(chosen.outputs) > 1 else ""
            tied = linear.weight == chosen.embedding
            table[linear.weight] = ("embedding and output, tied" if tied else f"output{many}: weight", chosen.sure[1] and not tied)
            if linear.bias:
                table[linear.bias] = (f"output{many}: bias", chosen.sure[1])
    return [Use(name, shape, *table.get(name, (_other(name), False))) for name, shape in parts.shapes.items()]


def unused(parts: Layout, chosen: Choice) -> list[str]:
    """Names of the tensors that have no part in a network, but for counters of a normalisation."""
    used = {name for stack in chosen.stacks for name in stack.names.values()} | {chosen.embedding}
    used |= {name for linear in chosen.outputs for name in (linear.weight, linear.bias)}
    return [name for name in parts.shapes if name not in used and not name.endswith("num_batches_tracked")]


def _other(name: str) -> str:
    if _says(NORMS, name):
        return "normalisation, not run"
    return "attention, not run" if _says(ATTENTION, name) else "not used"
