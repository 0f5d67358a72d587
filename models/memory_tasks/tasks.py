"""Synthetic tasks that cannot be solved without memory, generated from a seed, each with its chance level."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from explorer.errors import ExplorerError

LETTERS = 4  # number of distractor letters in temporal order
CLOSE = 0.04  # tolerance of a correct answer in the adding task (Hochreiter and Schmidhuber, 1997)


class TaskError(ExplorerError):
    """The task does not exist, or the length is too short for it."""


@dataclass(frozen=True)
class Chance:
    """Chance level: the score of the best constant answer, which needs no memory.

    Args:
        loss: Mean loss, in the task's own measure.
        accuracy: Share of correct answers, 0..1.
    """

    loss: float
    accuracy: float


class Task(ABC):
    """A sequence task whose answer depends on an input many steps earlier.

    Attributes:
        features: Width of the input at each step.
        outputs: Width of an answer.
        shortest: Minimum number of steps.
        measure: Name of the loss.
    """

    name, says, measure = "", "", "nats"
    features, outputs, shortest = 0, 0, 10

    def answers(self, length: int) -> int:
        """Number of steps at the end of a sequence that have a target."""
        return 1

    @abstractmethod
    def reach(self, length: int) -> int:
        """Steps from the last one back to the latest possible position of the first input it depends on."""

    @abstractmethod
    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Sequences [batch, time, feature] and their targets, [batch, answer]."""

    def costs(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Loss of every answer, [batch, answer], from outputs [batch, answer, output] and targets [batch, answer]."""
        return nn.functional.cross_entropy(out.transpose(1, 2), wanted, reduction="none")

    def right(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Which answers that need memory are correct, [batch, answer] of 0 and 1; arguments as in `costs`: [batch, answer, ...]."""
        return (out.argmax(2) == wanted).double()

    @abstractmethod
    def chance(self, length: int) -> Chance:
        """Chance level at a length."""


class TemporalOrder(Task):
    """Two letters, X or Y each, among distractors; the answer is which letters occurred, in order.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, task 6a, with the positions of Pascanu, Mikolov and
    Bengio, 2013: the first in the second tenth of the sequence, the second in the fifth.
    """

    name, says = "temporal order", "Two letters, each X or Y, are hidden among others. Which came first, and which second?"
    features, outputs = LETTERS + 2, 4

    def reach(self, length: int) -> int:
        """Steps from the end back to the second tenth."""
        return length - length // 10 - max(1, length // 10)

    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Letters, one-hot [batch, time, letter], and the index of the order, 0..3, [batch, 1]."""
        letters = torch.randint(LETTERS, (count, length), generator=generator)
        signals = torch.randint(2, (count, 2), generator=generator)
        for index, start in enumerate((length // 10, 4 * length // 10)):
            at = start + torch.randint(max(1, length // 10), (count, 1), generator=generator)
            letters.scatter_(1, at, LETTERS + signals[:, index : index + 1])
        return nn.functional.one_hot(letters, self.features).float(), signals[:, :1] * 2 + signals[:, 1:]

    def chance(self, length: int) -> Chance:
        """Four equally likely orders: loss ln 4, accuracy 1/4."""
        return Chance(math.log(4), 1 / 4)


class Adding(Task):
    """Numbers between 0 and 1, one marked in each half; the answer is the sum of the two marked numbers.

    Answers within 0.04 count as correct.

    Source: Hochreiter and Schmidhuber, 1997, task 4, with the positions of Arjovsky, Shah and Bengio, 2016.
    """

    name, says, measure = "adding", "Two of many numbers between 0 and 1 are marked. What is their sum?", "squared error"
    features, outputs = 2, 1

    def reach(self, length: int) -> int:
        """Steps from the end back to the first half."""
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
        """Whether each answer [batch, answer, 1] is within 0.04 of its target [batch, answer]."""
        return ((out[:, :, 0] - wanted).abs() < CLOSE).double()

    def chance(self, length: int) -> Chance:
        """The constant answer 1: the sum has variance 2/12 and a triangular density, with 1 - (1 - 0.04)^2 within 0.04 of 1."""
        return Chance(1 / 6, 1 - (1 - CLOSE) ** 2)


class Copying(Task):
    """A few symbols, a long blank, then a mark, after which the symbols must be repeated in order.

    The loss is counted at every step, including those with a blank target; accuracy only where the target is a symbol.

    Source: Hochreiter and Schmidhuber, 1997; as in Arjovsky, Shah and Bengio, 2016, with fewer symbols.
    """

    name, says = "copying", "Some symbols, then a long pause, then a signal. Repeat the symbols in order."

    def __init__(self, kept: int = 2, symbols: int = 4):
        self.kept, self.symbols = kept, symbols
        self.features, self.outputs, self.shortest = symbols + 2, symbols + 1, max(10, 2 * kept + 1)

    def answers(self, length: int) -> int:
        """Every step."""
        return length

    def reach(self, length: int) -> int:
        """Steps from the last repeated symbol back to the last symbol read."""
        return length - self.kept

    def draw(self, count: int, length: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Symbols, blanks and the mark, one-hot [batch, time, symbol], and the target at each step, [batch, time]."""
        kept, blank = self.kept, self.symbols
        symbols = torch.randint(self.symbols, (count, kept), generator=generator)
        read, said = torch.full((2, count, length), blank)
        read[:, :kept], said[:, -kept:] = symbols, symbols
        read[:, -kept - 1] = blank + 1
        return nn.functional.one_hot(read, self.features).float(), said

    def right(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Which of the symbols are correct, [batch, symbol]; out [batch, time, output], wanted [batch, time]."""
        return super().right(out[:, -self.kept :], wanted[:, -self.kept :])

    def chance(self, length: int) -> Chance:
        """Blanks where the target is blank and a random symbol at the end: loss K ln S over all steps, accuracy 1/S."""
        return Chance(self.kept * math.log(self.symbols) / length, 1 / self.symbols)


TASKS: dict[str, Task] = {task.name: task for task in (TemporalOrder(), Adding(), Copying())}


def task_of(name: str, length: int) -> Task:
    """A task by its name.

    Raises:
        TaskError: there is no task of that name, or it needs more steps.
    """
    if name not in TASKS:
        raise TaskError(f"There is no task called {name!r}. Known: {', '.join(TASKS)}.")
    if length < TASKS[name].shortest:
        raise TaskError(f"A sequence of {length} steps is too short for {name}; expected {TASKS[name].shortest} or more.")
    return TASKS[name]
