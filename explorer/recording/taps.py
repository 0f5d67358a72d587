"""What passed the Taps of a model: copies of its values, and their places in autograd's graph."""

from collections.abc import Mapping

from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from explorer.errors import RecordingError
from explorer.recording.autograd_edges import anchor
from explorer.recording.cells import GATE_NAMES, STATES
from explorer.tap import Tap


class Heard:
    """Copies of the values that passed one tap; with gradients, their places in autograd's graph, before and behind the tap."""

    def __init__(self, tap: Tap):
        self.tap = tap
        self.values: list[Tensor] = []
        self.refused = ""  # why its values cannot be had
        self.edges: list[tuple[GradientEdge | None, GradientEdge | None]] = []

    def add(self, value: Tensor, gradients: bool = False) -> Tensor | None:
        """Keep a copy of one value, [...]; what takes its place, where gradients are wanted at this tap.

        Raises:
            RecordingError: it is not a tensor.
        """
        if not isinstance(value, Tensor):
            given = f"Tap('{self.tap.name}') was given a {type(value).__name__}"
            raise RecordingError(f"{given}; expected one tensor. Give each part its own Tap.")
        self.values.append(value.detach().clone())
        if not gradients or self.tap.name not in STATES:
            return None
        fresh, edge = anchor(value)
        self.edges.append((get_gradient_edge(value) if value.requires_grad else None, edge))
        return fresh

    def shapes(self) -> str:
        """What was received, as words for an error message."""
        first, last = (tuple(self.values[at].shape) for at in (0, -1))
        several = f"{len(self.values)} values of shape" if len(self.values) > 1 else "1 value of shape"
        return f"{several} {first}" if first == last else f"{several}s {first} to {last}"


def taps_of(heard: Mapping[str, Heard], path: str) -> list[str]:
    """Where the taps under a path that are named hidden, cell or after a gate are."""
    return [at for at, one in heard.items() if _parent(at) == path and one.tap.name in (*STATES, *GATE_NAMES)]


def state_paths(heard: Mapping[str, Heard]) -> tuple[str, ...]:
    """Modules that hold taps named hidden, cell or after a gate: each is a path."""
    named = [_parent(path) for path, values in heard.items() if values.tap.name in (*STATES, *GATE_NAMES)]
    return tuple(dict.fromkeys(named))


def _parent(path: str) -> str:
    return path.rpartition(".")[0] or "taps"


def state_taps(heard: Mapping[str, Heard], path: str) -> dict[str, Heard]:
    """The taps under a path that are named hidden, cell or after a gate, by name.

    Raises:
        RecordingError: none is named hidden.
    """
    taps = {heard[at].tap.name: heard[at] for at in taps_of(heard, path)}
    if "hidden" not in taps:
        raise RecordingError(f"'{path}' has taps {', '.join(taps)}, but none named hidden. Add Tap('hidden') where the state is made.")
    return taps
