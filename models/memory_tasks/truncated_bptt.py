"""Truncated backpropagation cuts learning, not memory: a network trained in short windows, its state carried over their borders or not.

A stream shows a symbol now and then and asks for the last one now and then. Each window is learnt from alone. Where the state is
carried over the border, what was learnt inside windows goes on working far outside; where it is set to zero, nothing does.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from models.memory_tasks.network import Learner
from models.training import Job, Recipe

SYMBOLS = 8
BLANK, ASK = SYMBOLS, SYMBOLS + 1
SHOWN, QUESTION = 0.05, 0.3  # how often a step shows a symbol, how often it asks
UNITS, ROWS, UPDATES, RATE = 32, 32, 800, 1e-2
FAR = 40  # longest distance that is asked about
ASKED_ROWS, ASKED_STEPS, ASKED_SEED = 64, 2000, 2**31


def stream(rows: int, steps: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Signs, the symbol shown last, and how many steps ago that was, each [row, time]; every row begins with a symbol."""
    chance = torch.rand(rows, steps, generator=generator)
    symbols = torch.randint(SYMBOLS, (rows, steps), generator=generator)
    signs = torch.where(chance < SHOWN, symbols, torch.where(chance < SHOWN + QUESTION, ASK, BLANK))
    signs[:, 0] = symbols[:, 0]
    at = torch.where(signs < SYMBOLS, torch.arange(steps), 0).cummax(1).values
    return signs, signs.gather(1, at), torch.arange(steps) - at


def job(kind: str, window: int, is_carried: bool, seed: int = 1, updates: int = UPDATES) -> tuple[Job, Recipe]:
    """What models.training.Trainer trains, and how.

    Args:
        kind: "rnn", "gru" or "lstm". window: steps of a window.
        is_carried: Whether the state goes on into the next window; the gradient never does.
        seed: Of weights and stream. updates: one for each window.
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
    """Share of right answers by how long ago the symbol was shown, the first of them 1 step, on a stream of its own."""
    signs, wanted, ago = stream(ASKED_ROWS, ASKED_STEPS, Generator().manual_seed(ASKED_SEED))
    state, right = None, []
    with torch.inference_mode():
        for part, answers in zip(signs.split(window, 1), wanted.split(window, 1), strict=True):
            out, state = _read(module, part, state if is_carried else None)
            right.append(out.argmax(2) == answers)
    hits, asked = torch.cat(right, 1).double(), signs == ASK
    return [hits[asked & (ago == lag)].mean().item() for lag in range(1, FAR + 1)]


def questions() -> list[int]:
    """How many answers each of those shares is of."""
    signs, _, ago = stream(ASKED_ROWS, ASKED_STEPS, Generator().manual_seed(ASKED_SEED))
    return [int(((signs == ASK) & (ago == lag)).sum()) for lag in range(1, FAR + 1)]
