"""Recurrent layers among the tensors of a file, found by the names that people give them and checked by their shapes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

Shape = tuple[int, ...]
KINDS = {1: "rnn", 3: "gru", 4: "lstm"}  # blocks of weights per unit
ROLES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
IH, HH, BIAS_IH, BIAS_HH, HR = ROLES
PART = r"^(?:(?P<path>.*)[._])??"
FORMS = tuple(
    re.compile(PART + pattern)
    for pattern in (
        r"(?P<role>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)_l(?P<layer>\d{1,3})(?P<back>_reverse)?$",  # nn.LSTM
        r"(?P<role>weight_ih|weight_hh|bias_ih|bias_hh)$",  # nn.LSTMCell
        r"(?P<role>[wW]_?ih|[wW]_?hh|b_?ih|b_?hh)(?:_l?(?P<layer>\d{1,3}))?$",  # "enc_w_ih"
        r"(?P<role>W_?xh|W_?hh|b_?h)(?P<layer>\d{0,3})$",  # min-char-rnn
        r"(?P<role>(?:[ix]2h|h2h)\.(?:weight|bias))$",  # two linear layers
    )
)
ALIASES = {"xh": IH, "ih": IH, "i2h.weight": IH, "x2h.weight": IH, "hh": HH, "h2h.weight": HH}
BIASES = {"b_ih": BIAS_IH, "bih": BIAS_IH, "b_hh": BIAS_HH, "bhh": BIAS_HH, "b_h": BIAS_IH, "bh": BIAS_IH}
BIASES |= {"i2h.bias": BIAS_IH, "x2h.bias": BIAS_IH, "h2h.bias": BIAS_HH}


@dataclass(frozen=True)
class Stack:
    """Recurrent layers of one width, one after the other.

    Args:
        path: What stands before the names of their weights.
        kind: "rnn", "lstm" or "gru".
        units: Units of each layer, per direction.
        inputs: Numbers that the first layer reads per step.
        names: Name of each tensor in the file by its name in torch, "weight_ih_l0".
        directions: 2 if each layer also reads from the end.
        projection: Width to which an LSTM projects its output; 0 if it does not.
        is_turned: Whether weights are stored as [input, output], the transpose of torch's.
    """

    path: str
    kind: str
    units: int
    inputs: int
    names: Mapping[str, str]
    directions: int = 1
    projection: int = 0
    is_turned: bool = False

    @property
    def layers(self) -> int:
        """Number of layers."""
        return sum(role.startswith(HH) and not role.endswith("_reverse") for role in self.names)

    @property
    def width(self) -> int:
        """Numbers that the last layer gives per step."""
        return (self.projection or self.units) * self.directions

    @property
    def is_named_by_torch(self) -> bool:
        """Whether its tensors have the names of nn.LSTM or nn.LSTMCell and their like, so that torch's order of gates is known."""
        return all(any(form.match(name) for form in FORMS[:2]) for name in self.names.values())

    @property
    def in_words(self) -> str:
        """What they are, as a part of a sentence."""
        both = "bidirectional " if self.directions == 2 else ""
        many = f"{self.layers} layers" if self.layers > 1 else "1 layer"
        return f"{both}{self.kind.upper()}, {many} of {self.units} units, {self.inputs} inputs per step"


def recurrent_stacks(shapes: Mapping[str, Shape]) -> tuple[list[Stack], list[str]]:
    """The recurrent layers among tensors, and a sentence on each group that looks recurrent and fits no layer of torch.

    Args:
        shapes: Shape of every tensor by its name in the file.
    """
    stacks, odd = [], []
    for path, roles in sorted(_groups(shapes).items(), key=lambda group: _natural(group[0])):
        stack = _stack(path, roles, shapes)
        if stack is not None:
            stacks.append(stack)
        elif any(role.startswith((HH, IH)) for role in roles):
            odd.append(f"{', '.join(sorted(roles.values())[:3])} look recurrent by name, but their shapes fit no RNN, GRU or LSTM.")
    return _joined(stacks), odd


def _groups(shapes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Names of tensors by torch's names, for each path."""
    groups: dict[str, dict[str, str]] = {}
    for name in shapes:
        match = next((match for form in FORMS if (match := form.match(name))), None)
        if match is not None:
            parts = match.groupdict()
            path = re.sub(r"(^|\.)module$", "", parts["path"] or "")
            role = f"{_role(parts['role'])}_l{int(parts.get('layer') or 0)}{parts.get('back') or ''}"
            groups.setdefault(path, {}).setdefault(role, name)
    return groups


def _role(written: str) -> str:
    if written in ROLES:
        return written
    if written in BIASES:
        return BIASES[written]
    return ALIASES.get(written, ALIASES.get(written[1:].lstrip("_"), written))


def _stack(path: str, roles: Mapping[str, str], shapes: Mapping[str, Shape]) -> Stack | None:
    """The layers of one group; None if their shapes fit no layer of torch."""
    count = len([role for role in roles if re.fullmatch(HH + r"_l\d+", role)])
    if f"{IH}_l0" not in roles or f"{HH}_l0" not in roles or len(shapes[roles[f"{IH}_l0"]]) != 2 or len(shapes[roles[f"{HH}_l0"]]) != 2:
        return None
    (rows, inputs), (high, wide) = shapes[roles[f"{IH}_l0"]], shapes[roles[f"{HH}_l0"]]
    turned = high < wide or (high == wide and rows != high)  # square matrices of a plain RNN do not say
    if turned:
        rows, inputs, high, wide = inputs, rows, wide, high
    units, projection = wide, 0
    if f"{HR}_l0" in roles:
        projection, units = shapes[roles[f"{HR}_l0"]]
    if not units or high % units or rows != high or KINDS.get(high // units) is None:
        return None
    directions = 2 if f"{HH}_l0_reverse" in roles else 1
    one = Stack(path, KINDS[high // units], units, inputs, dict(roles), directions, projection, turned)
    return one if _fits(one, count, shapes) else None


def _fits(stack: Stack, count: int, shapes: Mapping[str, Shape]) -> bool:
    """Whether every layer and direction has its two weights in the right shape, and biases of the right length or none."""
    rows = next(blocks for blocks, kind in KINDS.items() if kind == stack.kind) * stack.units
    known = {f"{role}_l{layer}{back}" for role in ROLES for layer in range(count) for back in ("", "_reverse")[: stack.directions]}
    if stack.names.keys() - known or (stack.projection and stack.kind != "lstm"):
        return False
    for layer in range(count):
        inputs = stack.inputs if layer == 0 else stack.width
        for back in ("", "_reverse")[: stack.directions]:
            expected = {IH: (rows, inputs), HH: (rows, stack.projection or stack.units)}
            expected |= {HR: (stack.projection, stack.units)} if stack.projection else {}
            for role, shape in expected.items():
                name = stack.names.get(f"{role}_l{layer}{back}")
                if name is None or (shapes[name][::-1] if stack.is_turned else shapes[name]) != shape:
                    return False
            biases = [stack.names.get(f"{role}_l{layer}{back}") for role in (BIAS_IH, BIAS_HH)]
            if any(name is not None and squeezed(shapes[name]) != (rows,) for name in biases):
                return False
    return True


def squeezed(shape: Shape) -> Shape:
    """A shape without the axes of length 1."""
    return tuple(size for size in shape if size != 1) or (1,)


def _joined(stacks: list[Stack]) -> list[Stack]:
    """Stacks that follow one another by name ("lstm1", "lstm2"; "cells.0", "cells.1") as one, if their widths fit."""
    joined: list[Stack] = []
    for stack in stacks:
        if joined and _follows(joined[-1], stack):
            last = joined[-1]
            moved = {role.replace("_l0", f"_l{last.layers}"): name for role, name in stack.names.items()}
            joined[-1] = replace(last, names={**last.names, **moved})
        else:
            joined.append(stack)
    return joined


def _follows(last: Stack, stack: Stack) -> bool:
    """Whether one layer is the next of a stack: of the next number, of the same form, reading what the last layer gives."""
    is_next = base(last.path) == base(stack.path) != stack.path and _number(stack.path) == _number(last.path) + last.layers
    alike = (last.kind, last.units, last.directions, last.is_turned) == (stack.kind, stack.units, stack.directions, stack.is_turned)
    return is_next and alike and stack.layers == 1 and last.width == stack.inputs and not (last.projection or stack.projection)


def base(path: str) -> str:
    """A path without the number at its end."""
    return re.sub(r"\d+$", "", path)


def _number(path: str) -> int:
    ending = re.search(r"\d+$", path)
    return int(ending[0]) if ending else -1


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts "cells.10" behind "cells.9"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


@lru_cache(100_000)
def beginning(name: str) -> str:
    """The part of a name before its first dot or underscore: "enc" of "enc_emb"."""
    return re.split(r"[._]", name)[0]
