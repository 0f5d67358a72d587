"""One step of a toy network and its Jacobian: plain RNN, maxout, LSTM and GRU with torch's equations.

W is a stack of square matrices [piece, unit, unit], one for each sum of a unit; x is what is read, [piece, unit]. Each step gives the
new state, dstate_t / dstate_{t-1}, and the sums worth a look, [unit].
"""

from collections.abc import Callable

import numpy as np

from explorer.textbook.activations import Activation, activation

PIECES = {"rnn": 1, "maxout": 2, "gru": 3, "lstm": 4}
LOOKED_AT = {
    "rnn": "pre-activation",
    "maxout": "first pre-activation minus second",
    "gru": "pre-activation, update gate",
    "lstm": "pre-activation, forget gate",
}
MOST = 1e150  # a network that explodes must still be drawn
Step = tuple[np.ndarray, np.ndarray, np.ndarray]


def stepper(kind: str, phi: Activation, forget_bias: float) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Step]:
    """The step of a kind, one of PIECES: (W, state, x) -> (state, Jacobian, sums)."""
    return {
        "rnn": lambda weights, h, x: _plain(weights, h, x, phi),
        "maxout": _maxout,
        "gru": _gru,
        "lstm": lambda weights, state, x: _lstm(weights, state, x, forget_bias),
    }[kind]


def _plain(weights: np.ndarray, h: np.ndarray, x: np.ndarray, phi: Activation) -> Step:
    sums = np.clip(weights[0] @ h + x[0], -MOST, MOST)
    return phi.value(sums), phi.slope(sums)[:, None] * weights[0], sums


def _maxout(weights: np.ndarray, h: np.ndarray, x: np.ndarray) -> Step:
    sums = np.clip(weights @ h + x, -MOST, MOST)
    first = sums[0] > sums[1]
    return sums.max(0), np.where(first[:, None], weights[0], weights[1]), sums[0] - sums[1]


SIGMOID = activation("sigmoid")


def _gate(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return SIGMOID.value(sums), SIGMOID.slope(sums)


def _gru(weights: np.ndarray, h: np.ndarray, x: np.ndarray) -> Step:
    """r, z = sigmoid(x + W h), n = tanh(x_n + r (W_n h)), h' = (1 - z) n + z h."""
    (r, r_slope), (z, z_slope) = _gate(x[0] + weights[0] @ h), _gate(x[1] + weights[1] @ h)
    back = weights[2] @ h
    n = np.tanh(x[2] + r * back)
    to_n = ((1 - z) * (1 - n**2))[:, None] * (r[:, None] * weights[2] + (back * r_slope)[:, None] * weights[0])
    return (1 - z) * n + z * h, np.diag(z) + ((h - n) * z_slope)[:, None] * weights[1] + to_n, x[1] + weights[1] @ h


def _lstm(weights: np.ndarray, state: np.ndarray, x: np.ndarray, forget_bias: float) -> Step:
    """i, f, o = sigmoid(x + W h), g = tanh(x_g + W_g h), c' = f c + i g, h' = o tanh(c'); the state is h and c, one after the other."""
    h, c = np.split(state, 2)
    sums = weights @ h + x
    sums[1] += forget_bias
    (i, i_slope), (f, f_slope), (o, o_slope) = _gate(sums[0]), _gate(sums[1]), _gate(sums[3])
    g = np.tanh(sums[2])
    new = f * c + i * g
    shown, leak = np.tanh(new), o * (1 - np.tanh(new) ** 2)
    c_to_h = (c * f_slope)[:, None] * weights[1] + (g * i_slope)[:, None] * weights[0] + (i * (1 - g**2))[:, None] * weights[2]
    h_to_h = leak[:, None] * c_to_h + (shown * o_slope)[:, None] * weights[3]
    jacobian = np.block([[h_to_h, np.diag(leak * f)], [c_to_h, np.diag(f)]])
    return np.concatenate([o * shown, new]), jacobian, sums[1]
