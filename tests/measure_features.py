"""Which map of the encoder a captioner should look at: one short training for each, on the same pictures; goes into the cards.

    python -m tests.measure_features [--data FLICKR8K] [--folder runs] [--pictures 2000] [--epochs 6] [--views late middle ...]
    python -m tests.measure_features --whole both [--epochs 4]

Each training is the first of `caption-soft`, smaller and shorter, on the first so many pictures of the training list, unmirrored; its
score is its best greedy BLEU-4 on a part of the dev list. Short trainings may mislead: `--whole` takes the first training of
`caption-soft` as it is, on another view, for its first so many epochs, and sets its score on dev after each beside that of the network
that ships. Both tables are written into the cards of all captioners of photographs.
"""

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
from models import checkpoint, corpora
from models.captioning import data as captioning_data
from models.captioning import training
from models.captioning.data import Collection
from models.captioning.encoder import VIEWS
from models.recipes import RECIPES
from models.training import Trainer, kept_state
from tests.sentences import sentences

SMALLER = {"units": 256, "embedding": 160, "width": 128}
LISTENED = 400  # dev pictures


def measured(pictures: Collection, view: str, folder: Path, epochs: float) -> dict[str, Any]:
    """Train on one view of the pictures and give a row of the table; what was begun in the folder goes on."""
    about, name = {key: value for key, value in RECIPES["caption-soft"].items() if key != "then"}, f"features-{view}"
    RECIPES[name] = about | {"view": view, "mirrored": False, "arguments": about["arguments"] | SMALLER}
    RECIPES[name]["recipe"] = about["recipe"] | {"epochs": epochs}
    state = folder / f"{name}-{len(pictures.parts['train'])}.pt"
    for each in training.trainers(name, pictures, state):
        each.run()
    best = min(kept_state(state)["curve"], key=lambda row: row["dev"])
    (rows, columns), channels, enlarged = VIEWS[view]
    about = {"view": view, "regions": f"{rows} x {columns}", "channels": channels, "picture": 224 * enlarged}
    return about | {"bleu_4": round(-best["dev"], 2), "epoch": best["epoch"], "seconds": round(best["seconds"])}


class _EnoughError(Exception):
    """So many epochs as were asked for are over."""


def as_it_ships(pictures: Collection, view: str, folder: Path, epochs: int) -> dict[str, Any]:
    """Greedy BLEU-4 on dev after each epoch: of the first training of `caption-soft` on another view, and of the network that ships."""
    name = f"caption-{view}"
    RECIPES[name] = RECIPES["caption-soft"] | {"view": view}
    state = folder / f"{name}.pt"
    for each in training.trainers(name, pictures, state):
        if isinstance(each, Trainer):
            _train(each, epochs)
            break
        each.run()
    found = [round(-row["dev"], 2) for row in kept_state(training.states(name, state)[0])["curve"][:epochs]]
    own = checkpoint.read_card(models.folder_of_checkpoints() / "caption-soft.safetensors")["curve"]
    return {"view": view, "bleu_4": found, "ships": [round(row["bleu_4"], 2) for row in own if row["stage"] == 1][: len(found)]}


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
    return replace(whole, parts={"train": whole.parts["train"][:count], "dev": whole.parts["dev"][:LISTENED]})


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path, default=corpora.ROOT / "runs")
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=list(VIEWS))
    parser.add_argument("--whole", choices=VIEWS)
    given = parser.parse_args()
    collection = captioning_data.read(given.data or captioning_data.find("flickr8k"))
    if given.whole:
        found = as_it_ships(collection, given.whole, given.folder, int(given.epochs))
        print(found, flush=True)
        write({"whole": found})
        return
    pictures, rows = part(collection, given.pictures), []
    for view in given.views:
        rows.append(measured(pictures, view, given.folder, given.epochs))
        print(rows[-1], flush=True)
    chosen = {"pictures": len(pictures.parts["train"]), "dev_pictures": len(pictures.parts["dev"]), "epochs": given.epochs} | SMALLER
    write(chosen | {"views": rows})


def write(told: dict[str, Any]) -> None:
    """Add what was measured to the cards of all captioners of photographs."""
    for file in sorted(models.folder_of_checkpoints().glob("*.safetensors")):
        card = checkpoint.read_card(file)
        if card.get("kind") == "captioner":
            checkpoint.update_card(file, features=card.get("features", {}) | told)
            print(f"written into the card of {file.stem}")


if __name__ == "__main__":
    with sentences():
        main()
