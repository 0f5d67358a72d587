"""Training of character networks: batches, loss, n-gram baseline, and the card of the checkpoint."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models import checkpoint, corpora, ngram
from models.char_lm import FAMILY, reading
from models.char_lm.data import data_card, vocabulary
from models.char_lm.network import CharLM
from models.checkpoint import Loaded
from models.family import TrainingError
from models.training import Job, Recipe, Trainer, commit, kept_state, pack, restore, resume
from models.vocabulary.characters import Vocabulary

ORDERS = 10  # highest order of the n-gram baselines
evaluate = reading.evaluate
Report = Callable[[int, int], None]


def recipe_of(name: str, epochs: float | None = None) -> tuple[str, dict[str, Any], Recipe]:
    """Corpus, constructor arguments and recipe of a network; `epochs` replaces the recipe's own."""
    about = FAMILY.recipes[name]
    return about["corpus"], dict(about["arguments"]), Recipe(**about["recipe"]).lasting(epochs)


def job(module: CharLM, train: Tensor, dev: Tensor, recipe: Recipe) -> Job:
    """Truncated backpropagation through time over a text split into equal rows, each read from start to end.

    Args:
        module: A character network, on the device of the data.
        train: Character ids of the training text, [time].
        dev: Character ids of the dev text, [time].
        recipe: Batch size, steps and schedule.
    """
    length = (len(train) - 1) // recipe.batch
    updates = length // recipe.steps
    if not updates or len(dev) < 2:
        raise TrainingError(
            f"The text is too short; expected at least {recipe.batch * recipe.steps + 1:,} characters of training text, for one batch."
        )

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        start = random.Random(f"{recipe.seed}/{epoch}").randrange(len(train)) if recipe.shifted and epoch else 0
        text = train.roll(-start)
        rows = text[: recipe.batch * length].view(recipe.batch, length)
        following = text[1 : recipe.batch * length + 1].view(recipe.batch, length)
        for update in range(updates):
            part = slice(update * recipe.steps, (update + 1) * recipe.steps)
            yield rows[:, part], following[:, part]

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor], carry: Any) -> tuple[Tensor, Any]:
        logits, state = module(batch[0], carry)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch[1].flatten()), state

    return Job(module, batches, loss, lambda module: dev_nats(module, dev), updates)


def dev_nats(module: nn.Module, dev: Tensor, rows: int = 16, steps: int = 500) -> float:
    """Approximate nats per character on dev [time], read as several rows in parallel; fast, and accurate enough to choose by."""
    rows = min(rows, len(dev) - 1)
    length = (len(dev) - 1) // rows
    x, y = dev[: rows * length].view(rows, length), dev[1 : rows * length + 1].view(rows, length)
    total, state = 0.0, None
    with torch.inference_mode():
        for at in range(0, length, steps):
            logits, state = module(x[:, at : at + steps], state)
            total += nn.functional.cross_entropy(logits.flatten(0, 1), y[:, at : at + steps].flatten(), reduction="sum").item()
    return total / (rows * length)


def trainers(name: str, text: str, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer]:
    """The training of a recipe, ready to start or to resume from its state file.

    Raises:
        TrainingError: the text is too short, or the state file belongs to another recipe or text.
    """
    corpus, arguments, recipe = recipe_of(name, epochs)
    train, dev = corpora.split(corpus, text)
    vocab = vocabulary(train)
    ids, dev_ids = (torch.tensor(vocab.encode(part), device=device) for part in (train, dev))
    torch.manual_seed(recipe.seed)
    module = CharLM(len(vocab), **arguments).to(device)
    yield resume(job(module, ids, dev_ids, recipe), recipe, state)


def finish(name: str, state: Path, text: str, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Saves the best weights of a training state as a checkpoint with its full card; returns the card.

    The scores are those of the saved float16 weights, read back from the file, on the whole dev text.

    Args:
        name: One of the recipes.
        state: State file of a training, running or finished.
        text: The whole text, training and dev.
        target: The checkpoint to write.
        report: Called with (done, total) characters of dev.

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to another text or recipe.
    """
    corpus, arguments, _ = recipe_of(name)
    kept = kept_state(state)
    train, dev = corpora.split(corpus, text)
    vocab = vocabulary(train)
    arguments = {"vocab_size": len(vocab)} | kept.get("args", arguments)
    module = CharLM(**arguments)
    restore(module, state, f"{name} and this text")
    card = {"kind": FAMILY.kind, "name": name, "arguments": arguments, "vocabulary": list(vocab.tokens)}
    card |= {"data": data_card(corpus, text), "units": []}

    def measure(loaded: Loaded) -> dict[str, Any]:
        scores = {"split": "dev"} | reading.score(loaded, dev, report)
        return {"scores": scores | {"ngram_nats": ngram_nats(corpus, train, dev, vocab)}}

    return pack(module, kept, card, target, measure)


def ngram_nats(corpus: str, train: str, dev: str, vocab: Vocabulary) -> dict[str, float]:
    """Nats per character of n-grams of the same text and vocabulary on dev, by order; read from the published card if it fits."""
    from models import file_of

    shipped = file_of(f"{corpus}-ngram.safetensors")
    if shipped.exists():
        card = checkpoint.read_card(shipped)
        if card["data"]["sha256"] == corpora.sha256(train + dev):
            return card["scores"]["ngram_nats"]
    nats = ngram.fit(train, vocab, ORDERS).nats(dev).mean(0)
    return {str(order): float(value) for order, value in enumerate(nats, 1)}


def count(corpus: str, text: str, target: Path, order: int = 5, least: tuple[int, ...] = ()) -> dict[str, Any]:
    """Writes the n-gram counts of a text, small enough to distribute; returns their card."""
    train, dev = corpora.split(corpus, text)
    vocab = vocabulary(train)
    model = ngram.fit(train, vocab, order, least)
    nats = float(model.nats(dev)[:, -1].mean())
    every = ngram.fit(train, vocab, ORDERS).nats(dev).mean(0)
    scores = {"split": "dev", "nats_per_character": nats, "ngram_nats": {str(n): float(v) for n, v in enumerate(every, 1)}}
    pruned = {str(n): times for n, times in enumerate(least, 1) if times > 1}
    recipe = {"method": "interpolated Witten-Bell", "dropped_below": pruned}
    card = {"name": f"{corpus}-ngram", "data": data_card(corpus, text), "recipe": recipe, "scores": scores, "commit": commit()}
    ngram.save(model, card, target)
    return checkpoint.read_card(target)
