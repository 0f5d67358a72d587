"""Tasks that need memory: their answers follow from the sequence, and guessers reach exactly the stated chance."""

import pytest
import torch
from torch import Generator, Tensor

from models.memory_tasks.tasks import TASKS, Adding, Copying, TaskError, TemporalOrder, task_of

MANY = 20_000


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def guessed(name: str, wanted: Tensor) -> Tensor:
    """The best answer that is the same for every sequence, [batch, answer, output]."""
    task = TASKS[name]
    out = torch.zeros(*wanted.shape, task.outputs)
    if name == "adding":
        out += 1
    if isinstance(task, Copying):
        out[:, : -task.kept, task.symbols] = 50.0  # sure of the blanks
        out[:, -task.kept :, task.symbols] = -50.0  # and that none is due at the end
        out += 1e-3 * torch.rand(out.shape, generator=seeded(9))  # any symbol, not always the first
    return out


@pytest.mark.parametrize("length", [10, 25])
@pytest.mark.parametrize("name", list(TASKS))
def test_a_guesser_reaches_the_stated_chance(name: str, length: int):
    task = task_of(name, length)
    _, wanted = task.draw(MANY, length, seeded())
    out, chance = guessed(name, wanted), task.chance(length)
    assert task.costs(out, wanted).mean().item() == pytest.approx(chance.loss, rel=0.02)
    assert task.right(out, wanted).mean().item() == pytest.approx(chance.accuracy, rel=0.06)


@pytest.mark.parametrize("length", [10, 25])
@pytest.mark.parametrize("name", list(TASKS))
def test_no_other_constant_answer_is_better(name: str, length: int):
    task = task_of(name, length)
    _, wanted = task.draw(MANY, length, seeded())
    out = guessed(name, wanted)
    best = task.costs(out, wanted).mean()
    for seed in range(5):
        other = out + 0.3 * torch.randn(out.shape[1:], generator=seeded(seed))
        assert task.costs(other, wanted).mean() > best


def test_temporal_order_by_hand():
    x, wanted = TemporalOrder().draw(200, 20, seeded())
    for row, answer in zip(x.argmax(2).tolist(), wanted[:, 0].tolist(), strict=True):
        marks = [(step, sign - 4) for step, sign in enumerate(row) if sign >= 4]
        assert [2 <= marks[0][0] < 4, 8 <= marks[1][0] < 10, len(marks)] == [True, True, 2]
        assert answer == 2 * marks[0][1] + marks[1][1]
        assert 19 - marks[0][0] >= TemporalOrder().reach(20)
    assert len(set(wanted[:, 0].tolist())) == 4


def test_adding_by_hand():
    x, wanted = Adding().draw(200, 11, seeded())
    for row, answer in zip(x.tolist(), wanted[:, 0].tolist(), strict=True):
        marked = [(step, value) for step, (value, mark) in enumerate(row) if mark]
        assert [marked[0][0] < 5, marked[1][0] >= 5, len(marked)] == [True, True, 2]
        assert answer == pytest.approx(sum(value for _, value in marked), abs=1e-6)
        assert 10 - marked[0][0] >= Adding().reach(11)
    near, far = torch.tensor([[[1.03]]]), torch.tensor([[[1.05]]])
    assert Adding().right(near, torch.ones(1, 1)).item() == 1 and Adding().right(far, torch.ones(1, 1)).item() == 0


def test_copying_by_hand():
    task = Copying(kept=3, symbols=8)
    x, wanted = task.draw(50, 12, seeded())
    for row, answer in zip(x.argmax(2).tolist(), wanted.tolist(), strict=True):
        assert row[3:] == [8] * 5 + [9] + [8] * 3 and answer == [8] * 9 + row[:3]
    assert task.reach(12) == 9, "the last answer, step 11, is the symbol of step 2"


@pytest.mark.parametrize("name", list(TASKS))
def test_the_same_seed_draws_the_same(name: str):
    (x, wanted), (again, also), (other, _) = (TASKS[name].draw(8, 15, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(x, again) and torch.equal(wanted, also) and not torch.equal(x, other)


def test_what_does_not_exist_gets_a_sentence():
    with pytest.raises(TaskError, match=r"no task called 'sorting'. Known: temporal order, adding, copying"):
        task_of("sorting", 20)
    with pytest.raises(TaskError, match="A sequence of 9 steps is too short for copying; expected 10 or more"):
        task_of("copying", 9)
