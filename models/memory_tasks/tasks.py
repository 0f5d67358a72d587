"""Tasks that nobody solves without memory, made at random from a seed, each with what a guesser reaches."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from explorer.errors import ExplorerError

LETTERS = 4  # of temporal order that mean nothing
CLOSE = 0.04  # an answer of the adding task counts as right within this distance (Hochreiter and Schmidhuber, 1997)


class TaskError(ExplorerError):
    """A task that does not exist, or a length that it has no room in."""


@dataclass(frozen=True)
class Chance:
    """What is reached without memory: by the best answer that is the same for every sequence.

    Args:
        loss: Mean cost, in the task's own measure. accuracy: share of right answers, 0..1.
    """

    loss: float
    accuracy: float


class Task(ABC):
    """A sequence to read, with something to be answered that stood in it long before.

    features: width of what is read at each step. outputs: width of an answer. shortest: steps it needs at least.
    measure: of the loss.
    """

    name, says, measure = "", "", "nats"
    features, outputs, shortest = 0, 0, 10

    def answers(self, length: int) -> int:
        """How many steps at the end of a sequence are answered."""
        return 1

    @abstractmethod
    def reach(self, length: int) -> int:
        """Steps back from the last one to the latest place where the first thing to be remembered for it may stand."""

    @abstractmethod
    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Sequences [batch, time, feature] and what is wanted of them, [batch, answer]."""

    def costs(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Cost of every answer, [batch, answer], from what a network says [batch, answer, output] and what was wanted [batch, answer]."""
        return nn.functional.cross_entropy(out.transpose(1, 2), wanted, reduction="none")

    def right(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Which answers that need memory are right, [batch, answer] of 0 and 1; arguments as `costs`: [batch, answer, ...]."""
        return (out.argmax(2) == wanted).double()

    @abstractmethod
    def chance(self, length: int) -> Chance:
        """What a guesser reaches at a length."""


class TemporalOrder(Task):
    """Two letters X or Y among others that mean nothing: which two came, and in which order?

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, task 6a, with the places of Pascanu, Mikolov and
    Bengio, 2013: the first in the second tenth of the sequence, the second in the fifth.
    """

    name, says = "temporal order", "Two letters, each X or Y, are hidden among others. Which came first, and which second?"
    features, outputs = LETTERS + 2, 4

    def reach(self, length: int) -> int:
        """From the end back to the second tenth."""
        return length - length // 10 - max(1, length // 10)

    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Letters, one-hot [batch, time, letter], and the number of the order 0..3, [batch, 1]."""
        letters = torch.randint(LETTERS, (count, length), generator=generator)
        signals = torch.randint(2, (count, 2), generator=generator)
        for index, start in enumerate((length // 10, 4 * length // 10)):
            at = start + torch.randint(max(1, length // 10), (count, 1), generator=generator)
            letters.scatter_(1, at, LETTERS + signals[:, index : index + 1])
        return nn.functional.one_hot(letters, self.features).float(), signals[:, :1] * 2 + signals[:, 1:]

    def chance(self, length: int) -> Chance:
        """Four orders that are equally likely: ln 4, and one of four."""
        return Chance(math.log(4), 1 / 4)


class Adding(Task):
    """Numbers between 0 and 1, two of them marked: what is the sum of the two?

    One is marked in each half. Answers within 0.04 count as right.

    Source: Hochreiter and Schmidhuber, 1997, task 4, with the places of Arjovsky, Shah and Bengio, 2016.
    """

    name, says, measure = "adding", "Two of many numbers between 0 and 1 are marked. What is their sum?", "squared error"
    features, outputs = 2, 1

    def reach(self, length: int) -> int:
        """From the end back to the first half."""
        return length - length // 2

    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Numbers and marks [batch, time, 2], and the sum, [batch, 1]."""
        numbers, marks = torch.rand(count, length, generator=generator), torch.zeros(count, length)
        half = length // 2
        for start, room in ((0, half), (half, length - half)):
            marks.scatter_(1, start + torch.randint(room, (count, 1), generator=generator), 1.0)
        return torch.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdim=True)

    def costs(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Squared error, [batch, answer], of [batch, answer, 1] against [batch, answer]."""
        return (out[:, :, 0] - wanted) ** 2

    def right(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Whether each answer [batch, answer, 1] lies within 0.04 of what was wanted [batch, answer]."""
        return ((out[:, :, 0] - wanted).abs() < CLOSE).double()

    def chance(self, length: int) -> Chance:
        """Always 1: the variance of the sum is 2/12; the sum's density is a triangle, of which 1 - (1 - 0.04)^2 lies within 0.04 of 1."""
        return Chance(1 / 6, 1 - (1 - CLOSE) ** 2)


class Copying(Task):
    """A few symbols, a long blank, a mark: now say the symbols again, in order.

    Costs are counted at every step, also where a blank is wanted; accuracy only where a symbol is.

    Source: Hochreiter and Schmidhuber, 1997; as in Arjovsky, Shah and Bengio, 2016, with fewer symbols to keep.
    """

    name, says = "copying", "Some symbols, then a long pause, then a signal. Repeat the symbols in order."

    def __init__(self, kept: int = 2, symbols: int = 4):
        self.kept, self.symbols = kept, symbols
        self.features, self.outputs, self.shortest = symbols + 2, symbols + 1, max(10, 2 * kept + 1)

    def answers(self, length: int) -> int:
        """Every step."""
        return length

    def reach(self, length: int) -> int:
        """The symbol that is said last is the last of those read."""
        return length - self.kept

    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Symbols, blanks and the mark, one-hot [batch, time, symbol], and what is to be said at each step, [batch, time]."""
        kept, blank = self.kept, self.symbols
        symbols = torch.randint(self.symbols, (count, kept), generator=generator)
        read, said = torch.full((2, count, length), blank)
        read[:, :kept], said[:, -kept:] = symbols, symbols
        read[:, -kept - 1] = blank + 1
        return nn.functional.one_hot(read, self.features).float(), said

    def right(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Which of the symbols are right, [batch, symbol]; out [batch, time, output], wanted [batch, time]."""
        return super().right(out[:, -self.kept :], wanted[:, -self.kept :])

    def chance(self, length: int) -> Chance:
        """Blanks where blanks are due and any symbol at the end: K ln S over all steps, one of S symbols right."""
        return Chance(self.kept * math.log(self.symbols) / length, 1 / self.symbols)


TASKS: dict[str, Task] = {task.name: task for task in (TemporalOrder(), Adding(), Copying())}


def task_of(name: str, length: int) -> Task:
    """A task by its name.

    Raises:
        TaskError: there is none of that name, or it needs more steps.
    """
    if name not in TASKS:
        raise TaskError(f"There is no task called {name!r}. Known: {', '.join(TASKS)}.")
    if length < TASKS[name].shortest:
        raise TaskError(f"A sequence of {length} steps has no room for {name}; expected {TASKS[name].shortest} or more.")
    return TASKS[name]
