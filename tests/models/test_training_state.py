"""Damaged states of trainings: each gets a sentence that names the file, none is accepted in silence, and nothing is left behind."""

import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.family import TrainingError
from models.training import Job, Recipe, Trainer, kept_state, resume

RECIPE = Recipe(epochs=2, checks=2, learning_rate=0.1, average=0.5)


def job() -> Job:
    torch.manual_seed(0)
    module = nn.Linear(2, 1)

    def loss(network: nn.Module, batch: torch.Tensor, carry: Any) -> tuple[torch.Tensor, Any]:
        before = torch.zeros(2) if carry is None else carry
        return (network(batch + before) - 1).square().mean(), batch * 0.1

    return Job(
        module, lambda epoch: iter(torch.eye(2).repeat(3, 1)), loss, lambda network: float(network.weight.detach().square().sum()), 6
    )


def stopped(path: Path) -> Path:
    """The state of a training that was stopped in the middle of its second epoch."""

    def every(update: int, total: int) -> None:
        if update == 8:
            trainer.save()
            raise KeyboardInterrupt

    trainer = Trainer(job(), RECIPE, path)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(every)
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    return stopped(tmp_path_factory.mktemp("states") / "tiny.pt").read_bytes()


@pytest.fixture
def path(sound: bytes, tmp_path) -> Path:
    (tmp_path / "tiny.pt").write_bytes(sound)
    return tmp_path / "tiny.pt"


def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Put another state into the file, with right checksums."""
    state = torch.load(path, weights_only=True)
    torch.save(change(state) or state, path)


def refused(path: Path) -> str:
    """The sentence with which a damaged state is refused."""
    with pytest.raises(TrainingError) as caught:
        resume(job(), RECIPE, path).run()
    assert str(path) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 2_100
    assert os.listdir(path.parent) == ["tiny.pt"]
    return str(caught.value)


def test_a_sound_state_goes_on(path: Path):
    whole = Trainer(job(), RECIPE, None)
    whole.run()
    trainer = resume(job(), RECIPE, path)
    assert trainer.update == 8
    trainer.run()
    assert all(torch.equal(values, whole.best[name]) for name, values in trainer.best.items()) and trainer.update == whole.update == 12


FIELDS = ("recipe", "module", "optimiser", "update", "carry", "seconds", "stale", "curve", "best", "averaged", "rng")


@pytest.mark.parametrize("field", FIELDS)
def test_a_state_that_lacks_a_field_is_refused(path: Path, field: str):
    changed(path, lambda state: {name: value for name, value in state.items() if name != field})
    refused(path)


@pytest.mark.parametrize("value", ["text", -1, 10**30, math.nan, [1], {"a": 1}], ids=str)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_another_form_is_refused(path: Path, field: str, value: Any):
    changed(path, lambda state: state | {field: value})
    refused(path)


def averages(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    return state["optimiser"]["state"][0]


SUBTLE = {
    "no state": lambda state: [1, 2],
    "beyond the end": lambda state: state | {"update": 13},
    "a truth as number": lambda state: state | {"update": True},
    "never better": lambda state: state | {"stale": 99},
    "best without curve": lambda state: state | {"curve": []},
    "curve from the end": lambda state: state | {"curve": state["curve"][::-1]},
    "curve of the future": lambda state: state["curve"][-1].update(update=12),
    "a score of text": lambda state: state["curve"][0].update(dev="good"),
    "best of another network": lambda state: state["best"].update(weight=torch.zeros(3, 1)),
    "best of no numbers": lambda state: state["best"].update(weight=torch.full((1, 2), math.nan)),
    "best of lists": lambda state: state["best"].update(weight=[[1.0, 2.0]]),
    "nothing best": lambda state: state | {"best": {}},
    "weights of another network": lambda state: state["module"].update(weight=torch.zeros(3, 1)),
    "weights missing": lambda state: state["module"].pop("weight") is None or None,
    "averages of another network": lambda state: averages(state).update(exp_avg=torch.zeros(1)),
    "averages missing": lambda state: averages(state).pop("exp_avg_sq") is None or None,
    "averages of text": lambda state: averages(state).update(exp_avg="text"),
    "steps of text": lambda state: averages(state).update(step="text"),
    "no averages": lambda state: state["optimiser"]["state"].clear(),
    "another optimiser": lambda state: state["optimiser"]["param_groups"][0].update(betas=(0.0, 0.0)),
    "another recipe": lambda state: state["recipe"].update(batch=3),
    "a recipe with more": lambda state: state["recipe"].update(colour="red"),
    "carried from another network": lambda state: state | {"carry": torch.zeros(7)},
    "random numbers too few": lambda state: state | {"rng": torch.zeros(3, dtype=torch.uint8)},
    "long names": lambda state: state["best"].update({"n" * 100_000: torch.zeros(1)}),
}


@pytest.mark.parametrize("what", SUBTLE)
def test_a_state_whose_parts_do_not_fit_together_is_refused(path: Path, what: str):
    changed(path, SUBTLE[what])
    refused(path)


def test_a_state_cut_short_anywhere_is_refused(path: Path, sound: bytes):
    for length in (0, 1, 100, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:length])
        refused(path)
        with pytest.raises(TrainingError, match=r"is not the state file of a training \(.*\)"):
            kept_state(path)


def test_a_flipped_byte_is_refused_or_changes_nothing(path: Path, sound: bytes):
    whole = resume(job(), RECIPE, path).run()
    refusals = 0
    for at in np.random.default_rng(0).choice(len(sound), 150, replace=False):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x15]) + sound[at + 1 :])
        try:
            best = resume(job(), RECIPE, path).run()
        except TrainingError as error:
            refusals += 1
            assert str(path) in str(error)
        else:
            assert all(torch.equal(values, whole[name]) for name, values in best.items()), at
    assert refusals > 20


def test_a_state_that_unfolds_to_far_more_is_not_unfolded(path: Path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    assert "it is compressed" in refused(path)


@pytest.mark.parametrize(
    "lacking",
    [MemoryError(), torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes")],
    ids=["Python", "CUDA", "CPU"],
)
def test_too_little_memory_is_no_fault_of_the_file(path: Path, sound: bytes, lacking: Exception, monkeypatch):
    def load(*_, **__):
        raise lacking

    monkeypatch.setattr(torch, "load", load)
    sentence = refused(path)
    assert sentence == f"{path} needs more memory than is free. Close other programs and try again; the file is kept."
    assert path.read_bytes() == sound


def test_a_pipe_is_no_state(tmp_path):
    os.mkfifo(tmp_path / "tiny.pt")
    assert "it is a pipe or a device" in refused(tmp_path / "tiny.pt")


def test_a_disk_that_fills_up_leaves_the_last_state(path: Path, sound: bytes, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    trainer = resume(job(), RECIPE, path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        trainer.run()
    assert os.listdir(path.parent) == ["tiny.pt"] and path.read_bytes() == sound
