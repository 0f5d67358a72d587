"""The one training loop: schedule, clipping, early stopping, and a state on disk from which it goes on."""

import io
import math
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models import checkpoint, training_state
from models.checkpoint import Loaded
from models.corpora import ROOT
from models.family import IS_PROJECT, TrainingError
from models.files import write_atomically
from models.training_state import Kept, State, first_line


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; stored in its card.

    Args:
        epochs: Passes over the training data; the learning rate falls to a hundredth over them, as a cosine.
        batch: Sequences side by side. steps: length of a window of truncated backpropagation.
        learning_rate: Highest rate of AdamW, reached after `warmup` of all updates.
        clip: Largest norm of the whole gradient. decay: weight decay.
        checks: Dev scores an epoch. patience: checks without a better score before it stops.
        average: Decay of an exponential average of the weights, near 1: the average is what is scored and kept. 0 keeps the
            weights themselves.
        precision: Of the forward pass, "float32" or "bfloat16" (autocast); the weights stay float32.
        shifted: Whether a text is read from another character on in each epoch but the first, so that rows and windows of
            truncated backpropagation have other borders.
    """

    epochs: float
    batch: int = 16
    steps: int = 128
    learning_rate: float = 2e-3
    warmup: float = 0.02
    clip: float = 1.0
    decay: float = 0.0
    checks: int = 2
    patience: int = 6
    seed: int = 1
    average: float = 0.0
    precision: str = "float32"
    shifted: bool = False

    def lasting(self, epochs: float | None) -> "Recipe":
        """The same for other epochs; None leaves them as they are."""
        return self if epochs is None else replace(self, epochs=epochs)


@dataclass(frozen=True)
class Job:
    """What a kind of model brings to the loop.

    Args:
        module: The network to train.
        batches: `batches(epoch)` gives the same batches in the same order each time it is called for an epoch.
        loss: `loss(module, batch, carry)` gives the mean loss of a batch and what is carried to the next.
        score: `score(module)` gives the dev score; lower is better.
        updates: Number of batches in an epoch.
    """

    module: nn.Module
    batches: Callable[[int], Iterator[Any]]
    loss: Callable[[nn.Module, Any, Any], tuple[Tensor, Any]]
    score: Callable[[nn.Module], float]
    updates: int


def rate(update: int, total: int, recipe: Recipe) -> float:
    """Learning rate at an update: linear warm-up, then half a cosine down to a hundredth.

    It depends on the update alone, so a state file holds no scheduler, and every one that was ever written goes on.
    """
    warm = max(1, int(recipe.warmup * total))
    if update < warm:
        return recipe.learning_rate * (update + 1) / warm
    done = (update - warm) / max(1, total - warm)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Trainer:
    """A training that can stop at any time and go on from its state file.

    Args:
        job: Network, data and losses.
        recipe: Schedule and sizes.
        path: State file; where it exists, training goes on from it. None keeps nothing on disk.
        report: Called with one dict after each dev score: update, epoch, train, dev, rate, seconds.
    """

    def __init__(self, job: Job, recipe: Recipe, path: Path | None, report: Callable[[dict], None] = lambda row: None):
        self.job, self.recipe, self.path, self.report = job, recipe, path, report
        self.total = int(recipe.epochs * job.updates)
        self.optimiser = torch.optim.AdamW(job.module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay, fused=True)
        self.averaged = AveragedModel(job.module, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)) if recipe.average else None
        self.update, self.carry, self.seconds, self.stale = 0, None, 0.0, 0
        self.resumed_at = -1
        self.curve: list[dict] = []
        self.best: dict[str, Tensor] = {}
        if path is not None and path.exists():
            self._resume(path)

    def _resume(self, path: Path) -> None:
        state = training_state.read(path, State, device=None)
        if Recipe(**state["recipe"]) != self.recipe:  # an older file lacks the newer fields
            raise ValueError(f"{path} was written by another recipe ({state['recipe']}); delete it to start anew.")
        if state["update"] > self.total:
            raise ValueError(f"it is damaged: update {state['update']} of {self.total}.")
        self.job.module.load_state_dict(state["module"])
        shapes = {name: weights.shape for name, weights in self.job.module.state_dict().items()}
        if state["best"] and {name: weights.shape for name, weights in state["best"].items()} != shapes:
            raise ValueError("its best weights are of another network.")
        self._resume_optimiser(state["optimiser"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.update, self.carry, self.seconds, self.stale = (state[k] for k in ("update", "carry", "seconds", "stale"))
        self.curve, self.best = state["curve"], state["best"]
        self.resumed_at = self.update
        torch.set_rng_state(state["rng"])

    def _resume_optimiser(self, state: dict[str, Any]) -> None:
        """Take on the optimiser's averages; torch itself accepts those of another network, and other settings."""
        before = [{key: group[key] for key in group.keys() - {"lr", "params"}} for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state)
        for group, settings in zip(self.optimiser.param_groups, before, strict=True):
            if any(group.get(key, value) != value for key, value in settings.items()):
                raise ValueError("its optimiser has other settings.")
        for weights, averages in self.optimiser.state.items():
            if any(averages[key].shape != weights.shape for key in ("exp_avg", "exp_avg_sq")) or averages["step"].numel() != 1:
                raise ValueError("its optimiser is of another network.")

    def save(self) -> None:
        """Write the state file, if there is one; training goes on from here if it is stopped."""
        if self.path is None:
            return
        state = {"recipe": asdict(self.recipe), "module": self.job.module.state_dict(), "optimiser": self.optimiser.state_dict()}
        state |= {k: getattr(self, k) for k in ("update", "carry", "seconds", "stale", "curve", "best")}
        if self.averaged is not None:
            state["averaged"] = self.averaged.state_dict()
        content = io.BytesIO()
        torch.save(state | {"rng": torch.get_rng_state()}, content)
        write_atomically(self.path, content.getbuffer())

    def run(self, every: Callable[[int, int], None] = lambda update, total: None) -> dict[str, Tensor]:
        """Train to the end and return the best weights on dev; `every(update, total)` follows each update."""
        check_at = max(1, self.job.updates // self.recipe.checks)
        losses: list[float] = []
        started = saved = time.monotonic()
        while self.update < self.total and self.stale < self.recipe.patience:
            epoch, inside = divmod(self.update, self.job.updates)
            if inside == 0:
                self.carry = None
            for index, batch in enumerate(self.job.batches(epoch)):
                if index < inside:
                    continue
                losses.append(self._step(batch))
                every(self.update, self.total)
                if self.update % check_at == 0 or self.update == self.total:
                    self.seconds += time.monotonic() - started
                    started = time.monotonic()
                    self._check(losses)
                    losses = []
                if time.monotonic() - saved > 60:
                    self.save()
                    saved = time.monotonic()
                if self.update >= self.total or self.stale >= self.recipe.patience:
                    break
        self.save()
        return self.best

    def _step(self, batch: Any) -> float:
        module = self.job.module.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.update, self.total, self.recipe)
        device = next(module.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
            loss, carry = self._loss(module, batch)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), self.recipe.clip)
        self.optimiser.step()
        if self.averaged is not None:
            self.averaged.update_parameters(module)
        self.carry = carry
        self.update += 1
        return loss.item()

    def _loss(self, module: nn.Module, batch: Any) -> tuple[Tensor, Any]:
        """The loss of a batch. Whether what a state file carries fits the network shows here, at the first."""
        try:
            return self.job.loss(module, batch, self.carry)
        except RuntimeError as error:
            if self.update != self.resumed_at or self.carry is None:
                raise
            raise TrainingError(f"The training cannot go on from {self.path}: {first_line(error)}") from None

    def _check(self, losses: list[float]) -> None:
        module: nn.Module = self.job.module if self.averaged is None else self.averaged.module
        dev = self.job.score(module.eval())
        if dev < min((row["dev"] for row in self.curve), default=math.inf):
            self.best = {k: v.detach().cpu().clone() for k, v in module.state_dict().items()}
            self.stale = 0
        else:
            self.stale += 1
        row = {"update": self.update, "epoch": self.update / self.job.updates, "train": sum(losses) / max(1, len(losses))}
        row |= {"dev": dev, "rate": rate(self.update, self.total, self.recipe), "seconds": self.seconds}
        self.curve.append(row)
        self.report(row)


def resume(job: Job, recipe: Recipe, state: Path) -> Trainer:
    """A training that begins, or goes on from its state file where there is one.

    Raises:
        TrainingError: the state file is damaged, or of another recipe, network or data.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        return Trainer(job, recipe, state)
    except TrainingError:
        raise
    except Exception as error:  # what a damaged file makes torch raise is of many kinds
        raise TrainingError(f"The training cannot go on from {state}: {first_line(error)}") from None


def kept_state(path: Path) -> dict[str, Any]:
    """What a training left in its state file: best weights, curve, recipe.

    Raises:
        TrainingError: there is no such file, it is damaged, or it has no score yet.
    """
    state = training_state.read(path, Kept)
    if not state["best"]:
        raise TrainingError(f"{path} holds no scored weights yet. Expected the state file of a training after its first dev score.")
    return state


def restore(module: nn.Module, state: Path, fits: str) -> dict[str, Any]:
    """Give a network the best weights of a training; what the training left comes back, see `kept_state`.

    Args:
        module: As the recipe builds it.
        state: State file of the training, running or finished.
        fits: What the weights should fit, for the sentence if they do not: "wiki-lstm and this text".

    Raises:
        TrainingError: the state is none, has no score yet, or is of another network.
    """
    kept = kept_state(state)
    try:
        module.load_state_dict(kept["best"])
    except RuntimeError as error:
        raise TrainingError(f"{state} does not fit {fits}: {str(error).splitlines()[-1].strip()}") from None
    return kept


def pack(
    module: nn.Module, kept: dict[str, Any], card: dict[str, Any], target: Path, measure: Callable[[Loaded], dict[str, Any]]
) -> dict[str, Any]:
    """Write a checkpoint with its full card, and give the card.

    `measure` gets what ships: the weights as the file holds them, in float16. The file then has the fields that it gives.

    Args:
        module: The trained network.
        kept: What its training left, see `restore`.
        card: All that is known before scoring; `recipe` and `curve` are those of the training where it has none.
        target: The checkpoint to write.
        measure: Gives scores, and what else the card should hold.
    """
    parameters = sum(weights.numel() for weights in module.parameters())
    card |= {key: kept[key] for key in ("recipe", "curve") if key not in card}
    card |= {"seed": kept["recipe"]["seed"], "commit": commit(), "parameters": parameters}
    checkpoint.save(module, card | measure(checkpoint.as_saved(module, card, target)), target)
    return checkpoint.read_card(target)


def commit() -> str | None:
    """The commit of the code, where it lies in a git checkout of the project."""
    if not IS_PROJECT:
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
