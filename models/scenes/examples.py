"""Scenes to open the page of captions with, found by search: hide where a word looked, and it changes, or it does not."""

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
    """Dev scenes told truly of which one word changes, or stays, when the place is hidden that it looked at most.

    A word changes where both ways of hiding say so and both new captions lack it; it stays where both say so and both leave the
    caption as it was. Only colours and figures are asked for the first kind, looked for on the thing they name; only the rest for
    the second. Those of each kind that change most, or least, come first; a page opens with the first of the first kind.

    Args:
        loaded: A captioner of scenes, in eval mode, with attention; one without gets none.
        report: Called with (done, total) scenes.

    Returns:
        Rows with `scene`, `word` (its place), `says` (the caption), `kind`, `pixels` and `mean` (the new captions), and `change`
        (of the word's log-probability, nats: of the two ways the smaller loss for a change, the larger difference for none).
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
    """What hiding does to each word of one scene's caption."""
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
    """What hiding did to a word: it changes, it stays, or neither can be said."""
    if is_thing and after.says[word] == occlusion.WOULD_NOT and not any(words[word] in text.split() for text in (after.pixels, after.mean)):
        return CHANGES
    same = after.pixels == after.mean == " ".join(words)
    return STAYS if not is_thing and same and after.says[word] == occlusion.WOULD else ""
