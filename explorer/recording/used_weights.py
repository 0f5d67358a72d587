"""The weights that each call of a recurrent module used, without computing any of them: that could change the module.

A weight may be computed anew in every call: by `torch.nn.utils.parametrizations`, by the older norms and by pruning, by a
dropout of weights, or it may be swapped for one call by `torch.func.functional_call`. Reading such an attribute afterwards
would give another weight, and in training some parametrisations change their buffers whenever they are read.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from explorer.recording.cells import is_cell

CELL_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class UnseenWeightsError(Exception):
    """A weight of a call cannot be had."""


@dataclass(frozen=True, eq=False)
class UsedWeights:
    """Weights by torch's names, [row, column] or [row], as one call used them, and how often each had been written to then."""

    tensors: Mapping[str, Tensor]
    writes: tuple[int | None, ...]

    @property
    def is_changed(self) -> bool:
        """Whether one of them was written to since."""
        return self.writes != _writes(self.tensors)

    def is_same_as(self, other: "UsedWeights") -> bool:
        """Whether both are the very same tensors, written to equally often."""
        return self is other or (
            self.writes == other.writes
            and len(self.tensors) == len(other.tensors)
            and all(a is b for a, b in zip(self.tensors.values(), other.tensors.values(), strict=True))
        )


def of_parameters(module: nn.Module) -> UsedWeights:
    """All parameters of a module as they are now."""
    tensors = dict(module.named_parameters())
    return UsedWeights(tensors, _writes(tensors))


def _writes(tensors: Mapping[str, Tensor]) -> tuple[int | None, ...]:
    """How often each was written to; None where torch does not count (inference tensors)."""
    return tuple(None if value.is_inference() else value._version for value in tensors.values())


def watched(module: nn.Module, computed: MutableMapping[str, Tensor]) -> list[torch.utils.hooks.RemovableHandle]:
    """Keep what the parametrisations of a module compute in `computed`, [row, column] by the weight's name, until the hooks end."""
    handles = []
    if parametrize.is_parametrized(module):
        for name, part in module.parametrizations.items():  # type: ignore[union-attr, operator]
            handles.append(part.register_forward_hook(_keeping(name, computed)))
    return handles


def _keeping(name: str, computed: MutableMapping[str, Tensor]) -> Callable:
    def keep(module: nn.Module, args: tuple, value: Tensor) -> None:
        computed[name] = value

    return keep


def used_weights(module: nn.Module, computed: Mapping[str, Tensor], last: UsedWeights | None) -> UsedWeights:
    """The weights that the call which has just ended used; `last`, those of the call before, where they are the same.

    computed: those that parametrisations gave last, [row, column] by name.

    Raises:
        UnseenWeightsError: a weight was computed where it could not be seen.
    """
    # Without the graph of a computed weight, which would live as long as the recording.
    tensors = {name: value if isinstance(value, nn.Parameter) else value.detach() for name, value in _tensors(module, computed).items()}
    used = UsedWeights(tensors, _writes(tensors))
    if last is None or tensors.keys() != last.tensors.keys():
        return used
    for name, value in tensors.items():
        # A weight that is computed is another tensor in each call, even where its numbers stay.
        is_same = value is last.tensors[name] or (not isinstance(value, nn.Parameter) and torch.equal(value, last.tensors[name]))
        if not is_same:
            return used
    return last if last.writes == used.writes or not last.is_changed else used


def _tensors(module: nn.Module, computed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not is_cell(module):
        # What nn.RNN, nn.LSTM and nn.GRU hand to their kernels; a forward renews it first.
        pairs = zip(module._flat_weights_names, module._flat_weights, strict=True)  # type: ignore[arg-type]
        return {name: value for name, value in pairs if value is not None}
    values = {name: _attribute(module, name, computed) for name in CELL_WEIGHTS}
    return {name: value for name, value in values.items() if value is not None}


def _attribute(module: nn.Module, name: str, computed: Mapping[str, Tensor]) -> Tensor | None:
    if name in computed:
        return computed[name]
    if parametrize.is_parametrized(module, name):
        if not parametrize._cache_enabled:
            raise UnseenWeightsError(f"its parametrised {name} was computed where a recording cannot see it")
        return getattr(module, name)  # torch keeps it while parametrize.cached() is on
    value = module.__dict__.get(name, module._parameters.get(name, module._buffers.get(name)))
    return value if isinstance(value, Tensor) else None
