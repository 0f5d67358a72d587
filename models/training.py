"""The training loop of all networks: schedule, gradient clipping, early stopping, and a state file to resume from."""

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
from models.precision import forward_in
from models.training_state import Kept, State, first_line


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training; stored in the card.

    Args:
        epochs: Passes over the training data; the learning rate decays to a hundredth over them, along a cosine.
        batch: Sequences per batch.
        steps: Length of a window of truncated backpropagation.
        learning_rate: Peak learning rate of AdamW, reached at the end of the warm-up.
        warmup: Share of all updates for the warm-up.
        clip: Maximum norm of the whole gradient.
        decay: Weight decay.
        checks: Dev scores per epoch.
        patience: Number of dev scores without improvement after which training stops.
        average: Decay of an exponential average of the weights, near 1; the averaged weights are scored and saved. 0 uses the
            weights themselves.
        precision: Precision of the forward pass, "float32" or "bfloat16" (see `models.precision`); the weights stay float32.
        shifted: Whether each epoch after the first starts at a different character of a text, so that rows and windows of
            truncated backpropagation have different borders.
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
        """The same recipe with another number of epochs; None for no change."""
        return self if epochs is None else replace(self, epochs=epochs)


@dataclass(frozen=True)
class Job:
    """The parts of a training that depend on the kind of model.

    Args:
        module: The network to train.
        batches: `batches(epoch)` returns the batches of an epoch, the same in the same order at every call.
        loss: `loss(module, batch, carry)` returns the mean loss of a batch and the value to carry to the next batch.
        score: `score(module)` returns the dev score; lower is better.
        updates: Number of batches per epoch.
    """

    module: nn.Module
    batches: Callable[[int], Iterator[Any]]
    loss: Callable[[nn.Module, Any, Any], tuple[Tensor, Any]]
    score: Callable[[nn.Module], float]
    updates: int


def rate(update: int, total: int, recipe: Recipe) -> float:
    """Learning rate at an update: linear warm-up, then cosine decay to a hundredth.

    It depends on the update alone, so state files hold no scheduler, and old state files can still be resumed.
    """
    warm = max(1, int(recipe.warmup * total))
    if update < warm:
        return recipe.learning_rate * (update + 1) / warm
    done = (update - warm) / max(1, total - warm)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Trainer:
    """A training that can be stopped at any time and resumed from its state file.

    Args:
        job: Network, data and loss.
        recipe: Hyperparameters.
        path: State file; if it exists, training resumes from it. None saves nothing.
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
        if Recipe(**state["recipe"]) != self.recipe:  # older files lack the newer fields
            raise ValueError(f"{path} was written by another recipe ({state['recipe']}); delete it to start again.")
        if state["update"] > self.total:
            raise ValueError(f"it is damaged: update {state['update']} of {self.total}.")
        self.job.module.load_state_dict(state["module"])
        shapes = {name: weights.shape for name, weights in self.job.module.state_dict().items()}
        if state["best"] and {name: weights.shape for name, weights in state["best"].items()} != shapes:
            raise ValueError("its best weights belong to another network.")
        self._resume_optimiser(state["optimiser"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.update, self.carry, self.seconds, self.stale = (state[k] for k in ("update", "carry", "seconds", "stale"))
        self.curve, self.best = state["curve"], state["best"]
        self.resumed_at = self.update
        torch.set_rng_state(state["rng"])

    def _resume_optimiser(self, state: dict[str, Any]) -> None:
        """Restores the optimiser's averages after checks, because torch accepts those of another network, and other settings."""
        before = [{key: group[key] for key in group.keys() - {"lr", "params"}} for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state)
        for group, settings in zip(self.optimiser.param_groups, before, strict=True):
            if any(group.get(key, value) != value for key, value in settings.items()):
                raise ValueError("its optimiser has other settings.")
        for weights, averages in self.optimiser.state.items():
            if any(averages[key].shape != weights.shape for key in ("exp_avg", "exp_avg_sq")) or averages["step"].numel() != 1:
                raise ValueError("its optimiser belongs to another network.")

    def save(self) -> None:
        """Writes the state file, if there is one; a stopped training resumes from here."""
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
        """Trains to the end and returns the best weights on dev; calls `every(update, total)` after each update."""
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
        with forward_in(self.recipe.precision, next(module.parameters()).device.type):
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
        """The loss of a batch; at the first batch this also shows whether the carried value of a state file fits the network."""
        try:
            return self.job.loss(module, batch, self.carry)
        except RuntimeError as error:
            if self.update != self.resumed_at or self.carry is None:
                raise
            raise TrainingError(f"The training cannot resume from {self.path}: {first_line(error)}") from None

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
    """A new training, or one that resumes from its state file if there is one.

    Raises:
        TrainingError: the state file is damaged, or belongs to another recipe, network or data.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        return Trainer(job, recipe, state)
    except TrainingError:
        raise
    except Exception as error:  # torch raises many kinds of errors for a damaged file
        raise TrainingError(f"The training cannot resume from {state}: {first_line(error)}") from None


def kept_state(path: Path) -> dict[str, Any]:
    """Best weights, training curve and recipe from a state file.

    Raises:
        TrainingError: there is no such file, it is damaged, or it has no score yet.
    """
    state = training_state.read(path, Kept)
    if not state["best"]:
        raise TrainingError(f"{path} has no scored weights yet. Expected the state file of a training after its first dev score.")
    return state


def restore(module: nn.Module, state: Path, fits: str) -> dict[str, Any]:
    """Loads the best weights of a training into a network; returns the content of the state file, see `kept_state`.

    Args:
        module: The network as the recipe builds it.
        state: State file of the training, running or finished.
        fits: Description of what the weights should fit, for the error sentence: "wiki-lstm and this text".

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to another network.
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
    """Writes a checkpoint with its full card; returns the card.

    `measure` gets the network with the saved weights, in float16; the fields that it returns are added to the card.

    Args:
        module: The trained network.
        kept: Content of its state file, see `restore`.
        card: All fields known before scoring; default `recipe` and `curve` are those of the training.
        target: The checkpoint to write.
        measure: Function that returns the scores and further fields of the card.
    """
    parameters = sum(weights.numel() for weights in module.parameters())
    card |= {key: kept[key] for key in ("recipe", "curve") if key not in card}
    card |= {"seed": kept["recipe"]["seed"], "commit": commit(), "parameters": parameters}
    checkpoint.save(module, card | measure(checkpoint.as_saved(module, card, target)), target)
    return checkpoint.read_card(target)


def commit() -> str | None:
    """The commit of the code, if it is in a git checkout of the project."""
    if not IS_PROJECT:
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
