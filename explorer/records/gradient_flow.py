"""The record of a gradient through time: its size at every step."""

from dataclasses import dataclass

import numpy as np

from explorer.errors import RecordError
from explorer.records.displayed import Displayed, plural, quoted, shape_error, there_are


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlow(Displayed):
    """Size of the gradient of one loss at every step.

    Norms as powers of ten, because they leave the range of every float: -inf where nothing flows, never nan.

    Args:
        tokens: What was read, [time].
        hidden_log10: Norm of dL/dh_t, the cell state c_t held where there is one, [time, layer].
        cell_log10: Norm of dL/dc_t with h_t following c_t, [time, layer]; None where there is no cell (RNN, GRU).
        state_log10: Norm of the gradient to what the next step is given, [time, layer]: h_t for RNN and GRU; for an LSTM
            h_t and c_t as separate inputs. This one alone is compared across kinds.
        loss_at: The step at which the loss enters; None where it enters at several, and distances have no meaning.
        source: Path of the module inside the model, as in a Trace; "rnn[reverse]" passes gradients to later positions.
        note: What a reader should know about the computation; usually empty.

    Raises:
        RecordError: shapes do not fit together, or a norm is nan or infinite.
    """

    tokens: tuple[str, ...]
    hidden_log10: np.ndarray
    cell_log10: np.ndarray | None
    state_log10: np.ndarray
    loss_at: int | None = None
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        time = len(self.tokens)
        for name in ("hidden_log10", "cell_log10", "state_log10"):
            if getattr(self, name) is not None:
                self._check(name, np.asarray(getattr(self, name), np.float64))
        if self.loss_at is not None and not 0 <= self.loss_at < time:
            raise RecordError(f"loss_at is {self.loss_at}; expected 0 to {time - 1}, the step at which the loss enters, or None.")

    def __str__(self) -> str:
        loss = "a loss at several steps" if self.loss_at is None else f"a loss at step {self.loss_at}"
        states = "hidden_log10, state_log10" if self.cell_log10 is None else "hidden_log10, cell_log10, state_log10"
        through = f" through '{self.source}'" if self.source else ""
        return (
            f"Gradient of {loss}{through} over {plural(len(self.tokens), 'token')}, {quoted(self.tokens)}\n"
            f"{states} {list(self.hidden_log10.shape)} = [time, layer], norms as powers of ten\n"
            "Next: explorer.show(flow) draws it, flow.state_log10 holds the numbers."
        )

    def _check(self, name: str, values: np.ndarray) -> None:
        time = len(self.tokens)
        if values.ndim != 2 or len(values) != time:
            raise shape_error(name, values.shape, f"({time}, layers) = [time, layer]", there_are(time, "token"))
        if values.shape != self.hidden_log10.shape:
            raise shape_error(name, values.shape, f"{self.hidden_log10.shape} = [time, layer]", "hidden_log10 has that shape")
        bad = np.argwhere(np.isnan(values) | (values == np.inf))
        if len(bad):
            step, layer = map(int, bad[0])
            raise RecordError(
                f"{name}[{step}, {layer}] is {values[step, layer]}; expected a number, or -inf where nothing flows. "
                "Are the weights or the inputs infinite or nan?"
            )
        object.__setattr__(self, name, values)
