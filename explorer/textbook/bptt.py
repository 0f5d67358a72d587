"""Backpropagation through time as the textbook writes it. `explorer.gradients.flow` is the fast implementation.

Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 10.2.2; the numbers are those of its equations.
"""

from dataclasses import dataclass

import numpy as np

from explorer.errors import AnalysisError
from explorer.records import Trace


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent network that answers at every step: U [unit, feature], W [unit, unit], b [unit], V [answer, unit], c [answer].

    h_t = tanh(b + W h_{t-1} + U x_t), o_t = c + V h_t, and softmax(o_t) is the probability of each answer.
    """

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray


@dataclass(frozen=True, eq=False)
class Gradients:
    """The summed loss, its gradient at the nodes o [time, answer] and h [time, unit], and for each weight in its own shape.

    A weight is the same at every step, so its gradient is a sum over the steps: `terms` holds, for each weight by name, what its use at
    each step contributes, [time, ...].
    """

    loss: float
    o: np.ndarray
    h: np.ndarray
    terms: dict[str, np.ndarray]
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray


def bptt(network: Network, x: np.ndarray, answers: np.ndarray, counted: np.ndarray | None = None) -> Gradients:
    """Loss and every gradient of a network that has read a sequence, equation by equation.

    Args:
        network: Its weights.
        x: What it reads, [time, feature].
        answers: The right answer at each step, [time], whole numbers.
        counted: Whether the loss of a step counts, [time]; default: all do.

    Raises:
        AnalysisError: there is not one answer, or one value of `counted`, for each step.

    Source: the module's docstring.
    """
    if len(answers) != len(x) or not len(x):
        raise AnalysisError(f"There are {len(answers)} answers for {len(x)} steps; expected one for each.")
    counts = np.ones(len(x)) if counted is None else np.asarray(counted, float)
    if len(counts) != len(x):
        raise AnalysisError(f"`counted` has {len(counts)} values for {len(x)} steps; expected one for each.")
    n, time = network, len(x)
    h = np.zeros((time + 1, len(n.b)))  # h[t] is the state before step t
    for t in range(time):
        h[t + 1] = np.tanh(n.b + n.W @ h[t] + n.U @ x[t])  # 10.8, 10.9
    o = h[1:] @ n.V.T + n.c  # 10.10
    y = np.exp(o - o.max(1, keepdims=True))
    y /= y.sum(1, keepdims=True)  # 10.11
    loss = -np.log(y[np.arange(time), answers]) @ counts

    grad_o = (y - np.eye(y.shape[1])[answers]) * counts[:, None]  # 10.18
    grad_h, slope = np.zeros((time, len(n.b))), 1 - h[1:] ** 2
    grad_h[-1] = n.V.T @ grad_o[-1]  # 10.19
    for t in reversed(range(time - 1)):
        grad_h[t] = n.W.T @ (slope[t + 1] * grad_h[t + 1]) + n.V.T @ grad_o[t]  # 10.20, 10.21
    inner = slope * grad_h
    terms = {
        "U": inner[:, :, None] * x[:, None],  # 10.27, 10.28
        "W": inner[:, :, None] * h[:-1, None],  # 10.25, 10.26
        "b": inner,  # 10.23
        "V": grad_o[:, :, None] * h[1:, None],  # 10.24
        "c": grad_o,  # 10.22
    }
    return Gradients(float(loss), grad_o, grad_h, terms, **{name: term.sum(0) for name, term in terms.items()})


def lstm_nodes(trace: Trace, layer: int, weights: np.ndarray, entering: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient at the nodes h_t and c_t of an LSTM layer: the same pass back through time, with a cell and a hidden state.

    Args:
        trace: What the layer held.
        layer: Which one.
        weights: Its recurrent weights, [gate * unit, unit], gates in the order input, forget, candidate, output (torch's weight_hh).
        entering: Gradient that reaches h_t from outside the layer, from the loss or the layer above, [time, unit].

    Returns:
        dL/dh_t with c_t held, and dL/dc_t with h_t following it, each [time, unit], float64.

    Raises:
        AnalysisError: the trace has no cells, its state was not carried, or `entering` does not fit it.
    """
    if trace.cell is None or trace.initial_cell is None:
        raise AnalysisError("This trace has no cells; expected one of an LSTM.")
    if len(trace.breaks):
        raise AnalysisError(f"The state was reset or changed before step {trace.breaks[0]}: expected a trace whose state was carried.")
    if entering.shape != trace.hidden[:, layer].shape:
        raise AnalysisError(f"entering has shape {entering.shape}; expected {trace.hidden[:, layer].shape} = [time, unit].")
    c = trace.cell[:, layer].astype(np.float64)
    before = np.concatenate([trace.initial_cell[None, layer], c[:-1]])
    i, f, g, o = (trace.gates[name][:, layer].astype(np.float64) for name in ("input", "forget", "candidate", "output"))
    grad_h, grad_c = np.zeros_like(c), np.zeros_like(c)
    from_h, from_c = np.zeros(c.shape[1]), np.zeros(c.shape[1])
    for t in reversed(range(len(c))):
        grad_h[t] = entering[t] + from_h
        grad_c[t] = from_c + grad_h[t] * o[t] * (1 - np.tanh(c[t]) ** 2)
        to_i = grad_c[t] * g[t] * i[t] * (1 - i[t])
        to_f = grad_c[t] * before[t] * f[t] * (1 - f[t])
        to_g = grad_c[t] * i[t] * (1 - g[t] ** 2)
        to_o = grad_h[t] * np.tanh(c[t]) * o[t] * (1 - o[t])
        from_h = weights.T @ np.concatenate([to_i, to_f, to_g, to_o])
        from_c = grad_c[t] * f[t]
    return grad_h, grad_c
