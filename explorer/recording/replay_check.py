"""Comparison of a replay with what the module returned: how far they may be apart, and why they are where they are further."""

from collections.abc import Sequence

import torch

from explorer.errors import RecordingError
from explorer.recording.calls import Call
from explorer.recording.cells import TOLERANCE


class ReplayError(RecordingError):
    """A replay differs from what the module returned.

    Args:
        message: What differs, and by how much.
        reason: Why, as far as it is certain.
        otherwise: What is said where no reason is certain: then the equation may be another one.
    """

    def __init__(self, message: str, reason: str | None, otherwise: str):
        super().__init__(f"{message} {reason or otherwise}")
        self.may_be_other_equation = reason is None


def limit(calls: Sequence[Call], steps: int, largest: float) -> float:
    """How far a replay may be from what some calls returned.

    A forget gate near 1 is rounded at every step, differently in torch's run and in ours: over 10,000 steps this alone makes
    two cells of size 10,000 differ by 1. So every step that is taken in a row adds one rounding to the tolerance.

    Args:
        calls: The calls of one sequence.
        steps: How many steps are computed one from the other.
        largest: The largest of the compared values.
    """
    dtype = calls[0].computed_in
    rounding = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    return (TOLERANCE[dtype] + rounding * steps) * max(1.0, largest)


def reason(calls: Sequence[Call], is_finite: bool, has_dropout: bool) -> str | None:
    """Why a replay certainly differs; None where its equation may be another one than that of the module."""
    if not is_finite:
        return "It holds nan or inf: look for them in its input, its initial state and its weights."
    if any(call.training for call in calls) and has_dropout:
        return "It is in training mode with dropout: call module.eval() first."
    if any(call.weights.is_changed for call in calls):
        return "Its weights were changed after it ran: take the trace before the next step of training."
    return None
