"""Which map of the encoder a captioner should look at: one short training for each, on the same pictures; goes into the cards.

    python -m tests.measure_features [--data FLICKR8K] [--folder runs] [--pictures 2000] [--epochs 6] [--views late middle ...]

Each training is the first of `caption-soft`, smaller and shorter, on the first so many pictures of the training list, unmirrored; its
score is its best greedy BLEU-4 on a part of the dev list. The table is written into the cards of all captioners of photographs.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
from models import captioning, captions, checkpoint, data
from models.captions import Collection
from models.encoder import VIEWS
from models.recipes import RECIPES
from models.train import kept_state
from tests.sentences import sentences

SMALLER = {"units": 256, "embedding": 160, "width": 128}
LISTENED = 400  # dev pictures


def measured(pictures: Collection, view: str, folder: Path, epochs: float) -> dict[str, Any]:
    """Train on one view of the pictures and give a row of the table; what was begun in the folder goes on."""
    about, name = {key: value for key, value in RECIPES["caption-soft"].items() if key != "then"}, f"features-{view}"
    RECIPES[name] = about | {"view": view, "mirrored": False, "arguments": about["arguments"] | SMALLER}
    RECIPES[name]["recipe"] = about["recipe"] | {"epochs": epochs}
    state = folder / f"{name}-{len(pictures.parts['train'])}.pt"
    for each in captioning.trainers(name, pictures, state):
        each.run()
    best = min(kept_state(state)["curve"], key=lambda row: row["dev"])
    (rows, columns), channels, enlarged = VIEWS[view]
    about = {"view": view, "regions": f"{rows} x {columns}", "channels": channels, "picture": 224 * enlarged}
    return about | {"bleu_4": round(-best["dev"], 2), "epoch": best["epoch"], "seconds": round(best["seconds"])}


def part(whole: Collection, count: int) -> Collection:
    """The first so many pictures of the training list, and some of dev."""
    return replace(whole, parts={"train": whole.parts["train"][:count], "dev": whole.parts["dev"][:LISTENED]})


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path, default=data.ROOT / "runs")
    parser.add_argument("--pictures", type=int, default=2_000)
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=list(VIEWS))
    given = parser.parse_args()
    pictures, rows = part(captions.read(given.data or captions.find("flickr8k")), given.pictures), []
    for view in given.views:
        rows.append(measured(pictures, view, given.folder, given.epochs))
        print(rows[-1], flush=True)
    chosen = {"pictures": len(pictures.parts["train"]), "dev_pictures": len(pictures.parts["dev"]), "epochs": given.epochs} | SMALLER
    for file in sorted(models.folder_of_checkpoints().glob("*.safetensors")):
        if checkpoint.read_card(file).get("kind") == "captioner":
            checkpoint.update_card(file, features=chosen | {"views": rows})
            print(f"written into the card of {file.stem}")


if __name__ == "__main__":
    with sentences():
        main()
