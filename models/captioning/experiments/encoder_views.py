"""Comparison of the encoder's feature maps as input of a captioner, by one short training for each on the same pictures.

Each training is a smaller and shorter version of the first stage of `caption-soft`, on the first pictures of the training list, not
mirrored; its score is the best greedy BLEU-4 on a part of the dev list. Short trainings can mislead: `whole` runs the first stage of
`caption-soft` unchanged on another view, for a given number of epochs, and compares its dev score after each epoch with that of the
published network. Both tables go into the cards of all photograph captioners.
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
    """Options of this measurement."""

    data: Annotated[Path | None, "Folder of Flickr8k; default: the usual one."] = None
    folder: Annotated[Path, "Folder of training states, from which stopped trainings resume."] = corpora.ROOT / "runs"
    pictures: Annotated[int, "Number of training pictures, from the start of the list."] = 2_000
    epochs: Annotated[float, "Passes over these pictures."] = 6
    views: Annotated[list[str], f"A view to train on; can be repeated: {', '.join(VIEWS)}; default: all."] = field(
        default_factory=lambda: list(VIEWS)
    )
    whole: Annotated[str | None, "Instead, train caption-soft unchanged on this view, for the given number of epochs."] = None

    def __post_init__(self) -> None:
        for view in (*self.views, *filter(None, [self.whole])):
            if view not in VIEWS:
                raise TrainingError(f"No view of a picture is called {view!r}. Known: {', '.join(VIEWS)}.")


def features(subject: Subject, options: Options, report: Report) -> Measured:
    """Compare the encoder's feature maps as captioner input; the table goes into the cards of all photograph captioners."""
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
    """The new measurement merged with the tables already in the cards of all photograph captioners."""
    captioners = {name: card for name, card in models.available().items() if card["kind"] == FAMILY.kind}
    cards = {models.file_of(f"{name}.safetensors"): {"features": card.get("features", {}) | table} for name, card in captioners.items()}
    return Measured(table, tuple(map(str, rows)), cards)


def on_view(pictures: Collection, view: str, folder: Path, epochs: float) -> dict[str, Any]:
    """Trains on one view of the pictures and returns a row of the table; a training begun in the folder resumes."""
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
    """The requested number of epochs is complete."""


def as_it_ships(pictures: Collection, view: str, folder: Path, epochs: int) -> dict[str, Any]:
    """Greedy BLEU-4 on dev after each epoch, for the first stage of `caption-soft` on another view and for the published network."""
    name = f"caption-{view}"
    FAMILY.recipes[name] = FAMILY.recipes["caption-soft"] | {"view": view}
    state = folder / f"{name}.pt"
    for stage in training.trainers(name, pictures, state):
        if isinstance(stage, Trainer):
            _train(stage, epochs)
            break
        stage.run()
    after_epochs = [round(-row["dev"], 2) for row in kept_state(training.states(name, state)[0])["curve"][:epochs]]
    own = checkpoint.read_card(models.file_of("caption-soft.safetensors"))["curve"]
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
    """A smaller collection: the first `count` pictures of the training list, and some of dev."""
    return replace(whole, parts={"train": whole.parts["train"][:count], "dev": whole.parts["dev"][:DEV_PICTURES]})
