"""A small network for a memory task; its training is reproducible from a seed."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from models.memory_tasks.tasks import Task, TaskError, task_of
from models.recurrent import CELLS, set_forget_bias
from models.training import Job, Recipe

# Peak learning rate of each kind. Over 40 steps a plain RNN stays at chance with 0.0005, 0.001, 0.002 and 0.005; an LSTM learns
# temporal order there with 0.003 and 0.005, and with 0.01 only for some seeds.
RATES = {"rnn": 2e-3, "gru": 1e-2, "lstm": 3e-3}
OF_TASK = {("adding", "lstm"): 1e-2, ("copying", "lstm"): 2e-2}  # exceptions for single tasks
BATCH = 32
BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}  # weighted sums of input and state per unit
HELD_OUT, HELD_OUT_SEED = 500, 2**31  # number of held-out sequences, and their seed


@dataclass(frozen=True)
class Setup:
    """Specification of a training, sufficient to reproduce it.

    Args:
        task: A key of models.memory_tasks.tasks.TASKS.
        kind: "rnn" (tanh), "gru" or "lstm".
        length: Steps of each sequence.
        units: Number of units.
        updates: Number of updates.
        looks: Number of measurements during training.
        seed: Random seed.

    Raises:
        TaskError: there is no such task or kind, or the length is too short for the task.
    """

    task: str = "temporal order"
    kind: str = "lstm"
    length: int = 20
    units: int = 32
    updates: int = 1000
    looks: int = 40
    seed: int = 1

    def __post_init__(self) -> None:
        task_of(self.task, self.length)
        if self.kind not in CELLS:
            raise TaskError(f"There is no network of kind {self.kind!r}. Known: {', '.join(CELLS)}.")
        if min(self.units, self.updates, self.looks) < 1:
            raise TaskError(f"units, updates and looks are {self.units}, {self.updates}, {self.looks}; expected 1 or more of each.")

    @property
    def what(self) -> Task:
        """The task itself."""
        return task_of(self.task, self.length)


class Learner(nn.Module):
    """One recurrent layer with a linear output layer at every step.

    Its weights are initialised as in torch, but from a separate generator, so that parallel trainings do not affect each other.
    The forget bias of an LSTM starts at 1, as everywhere in this project.

    Args:
        kind: "rnn", "gru" or "lstm".
        features: Width of the input.
        units: Number of units.
        outputs: Width of the output.
        generator: Random generator of the weights.
    """

    def __init__(self, kind: str, features: int, units: int, outputs: int, generator: Generator):
        super().__init__()
        self.rnn = CELLS[kind](features, units, batch_first=True)
        self.readout = nn.Linear(units, outputs)
        draw(self, units, generator)
        if kind == "lstm":
            set_forget_bias(self.rnn)

    def forward(self, x: Tensor, state=None) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Outputs [batch, time, output] after each of x [batch, time, feature], and the final state."""
        hidden, state = self.rnn(x, state)
        return self.readout(hidden), state


def draw(module: nn.Module, units: int, generator: Generator) -> None:
    """Initialises all weights uniformly in ±1/√units, as torch does for recurrent layers and for linear layers of this width."""
    for weights in module.parameters():
        nn.init.uniform_(weights, -1 / math.sqrt(units), 1 / math.sqrt(units), generator=generator)


def learner(setup: Setup) -> Learner:
    """The untrained network."""
    task = setup.what
    return Learner(setup.kind, task.features, setup.units, task.outputs, Generator().manual_seed(setup.seed))


def parameters(setup: Setup) -> int:
    """Number of parameters of the network, counted from its shapes."""
    units, task = setup.units, setup.what
    return BLOCKS[setup.kind] * units * (task.features + units + 2) + (units + 1) * task.outputs


def matched(setup: Setup) -> Setup:
    """The same training of a plain RNN that has as many parameters as an LSTM with these units, or as near as whole units allow."""
    wanted = parameters(replace(setup, kind="lstm"))
    wider = [replace(setup, kind="rnn", units=units) for units in range(setup.units, 4 * setup.units + 1)]
    return min(wider, key=lambda rnn: abs(parameters(rnn) - wanted))


def recipe(setup: Setup) -> Recipe:
    """The training recipe: one pass, with a new batch for every update."""
    looks = min(setup.looks, setup.updates)
    rate = OF_TASK.get((setup.task, setup.kind), RATES[setup.kind])
    return Recipe(1, batch=BATCH, steps=setup.length, learning_rate=rate, checks=looks, patience=looks + 1, seed=setup.seed)


def job(setup: Setup, score: Callable[[nn.Module], float]) -> Job:
    """The job for models.training.Trainer; `score(module)` is called at each measurement."""
    task, answers = setup.what, setup.what.answers(setup.length)

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = Generator().manual_seed(setup.seed + 1 + epoch)
        for _ in range(setup.updates):
            yield task.draw(BATCH, setup.length, generator)

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor], carry: None) -> tuple[Tensor, None]:
        return task.costs(module(batch[0])[0][:, -answers:], batch[1]).mean(), None

    return Job(learner(setup), batches, loss, score, setup.updates)


def held_out(setup: Setup, count: int = HELD_OUT) -> tuple[Tensor, Tensor]:
    """Held-out sequences [batch, time, feature] and their targets [batch, answer]; the same for every seed."""
    return setup.what.draw(count, setup.length, Generator().manual_seed(HELD_OUT_SEED))


def scores(module: nn.Module, setup: Setup) -> tuple[float, float]:
    """Mean loss and accuracy on held-out sequences."""
    x, wanted = held_out(setup)
    with torch.inference_mode():
        out = module(x)[0][:, -setup.what.answers(setup.length) :]
        return setup.what.costs(out, wanted).mean().item(), setup.what.right(out, wanted).mean().item()
