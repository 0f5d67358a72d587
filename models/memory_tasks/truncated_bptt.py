"""Truncated backpropagation through time: networks trained in short windows, with and without carrying the state between windows.

A stream shows symbols at random steps and asks for the latest one at random steps. Gradients stop at window borders. If the state
is carried across borders, memory learnt within windows also works over longer distances; if it is reset to zero, it does not.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from models.memory_tasks.network import Learner
from models.training import Job, Recipe

SYMBOLS = 8
BLANK, ASK = SYMBOLS, SYMBOLS + 1
SHOWN, QUESTION = 0.05, 0.3  # probability that a step shows a symbol, and that it asks a question
UNITS, ROWS, UPDATES, RATE = 32, 32, 800, 1e-2
FAR = 40  # maximum distance between symbol and question in testing
ASKED_ROWS, ASKED_STEPS, ASKED_SEED = 64, 2000, 2**31


def stream(rows: int, steps: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Signs, the latest symbol, and the number of steps since it was shown, each [row, time]; every row begins with a symbol."""
    chance = torch.rand(rows, steps, generator=generator)
    symbols = torch.randint(SYMBOLS, (rows, steps), generator=generator)
    signs = torch.where(chance < SHOWN, symbols, torch.where(chance < SHOWN + QUESTION, ASK, BLANK))
    signs[:, 0] = symbols[:, 0]
    at = torch.where(signs < SYMBOLS, torch.arange(steps), 0).cummax(1).values
    return signs, signs.gather(1, at), torch.arange(steps) - at


def job(kind: str, window: int, is_carried: bool, seed: int = 1, updates: int = UPDATES) -> tuple[Job, Recipe]:
    """Job and recipe for models.training.Trainer.

    Args:
        kind: "rnn", "gru" or "lstm".
        window: Steps per window.
        is_carried: Whether the state is carried into the next window; the gradient never is.
        seed: Seed of weights and stream.
        updates: Number of updates, one per window.
    """
    module = Learner(kind, SYMBOLS + 2, UNITS, SYMBOLS, Generator().manual_seed(seed))
    signs, wanted, _ = stream(ROWS, updates * window, Generator().manual_seed(seed + 1))

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        yield from zip(signs.split(window, 1), wanted.split(window, 1), strict=True)

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor], carry: Any) -> tuple[Tensor, Any]:
        out, state = _read(module, batch[0], carry)
        asked = batch[0] == ASK
        return nn.functional.cross_entropy(out[asked], batch[1][asked]), state if is_carried else None

    recipe = Recipe(1, batch=ROWS, steps=window, learning_rate=RATE, checks=1, seed=seed)
    return Job(module, batches, loss, lambda module: 0.0, updates), recipe  # nothing is chosen by a score


def _read(module: nn.Module, signs: Tensor, state: Any) -> tuple[Tensor, Any]:
    out, state = module(nn.functional.one_hot(signs, SYMBOLS + 2).float(), state)
    return out, tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def accuracy(module: nn.Module, window: int, is_carried: bool) -> list[float]:
    """Accuracy by number of steps since the symbol was shown, from 1, on a held-out stream."""
    signs, wanted, ago = stream(ASKED_ROWS, ASKED_STEPS, Generator().manual_seed(ASKED_SEED))
    state, right = None, []
    with torch.inference_mode():
        for part, answers in zip(signs.split(window, 1), wanted.split(window, 1), strict=True):
            out, state = _read(module, part, state if is_carried else None)
            right.append(out.argmax(2) == answers)
    hits, asked = torch.cat(right, 1).double(), signs == ASK
    return [hits[asked & (ago == lag)].mean().item() for lag in range(1, FAR + 1)]


def questions() -> list[int]:
    """Number of answers behind each of those accuracies."""
    signs, _, ago = stream(ASKED_ROWS, ASKED_STEPS, Generator().manual_seed(ASKED_SEED))
    return [int(((signs == ASK) & (ago == lag)).sum()) for lag in range(1, FAR + 1)]
