"""The textbook example of a recurrent network: it reads "hell" and should predict "ello", with three hidden units.

The lecture slide shows twelve hidden values and sixteen logits, but no weights. The network here has the smallest weights that give
these values. The slide's 1.0 is 0.96 here, which rounds to 1.0: a tanh never reaches 1.

Source of the values: Johnson, Karpathy and Fei-Fei, CS231n, lecture on recurrent networks, 2016, after Karpathy, "The
Unreasonable Effectiveness of Recurrent Neural Networks", 2015.
"""

from dataclasses import dataclass, replace

import numpy as np

from explorer.errors import AnalysisError
from explorer.textbook.bptt import Gradients, Network, bptt

LETTERS = ("h", "e", "l", "o")
READ, WANTED = "hell", "ello"
SLIDE_HIDDEN = ((0.3, -0.1, 0.9), (1.0, 0.3, 0.1), (0.1, -0.5, -0.3), (-0.3, 0.9, 0.7))
SLIDE_LOGITS = ((1.0, 2.2, -3.0, 4.1), (0.5, 0.3, -1.0, 1.2), (0.1, 0.5, 1.9, -1.1), (0.2, -1.5, -0.1, 2.2))
NEAREST = 0.96  # stands for 1.0, which a tanh never reaches; it rounds to 1.0
LONGEST = 1_000  # training steps in one stretch


@dataclass(frozen=True, eq=False)
class Forward:
    """Every number between the four letters and the loss.

    Args:
        one_hot: The letter that is read, [time, letter].
        from_input: W_xh x, [time, unit].
        from_state: W_hh h of the step before, [time, unit]; zero at the first.
        hidden: tanh of their sum, [time, unit].
        logits: W_hy h + b, [time, letter].
        probabilities: Softmax of the logits, [time, letter].
        losses: -log of the probability of the target letter, [time], nats.
    """

    one_hot: np.ndarray
    from_input: np.ndarray
    from_state: np.ndarray
    hidden: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    losses: np.ndarray

    @property
    def answers(self) -> str:
        """The most likely letter at each step: the prediction."""
        return "".join(LETTERS[n] for n in self.probabilities.argmax(1))

    @property
    def right(self) -> int:
        """Number of steps, of four, at which the prediction is the target letter."""
        return sum(a == b for a, b in zip(self.answers, WANTED, strict=True))

    @property
    def loss(self) -> float:
        """The sum over the four steps, nats."""
        return float(self.losses.sum())


def _numbers(letters: str) -> np.ndarray:
    return np.array([LETTERS.index(letter) for letter in letters])


def opening() -> Network:
    """The network with the slide's numbers: the smallest W_xh and W_hh that give its hidden values, and the W_hy and b of its logits.

    "o" is never read: its column of W_xh is zero. There is no bias inside the tanh, as on the slide.
    """
    hidden = np.minimum(np.array(SLIDE_HIDDEN), NEAREST)
    before = np.vstack([np.zeros(3), hidden[:-1]])
    read = np.eye(4)[_numbers(READ)]
    inside = np.linalg.lstsq(np.hstack([read, before]), np.arctanh(hidden), rcond=None)[0].T
    outside = np.linalg.solve(np.hstack([hidden, np.ones((4, 1))]), np.array(SLIDE_LOGITS)).T
    return Network(U=inside[:, :4], W=inside[:, 4:], b=np.zeros(3), V=outside[:, :3], c=outside[:, 3])


def forward(network: Network) -> Forward:
    """The forward pass of a network of the example, number by number."""
    one_hot = np.eye(4)[_numbers(READ)]
    from_input = one_hot @ network.U.T
    from_state, hidden = np.zeros((4, 3)), np.zeros((4, 3))
    for t in range(4):
        if t:
            from_state[t] = network.W @ hidden[t - 1]
        hidden[t] = np.tanh(from_input[t] + from_state[t])
    logits = hidden @ network.V.T + network.c
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    losses = -np.log(probabilities[np.arange(4), _numbers(WANTED)])
    return Forward(one_hot, from_input, from_state, hidden, logits, probabilities, losses)


def backward(network: Network, last_only: bool = False) -> Gradients:
    """The backward pass of the example: every gradient of the summed loss, or of the last step's loss alone.

    Args:
        network: Its weights.
        last_only: Whether only the loss of the last step counts.
    """
    counted = np.arange(4) == 3 if last_only else None
    return bptt(network, np.eye(4)[_numbers(READ)], _numbers(WANTED), counted)


def covered(network: Network) -> Network:
    """The network without its recurrent arrow: W_hh is zero, so nothing is known of the previous step."""
    return replace(network, W=np.zeros_like(network.W))


def learned(network: Network, rate: float, without_arrow: bool = False) -> Network:
    """The network after one step of gradient descent on the summed loss.

    Args:
        network: Before the step.
        rate: Learning rate, above 0.
        without_arrow: Whether W_hh counts as zero and is not changed; only the other weights are trained.

    Raises:
        AnalysisError: the rate is not above 0.
    """
    if not rate > 0:
        raise AnalysisError(f"The learning rate is {rate:g}; expected a number above 0.")
    slope = backward(covered(network) if without_arrow else network)
    still = 0.0 if without_arrow else rate
    return replace(
        network, U=network.U - rate * slope.U, W=network.W - still * slope.W, V=network.V - rate * slope.V, c=network.c - rate * slope.c
    )


def after(stretches: tuple[int, ...], rate: float) -> tuple[Network, list[float]]:
    """The network after stretches of training, alternately with and without its recurrent arrow.

    Args:
        stretches: Training steps: the first number with the arrow, the second without it, and so on.
        rate: Learning rate.

    Returns:
        The network, without its arrow if the last stretch is without; and the summed loss before each step and after the last.

    Raises:
        AnalysisError: no stretch, one longer than 1,000 steps, or a rate that is not above 0.
    """
    if not stretches or not all(0 <= steps <= LONGEST for steps in stretches):
        raise AnalysisError(f"The stretches are {stretches}; expected at least one, each of 0 to {LONGEST:,} steps.")
    network, losses, without = opening(), [], False
    for turn, steps in enumerate(stretches):
        without = bool(turn % 2)
        for _ in range(steps):
            losses.append(forward(covered(network) if without else network).loss)
            network = learned(network, rate, without)
    shown = covered(network) if without else network
    return shown, [*losses, forward(shown).loss]
