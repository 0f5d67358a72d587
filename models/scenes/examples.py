"""Search for example scenes in which a word changes, or stays, when the region with its largest attention weight is hidden."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.captioning import caption, occlusion
from models.captioning.images import SIDE
from models.captioning.occlusion import ACROSS, CHANGES, STAYS
from models.scenes import data, pointing_game
from models.scenes.data import DEV

if TYPE_CHECKING:
    from models.checkpoint import Loaded

SEARCHED = 200  # dev scenes
KEPT = 3  # examples of each kind


def occlusion_examples(loaded: "Loaded", report: caption.Report = lambda done, total: None) -> list[dict[str, Any]]:
    """Dev scenes with a true caption in which one word changes, or stays, when its region of largest attention is hidden.

    A word changes if both ways of hiding agree and both new captions lack it; it stays if both agree and both leave the caption
    unchanged. Examples of changing words are colours and figures whose attention is on the thing they name; examples of staying
    words are all others. The examples with the largest, or smallest, change come first; a page opens with the first changing word.

    Args:
        loaded: A scene captioner in eval mode; without attention there are no examples.
        report: Called with (done, total) scenes.

    Returns:
        Rows with `scene`, `word` (its index), `says` (the caption), `kind`, `pixels` and `mean` (the new captions), and `change`
        (in the word's log probability, nats: for a changing word the smaller of the two losses, for a staying word the larger
        difference).
    """
    if not loaded.module.looks:
        return []
    rows: list[dict[str, Any]] = []
    for done in range(SEARCHED):
        report(done, SEARCHED)
        rows += _of_scene(loaded, DEV + done)
    report(SEARCHED, SEARCHED)
    best = [row for row in sorted(rows, key=lambda row: -row["change"]) if row["kind"] == CHANGES]
    calm = [row for row in sorted(rows, key=lambda row: row["change"]) if row["kind"] == STAYS]
    return [*_of_different_scenes(best), *_of_different_scenes(calm)]


def _of_different_scenes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = {row["scene"]: row for row in reversed(rows)}
    return [row for row in rows if first[row["scene"]] is row][:KEPT]


def _of_scene(loaded: "Loaded", index: int) -> list[dict[str, Any]]:
    """Effect of hiding on each word of one scene's caption."""
    scene = data.scene(index)
    picture, look, grid = np.asarray(data.picture(scene)), caption.feature_extractor(loaded), caption.grid(loaded)
    own = look([picture])[0]
    module: Any = loaded.module
    described = caption.describe(module, loaded.vocab, own)
    words, best = tuple(described.text.split()), described.hypotheses[0]
    if best.attention is None or not data.is_true(scene, words):
        return []
    rows, named = [], data.named_things(scene, words)
    for word, weights in enumerate(best.attention[: len(words)]):
        cell = divmod(int(np.argmax(weights)), grid[1])
        thing = named[word]
        if thing is not None and not pointing_game.hit(weights, scene.things[thing].box(), SIDE):
            continue
        cells = occlusion.around(cell, grid, ACROSS)
        other = look([occlusion.filled(picture, cells, grid)])[0]
        after = occlusion.without(loaded, own, other, cells, caption.BEAM, best.tokens)
        if kind := _kind(words, word, thing is not None, after):
            change = float(np.min(-after.change[:, word]) if kind == CHANGES else np.abs(after.change[:, word]).max())
            rows.append({"scene": index, "word": word, "says": described.text, "kind": kind, "change": change})
            rows[-1] |= {"pixels": after.pixels, "mean": after.mean}
    return rows


def _kind(words: tuple[str, ...], word: int, is_thing: bool, after: occlusion.Without) -> str:
    """Effect of hiding on a word: it changes, it stays, or the result is unclear."""
    if is_thing and after.says[word] == occlusion.WOULD_NOT and not any(words[word] in text.split() for text in (after.pixels, after.mean)):
        return CHANGES
    same = after.pixels == after.mean == " ".join(words)
    return STAYS if not is_thing and same and after.says[word] == occlusion.WOULD else ""
