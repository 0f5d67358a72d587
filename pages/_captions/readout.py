"""The sentence under the pictures: where the network looked for a word, and what it would have said without that place."""

import numpy as np

from explorer.figures.image_attention import where
from models.captioning.experiments.captions import CaptionRun
from models.captioning.experiments.dependence import Dependence
from models.captioning.images import SIDE, cell_box
from models.captioning.occlusion import COARSE, Without
from models.scenes.data import Scene
from pages._captions import gallery, state
from pages._captions.compute import View
from pages._ui.text import plain, share


def sentence(view: View, run: CaptionRun, depends: Dependence) -> str:
    """Whether it needed the place it looked at, where that is, and what it would have said without it and without the picture."""
    parts = [
        _answer(view, run, depends.without),
        _looked(view, run, depends),
        _without_place(view, run, depends.without),
        _alone(run, view.word, depends),
    ]
    return " ".join(part for part in parts if part)


def _answer(view: View, run: CaptionRun, without: Without | None) -> str:
    """The answer to the question above the pictures: whether the word stays when the place is hidden, in both ways of hiding it."""
    if without is None or view.word >= len(run.text.split()):  # the end mark is part of no caption
        return ""
    word = run.words[view.word]
    stays = [word in text.split() for text in (without.pixels, without.mean)]
    if all(stays):
        return f"Did it need to? No: with that place hidden, it still says “{plain(word)}”."
    if any(stays):
        return f"Did it need to? That depends on how the place is hidden: “{plain(word)}” goes in one way and stays in the other."
    return f"Did it need to? Yes: with that place hidden, it no longer says “{plain(word)}”."


def _looked(view: View, run: CaptionRun, depends: Dependence) -> str:
    if run.alignment is None:
        return "This network has no attention."
    word, weights = plain(run.words[view.word]), run.alignment.weights[view.word]
    photo = gallery.photograph(view.picture)
    if photo and photo.thing:
        covered = photo.covered(run.grid)
        on, area = float(weights @ covered), float(covered.mean())
        looked = f"{photo.where_looked(on, area)}: {on:.0%} of the attention lies on {photo.thing}, on {area:.0%} of the picture"
        return f"For “{word}” it looked {looked}."
    return f"For “{word}” it looked mostly at {_thing(state.scene_of(view), weights, run.grid)}."


def _thing(scene: Scene | None, weights: np.ndarray, grid: tuple[int, int]) -> str:
    """The figure of a scene that the centre of the region with the largest weight lies on, else its part of the picture."""
    row, column = divmod(int(np.argmax(weights)), grid[1])
    left, top, right, bottom = cell_box(row, column, grid, (SIDE, SIDE))
    x, y = (left + right) / 2, (top + bottom) / 2
    for thing in scene.things if scene else ():
        box = thing.box()
        if box.left <= x <= box.right and box.top <= y <= box.bottom:
            return f"the {thing.name}"
    ninth = where(y / SIDE, x / SIDE)
    return f"the {'background' if scene else 'picture'} {'in' if ninth == 'centre' else 'at'} the {ninth}"


def _without_place(view: View, run: CaptionRun, without: Without | None) -> str:
    """What the caption would have been without the place."""
    if without is None:
        return ""
    texts = [f"“{plain(text)}”" if text != run.text else "the same" for text in (without.pixels, without.mean)]
    named = _named(run)
    if texts[0] == texts[1]:
        return f"Without that place{named} the caption would have been {texts[0]}."
    way = "blurred" if view.fill == "blur" else "grey"
    other = f"with the features of the mean picture there, {texts[1]}"
    return f"With that place{named} turned {way} the caption would have been {texts[0]}; {other}."


def _named(run: CaptionRun) -> str:
    """What "that place" is in a coarse grid."""
    return " (the regions with half of the attention)" if run.grid[0] <= COARSE else ""


def _alone(run: CaptionRun, word: int, depends: Dependence) -> str:
    """What the previous words predict without a picture."""
    said, p = run.words[word], share(float(np.exp(run.hypothesis.log_probabilities[word])))
    (guess, guess_p), change = depends.guesses[0], f"probability {share(depends.alone)} instead of {p}"
    if guess == said:
        return f"Without any picture, “{plain(said)}” would still be the first guess after the previous words ({change})."
    first = f"Without any picture, the first guess after the previous words would be “{plain(guess)}” ({share(guess_p)}"
    return f"{first}; “{plain(said)}”: {change})."
