"""The gradient of a loss to what the units carry from step to step: what a change of one unit would do, to first order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.flow import Backpass
from explorer.gradients.scan import LayerGradient
from explorer.recording.arrays import Rows, Tokens
from explorer.recording.record import Recording
from explorer.recording.sequences import Calls


@dataclass(frozen=True, eq=False)
class StateGradient:
    """The gradient of a loss to the carried states, the cells of an LSTM or the hidden states otherwise.

    Args:
        total: With respect to the state at each step, everything after it following, [time, layer, unit].
        held: The same with the unit's own next state held, [time, layer, unit]. If a unit is held at v instead of its own states s,
            the sum of held * (v - s) over the steps estimates the change of the loss. It is an estimate for two reasons: it is
            linear, and it leaves out that the other units, which change too, would act back on the unit.
    """

    total: np.ndarray
    held: np.ndarray


def state_gradient(
    recording: Recording, loss: Tensor, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> StateGradient:
    """Gradient of a loss to every unit's carried state at every step, from one scan.

    Args:
        recording, loss, tokens, path, index, calls: As for `gradient_flow`; the loss may enter at any steps, the tokens are [time].

    Raises:
        RecordingError: the hidden states of the LSTM are projected, or as gradient_flow.
    """
    if loss.ndim:
        raise RecordingError(f"loss has shape {tuple(loss.shape)}; expected a scalar.")
    back = Backpass(recording, loss, len(tokens), path, index, calls)
    if getattr(back.reading.module, "proj_size", 0):
        raise RecordingError(f"'{back.reading.path}' projects its hidden states; expected a module without a projection.")
    module: Any = back.reading.module
    shape = (len(tokens), back.depth, module.hidden_size)
    total, past, through, slope = (np.zeros(shape) for _ in range(4))
    for layer, span, part in back.parts():
        gradient = part.hidden if part.cell is None else part.cell
        total[span, layer] = gradient[:, 0].double().numpy() * np.exp2(part.exponent[:, 0])[:, None]
        past[span, layer] = 0 if part.slopes.keep is None else part.slopes.keep
        through[span, layer] = _through_gates(part)
        slope[span, layer] = 1 if part.slopes.leak is None else part.slopes.leak
    order = slice(None, None, -1 if back.reading.reverse else 1)
    total, past, through, slope = (values[order] for values in (total, past, through, slope))
    # How a state depends on the unit's own state one step before: past its gates, and through them by the hidden state.
    own = past[1:] + through[1:] * slope[:-1]
    held = total.copy()
    held[:-1] -= own * total[1:] * back.reading.carried[order][1:, None, None]
    return StateGradient(total[order], held[order])


def _through_gates(part: LayerGradient) -> np.ndarray:
    """Derivative of a unit's carried state by its own hidden state one step before, through the gates, [step, unit]."""
    rows, weights = part.slopes.rows, part.layer.weights
    diagonals = torch.stack([block.diagonal() for block in weights.U.split(weights.units)[: rows.shape[1]]])
    return (rows * diagonals).sum(1).numpy()
