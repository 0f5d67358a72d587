"""Gradients of a network written by hand: what autograd says at its taps named hidden and cell."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from explorer.errors import RecordingError
from explorer.gradients.autograd import gradients, losses_of
from explorer.recording.axis_readings import Selection
from explorer.recording.tapped_states import check_in_step, over_time
from explorer.recording.taps import Heard
from explorer.records import GradientFlow


def tapped_flows(
    taps: dict[str, Heard], loss: Tensor, tokens: tuple[str, ...], path: str, selection: Selection, no_graph: str
) -> list[GradientFlow]:
    """A GradientFlow of one layer for each entry of a loss, [] or [loss], from the taps under one path.

    no_graph: What is said where the taps ran without a graph.

    Raises:
        RecordingError: the taps had no graph, or the loss depends on nothing that passed them.
    """
    states = {name: taps[name] for name in ("hidden", "cell") if name in taps}
    if all(behind is None for tap in states.values() for _, behind in tap.edges):
        raise RecordingError(no_graph)
    check_in_step(states, selection)
    for name, tap in states.items():
        _check_passed_on(name, tap, len(tokens))
    return [_flow(states, one, tokens, path, selection) for one in losses_of(loss)]


def _check_passed_on(name: str, tap: Heard, time: int) -> None:
    """Refuse a tap that the way from step to step does not pass: there autograd knows what the outputs ask for and no more.

    Raises:
        RecordingError: it got several steps at once, or no step is computed from what it returned at the step before.
    """
    line = f"{name[0]} = self.{name}({name[0]})"
    if time > 1 and len(tap.values) < time:
        raise RecordingError(
            f"Tap('{name}') received {tap.shapes()} for {time} steps; a gradient needs the state of each step by itself, inside the "
            f"loop: {line}."
        )
    pairs = zip(tap.edges, tap.edges[1:], tap.values[1:], strict=False)
    if len(tap.values) > 1 and not any(_is_behind(before, after, torch.ones_like(value)) for (_, before), (after, _), value in pairs):
        raise RecordingError(
            f"Tap('{name}') is beside the way from step to step: no state is computed from what it returned. Write {line}, "
            f"and give the next step that {name[0]}."
        )


def _is_behind(before: GradientEdge | None, after: GradientEdge | None, ones: Tensor) -> bool:
    """Whether a later value is computed from an earlier one."""
    if before is None or after is None:
        return False
    return torch.autograd.grad((after,), (before,), (ones,), retain_graph=True, allow_unused=True)[0] is not None


def _flow(taps: dict[str, Heard], loss: Tensor, tokens: tuple[str, ...], path: str, selection: Selection) -> GradientFlow:
    time = len(tokens)
    grads = {name: gradients(loss, [behind for _, behind in tap.edges]) for name, tap in taps.items()}
    if all(grad is None for of_tap in grads.values() for grad in of_tap):
        raise RecordingError(
            f"The loss depends on nothing that passed the taps of '{path}'. Go on with what a tap returns: h = self.hidden(h)."
        )
    norms = {name: _norms(tap, grads[name], time, selection) for name, tap in taps.items()}
    state = norms["hidden"]
    if "cell" in taps:
        state = np.hypot(state, _norms(taps["cell"], _kept(taps, grads), time, selection))
    with np.errstate(divide="ignore"):
        log10 = {name: np.log10(values)[:, None] for name, values in (norms | {"state": state}).items()}
    reached = np.flatnonzero(state)
    return GradientFlow(
        tokens=tokens,
        hidden_log10=log10["hidden"],
        cell_log10=log10.get("cell"),
        state_log10=log10["state"],
        loss_at=int(reached[-1]) if len(reached) else None,
        source=path,
        note="Computed by autograd in the precision of the network: what is smaller than that can hold counts as zero.",
    )


def _norms(tap: Heard, grads: Sequence[Tensor | None], time: int, selection: Selection) -> np.ndarray:
    """Size of the gradient at each step, float64, [time]."""
    return np.linalg.norm(over_time(tap, time, selection)(grads)[-time:].astype(np.float64), axis=1)


def _kept(taps: dict[str, Heard], grads: dict[str, list[Tensor | None]]) -> list[Tensor | None]:
    """Gradient to the cell as an input of the next step alone: without what passes through the hidden state of its own step."""
    kept, hidden = list(grads["cell"]), taps["hidden"].edges
    # Counted from the last step: one of the taps may have received its initial state too, the other not.
    for back in range(1, min(len(kept), len(hidden)) + 1):
        whole, shown = kept[-back], grads["hidden"][-back]
        if whole is not None and shown is not None:
            kept[-back] = _less(whole, hidden[-back][0], taps["cell"].edges[-back][1], shown)
    return kept


def _less(whole: Tensor, hidden: GradientEdge | None, cell: GradientEdge | None, shown: Tensor) -> Tensor:
    """A gradient to a cell less what a gradient to the hidden state computed from it adds."""
    if hidden is None or cell is None:
        return whole
    (through,) = torch.autograd.grad([hidden], [cell], [shown], retain_graph=True, allow_unused=True)
    return whole if through is None else whole - through
