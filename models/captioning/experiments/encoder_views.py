"""Which map of the encoder a captioner should look at: one short training for each, on the same pictures.

Each training is the first of `caption-soft`, smaller and shorter, on the first so many pictures of the training list, unmirrored; its
score is its best greedy BLEU-4 on a part of the dev list. Short trainings may mislead: `whole` takes the first training of
`caption-soft` as it is, on another view, for its first so many epochs, and sets its score on dev after each beside that of the network
that ships. Both tables go into the cards of all captioners of photographs.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import models
from models import checkpoint, corpora
from models.captioning import FAMILY, training
from models.captioning import data as captioning_data
from models.captioning.data import Collection
from models.captioning.encoder import VIEWS
from models.family import TrainingError
from models.measurement import Measured, Report, Subject
from models.training import Trainer, kept_state

SMALLER = {"units": 256, "embedding": 160, "width": 128}
DEV_PICTURES = 400


@dataclass(frozen=True)
class Options:
    """What may be chosen."""

    data: Annotated[Path | None, "Folder of Flickr8k; the usual one if left out."] = None
    folder: Annotated[Path, "Folder of training states, from which a stopped training goes on."] = corpora.ROOT / "runs"
    pictures: Annotated[int, "Train on the first so many."] = 2_000
    epochs: Annotated[float, "Passes over them."] = 6
    views: Annotated[list[str], f"A view to train on, once for each: {', '.join(VIEWS)}; all if left out."] = field(
        default_factory=lambda: list(VIEWS)
    )
    whole: Annotated[str | None, "Instead, train as caption-soft is, on this view, for the first so many epochs."] = None

    def __post_init__(self) -> None:
        for view in (*self.views, *filter(None, [self.whole])):
            if view not in VIEWS:
                raise TrainingError(f"No view of a picture is called {view!r}. Known: {', '.join(VIEWS)}.")


def features(subject: Subject, options: Options, report: Report) -> Measured:
    """Which map of the encoder a captioner should look at; the table goes into the cards of all captioners of photographs."""
    collection = captioning_data.read(options.data or captioning_data.find("flickr8k"))
    if options.whole:
        compared = as_it_ships(collection, options.whole, options.folder, int(options.epochs))
        return _for_cards({"whole": compared}, [compared])
    pictures, rows = part(collection, options.pictures), []
    for view in options.views:
        rows.append(on_view(pictures, view, options.folder, options.epochs))
        report(str(rows[-1]))
    chosen = {"pictures": len(pictures.parts["train"]), "dev_pictures": len(pictures.parts["dev"]), "epochs": options.epochs} | SMALLER
    return _for_cards(chosen | {"views": rows}, rows)


def _for_cards(table: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Measured:
    """What was measured, beside what the cards of all captioners of photographs hold already."""
    folder = models.folder_of_checkpoints()
    captioners = {name: card for name, card in models.available().items() if card["kind"] == FAMILY.kind}
    cards = {folder / f"{name}.safetensors": {"features": card.get("features", {}) | table} for name, card in captioners.items()}
    return Measured(table, tuple(map(str, rows)), cards)


def on_view(pictures: Collection, view: str, folder: Path, epochs: float) -> dict[str, Any]:
    """Train on one view of the pictures and give a row of the table; what was begun in the folder goes on."""
    about, name = {key: value for key, value in FAMILY.recipes["caption-soft"].items() if key != "then"}, f"features-{view}"
    FAMILY.recipes[name] = about | {"view": view, "mirrored": False, "arguments": about["arguments"] | SMALLER}
    FAMILY.recipes[name]["recipe"] = about["recipe"] | {"epochs": epochs}
    state = folder / f"{name}-{len(pictures.parts['train'])}.pt"
    for trainer in training.trainers(name, pictures, state):
        trainer.run()
    best = min(kept_state(state)["curve"], key=lambda row: row["dev"])
    (rows, columns), channels, enlarged = VIEWS[view]
    about = {"view": view, "regions": f"{rows} x {columns}", "channels": channels, "picture": 224 * enlarged}
    return about | {"bleu_4": round(-best["dev"], 2), "epoch": best["epoch"], "seconds": round(best["seconds"])}


class _EnoughError(Exception):
    """So many epochs as were asked for are over."""


def as_it_ships(pictures: Collection, view: str, folder: Path, epochs: int) -> dict[str, Any]:
    """Greedy BLEU-4 on dev after each epoch: of the first training of `caption-soft` on another view, and of the network that ships."""
    name = f"caption-{view}"
    FAMILY.recipes[name] = FAMILY.recipes["caption-soft"] | {"view": view}
    state = folder / f"{name}.pt"
    for stage in training.trainers(name, pictures, state):
        if isinstance(stage, Trainer):
            _train(stage, epochs)
            break
        stage.run()
    after_epochs = [round(-row["dev"], 2) for row in kept_state(training.states(name, state)[0])["curve"][:epochs]]
    own = checkpoint.read_card(models.folder_of_checkpoints() / "caption-soft.safetensors")["curve"]
    return {
        "view": view,
        "bleu_4": after_epochs,
        "ships": [round(row["bleu_4"], 2) for row in own if row["stage"] == 1][: len(after_epochs)],
    }


def _train(trainer: Trainer, epochs: int) -> None:
    def watch(update: int, total: int) -> None:
        if len(trainer.curve) >= epochs:
            raise _EnoughError

    with suppress(_EnoughError):
        if len(trainer.curve) < epochs:
            trainer.run(watch)
    trainer.save()


def part(whole: Collection, count: int) -> Collection:
    """The first so many pictures of the training list, and some of dev."""
    return replace(whole, parts={"train": whole.parts["train"][:count], "dev": whole.parts["dev"][:DEV_PICTURES]})
