"""Length generalisation: networks with shared weights, separate weights per step, or no recurrence, tested beyond training lengths.

The task is modelled on the year in "I went to Nepal in 2009" and "In 2009, I went to Nepal": one digit occurs at any position
among letters, and a network that has learnt to find it at one position should find it at another.

Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, the opening of chapter 10.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor, nn

from models.memory_tasks.network import Learner, draw
from models.memory_tasks.tasks import TaskError
from models.training import Job, Recipe

DIGITS, LETTERS = 10, 4
FEATURES = DIGITS + LETTERS
SHORT, LONG = 10, 40  # maximum length in training and in testing
UNITS, BATCH, UPDATES = 32, 64, 1500
ASKED, ASKED_SEED = 500, 2**31  # test sequences of each length, and their seed


def sequences(count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Sequences of letters with one digit, one-hot [batch, time, sign], and the digit [batch]."""
    signs = DIGITS + torch.randint(LETTERS, (count, length), generator=generator)
    digit = torch.randint(DIGITS, (count, 1), generator=generator)
    signs.scatter_(1, torch.randint(length, (count, 1), generator=generator), digit)
    return nn.functional.one_hot(signs, FEATURES).float(), digit[:, 0]


class Shared(nn.Module):
    """A plain RNN: the same weights at every step."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.reader = Learner("rnn", FEATURES, UNITS, DIGITS, generator)

    def forward(self, x: Tensor) -> Tensor:
        return self.reader(x)[0][:, -1]


class PerStep(nn.Module):
    """The same equation with separate weights at every step: h_t = tanh(W_t x_t + U_t h_{t-1} + b_t)."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.W, self.U = (nn.Parameter(torch.empty(LONG, width, UNITS)) for width in (FEATURES, UNITS))
        self.b, self.readout = nn.Parameter(torch.empty(LONG, UNITS)), nn.Linear(UNITS, DIGITS)
        draw(self, UNITS, generator)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x.new_zeros(len(x), UNITS)
        for step in range(x.shape[1]):
            hidden = torch.tanh(x[:, step] @ self.W[step] + hidden @ self.U[step] + self.b[step])
        return self.readout(hidden)


class Padded(nn.Module):
    """No recurrence: 40 positions concatenated, padded with zeros, and one hidden layer over all of them."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.hidden, self.readout = nn.Linear(LONG * FEATURES, 2 * UNITS), nn.Linear(2 * UNITS, DIGITS)
        draw(self.hidden, LONG * FEATURES, generator)
        draw(self.readout, 2 * UNITS, generator)

    def forward(self, x: Tensor) -> Tensor:
        flat = nn.functional.pad(x.flatten(1), (0, (LONG - x.shape[1]) * FEATURES))
        return self.readout(torch.tanh(self.hidden(flat)))


# Name of the curve -> network, peak learning rate.
NETWORKS: dict[str, tuple[Callable[[Generator], nn.Module], float]] = {
    "RNN": (Shared, 3e-3),
    "weights per step": (PerStep, 3e-3),
    "padded MLP": (Padded, 5e-3),
}


def network(name: str, seed: int) -> nn.Module:
    """An untrained network.

    Raises:
        TaskError: there is no network of that name.
    """
    if name not in NETWORKS:
        raise TaskError(f"There is no network called {name!r}. Known: {', '.join(NETWORKS)}.")
    return NETWORKS[name][0](Generator().manual_seed(seed))


def job(name: str, seed: int = 1, updates: int = UPDATES) -> tuple[Job, Recipe]:
    """Job and recipe for models.training.Trainer; each batch has one length, at most 10.

    Raises:
        TaskError: there is no such network.
    """

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = Generator().manual_seed(seed + 1 + epoch)
        for _ in range(updates):
            yield sequences(BATCH, int(torch.randint(1, SHORT + 1, (1,), generator=generator)), generator)

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor], carry: None) -> tuple[Tensor, None]:
        return nn.functional.cross_entropy(module(batch[0]), batch[1]), None

    recipe = Recipe(1, batch=BATCH, learning_rate=NETWORKS[name][1] if name in NETWORKS else 0.0, checks=1, seed=seed)
    return Job(network(name, seed), batches, loss, lambda module: 0.0, updates), recipe  # nothing is chosen by a score


def accuracy(module: nn.Module) -> list[float]:
    """Accuracy at each length from 1, on 500 held-out sequences each."""
    generator, shares = Generator().manual_seed(ASKED_SEED), []
    with torch.inference_mode():
        for length in range(1, LONG + 1):
            x, digit = sequences(ASKED, length, generator)
            shares.append((module(x).argmax(1) == digit).double().mean().item())
    return shares


def ceiling() -> list[float]:
    """Accuracy at each length of a reader that is perfect on the first ten positions and guesses if the digit is beyond them."""
    seen = [min(1.0, SHORT / length) for length in range(1, LONG + 1)]
    return [share + (1 - share) / DIGITS for share in seen]


def weights(module: nn.Module) -> int:
    """Number of parameters."""
    return sum(math.prod(part.shape) for part in module.parameters())
