"""First screen of the Captions page: the words of the caption, and the attention map next to the occlusion map."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.analysis.map_agreement import agreement, on_needed
from explorer.figures import image_attention
from explorer.figures.image_attention import CENTRED, Looks, Seen
from models.captioning.experiments.captions import CaptionRun, PictureInput
from models.captioning.experiments.dependence import Dependence
from models.captioning.occlusion import ACROSS, CANNOT_TELL, CHANGES, FILLS, WOULD, Without, squares
from models.scenes import data
from models.vocabulary.subwords import MARKS
from pages._captions import compute, gallery, readout, state
from pages._captions.compute import View
from pages._components.picture_view import Caption, chosen_word, clicked_region, picture_view
from pages._ui.layout import still
from pages._ui.progress import patiently
from pages._ui.show import is_dark, save
from pages._ui.text import grid, marked, plain, share

KEY = "captions.first"
NOTHING = "*The caption is empty.*"
READ = 800  # pixels: width of the sentence, with room for the button beside it
LIKELY = 0.005  # a smaller probability has no digit on screen
OUTSIDE = "This picture is unlike anything it was trained on (people and dogs outdoors)."
HOW_TO_READ = """
**Left, the attention map.** For each word, the decoder puts a weight on every region of the picture; the weights of a word sum to 1.
Regions with small weights are dimmed, down to 35 % of their light, or all regions are coloured as a *heat map*. The scale goes from 0 to
the largest weight of the whole caption and is that of the square root, so that small weights can be seen too. The features of a region
also depend on much of the picture around it, so a bright spot means *weight on the region centred here*, not "only these pixels".

**Right, the occlusion map.** The features of one region after the other are replaced by those of the mean training picture. The map
shows how many nats of log probability the word loses, given the same previous words. In a drawn scene, which has 14 × 14 small regions,
the 3 × 3 regions around each one are replaced together: its neighbours show nearly the same, so the word would hardly miss one region
alone. Where the network looked and what it needed are two questions.

**The sentence beside them.** In a drawn scene, *that place* is the hidden square around the region with the largest weight. In a
photograph every region has seen nearly the whole picture and the weights are spread out, so there it is the fewest regions that together
hold half of the attention. The previous words alone: the mean training picture replaces the picture, and the same words come before.

**Details: how well the two maps agree.**
- The rank correlation between them. In brackets, the same for the attention of the other words: only a clearly higher value means
  something. There is no p-value, since neighbouring regions are alike.
- The share of the attention on the tenth of the regions that the word needs most. It helps where most regions are empty, as in a drawn
  scene: their order is random, so the correlation can be near 0 although the maps agree.

**Other numbers.**
- **Gain from the picture**: log p(word | picture) − log p(word | mean picture). Near 0, the previous words were enough.
- **Gate** β (visual gate): the factor by which the attended features are multiplied for this word, 0 to 1.
- **`</s>`** is the end mark: the network predicts it like a word. The caption comes from beam search with width 3.

**Click a picture** to hide a region (touch: long press; keyboard: Tab, arrow keys, Enter). It is hidden in two ways, because a
network can also react to the edges of a grey square: with other pixels, and with the features of the mean picture. A word *disappears*
if it keeps less than half of its probability both ways, given the same previous words. It *stays* if it keeps at least half both ways.
Otherwise the page *cannot tell*. The new captions choose all words again, so a word that stays can still be missing from them.

A tidy map proves little: some captioners are trained with a penalty that spreads the attention over the whole picture (doubly
stochastic attention), and this alone makes their maps tidy.

Soft attention: eₜᵢ = vᵀ tanh(W hₜ₋₁ + U aᵢ), αₜ = softmax(eₜ), zₜ = βₜ Σᵢ αₜᵢ aᵢ, βₜ = σ(wᵀ hₜ₋₁ + b). Source: Xu et al.,
*Show, Attend and Tell*, 2015.
"""


def head() -> DeltaGenerator:
    """A row for the sentence and the button, of the same height with and without hidden regions."""
    return still("captions-head", 56, 164, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")


def read(view: View, about: dict, source: PictureInput) -> tuple[View, CaptionRun]:
    """The view with its word, and all that the page shows of its caption; computing the occlusion map can be cancelled.

    Args:
        view: Without its word.
        about: The card of its network.
        source: Its picture and network, see compute.picture_input.
    """
    is_stopped, stop = bool(st.session_state.get(state.STOPPED)), partial(state.set_stopped, True)
    work = lambda report: compute.run(view, source, None if is_stopped else report)  # noqa: E731
    cost = None if is_stopped else compute.cost([view])
    run = patiently(f"Occlusion map of {view.model}", "captions.cancel", stop, work, cost)
    return view.of(word=state.word_of(view, about, run)), run


def sentence(view: View, about: dict, run: CaptionRun) -> str:
    """One sentence above the pictures: the caption, and what to try."""
    scene, word = state.scene_of(view), plain(run.words[view.word])
    is_outside = not state.knows_truth(about) and (gallery.is_outside(view.picture) or scene)
    lead = f"{OUTSIDE} " if is_outside else ""
    if run.without:
        return lead + verdict(run.words, view.word, run.without)
    said = f"The caption is “{plain(run.text)}”" if run.text else "The caption is empty"
    looked = "Hide where it looked" if run.alignment else "Hide where it needed most"
    ask = f"{looked} for “{word}”: does the word stay?"
    row = state.example(view.picture, about)
    is_searched = (view.fill, st.session_state.get(state.hole_key(run.grid))) == (FILLS[0], ACROSS)
    if row and view.word == row["word"] and run.alignment and is_searched:
        end = "the word disappears" if row["kind"] == CHANGES else "the word stays: the previous words were enough"
        return f"{said}, which is true. Hide where it looked for “{word}”, and {end}."
    if not state.knows_truth(about):
        photo = gallery.photograph(view.picture)
        is_wrong = photo is not None and photo.thing and not photo.is_named(run.words)
        return f"{lead}{said}{f', but the picture shows {photo.shows}' if photo and is_wrong else ''}. {ask}"
    if not scene:
        return f"{said}. The network was trained on drawn scenes only, so it cannot caption a photograph. {state.advice()}"
    truth = "is true" if data.is_true(scene, run.text.split()) else "is false"
    return f"{said}, which {truth}. {ask}"


def verdict(words: tuple[str, ...], at: int, without: Without) -> str:
    """Whether a word depends on the hidden region, given the same previous words, and whether the new captions agree.

    Args:
        words: Of the original caption, the end mark last.
        at: Index of the word.
        without: Effect of hiding the region.
    """
    word, says = plain(words[at]), without.says[at]
    if says == CANNOT_TELL:
        return f"Cannot tell whether “{word}” depends on the hidden region: the two ways of hiding it disagree."
    has = [words[at] in text.split() for text in (without.pixels, without.mean)]
    if says == WOULD:
        yet = " Yet neither new caption contains it." if not any(has) and words[at] not in MARKS else ""
        return (
            f"“{word}” does not depend on the hidden region: given the same previous words, it keeps at least half of its probability.{yet}"
        )
    yet = " Yet both new captions contain it." if all(has) else ""
    return f"“{word}” depends on the hidden region: given the same previous words, it keeps less than half of its probability.{yet}"


def seen(view: View, run: CaptionRun) -> Seen:
    """The picture and its attention as figures take them; all weights are 0 if the network has no attention."""
    weights = np.zeros((len(run.words), run.grid[0] * run.grid[1])) if run.alignment is None else run.alignment.weights
    return Seen(np.asarray(gallery.picture(view.picture)), run.words, weights, run.grid, root=True)


def is_heat() -> bool:
    """Whether the maps are drawn as heat maps."""
    return st.session_state.get(state.LOOK) == state.LOOKS[1]


def panel(view: View, run: CaptionRun, depends: Dependence) -> None:
    """The words, both pictures, the sentence on the selected word, and what hiding a region changes."""
    looks = f"attention: {CENTRED}" if run.alignment else "the picture; this network has no attention"
    shown = Caption(
        seen(view, run),
        run.needed,
        tuple(note(run, word) for word in range(len(run.words))),
        (looks, _occlusion(run) if run.needed is not None else "the picture"),
        view.hidden,
        not st.session_state.get(state.CELLS),
        is_heat(),
    )
    asked = repr((view.model, view.picture, run.words, st.session_state[state.WISHES]))
    left, right = st.columns([7, 3], gap="medium")
    with left:
        picture_view(shown, view.word, asked, f"{KEY}.view", (_take_word, partial(_take_region, run.grid)))
        save(partial(_figure, shown, view.word, is_dark()), f"{KEY}.view", "caption")
    with right:
        st.markdown(readout.sentence(view, run, depends))
        if run.needed is None:
            st.button("Compute occlusion map", key=f"{KEY}.start", on_click=state.set_stopped, args=(False,))
        if run.without:
            _anew(view, run, run.without)
        else:
            st.caption("Click a picture to hide a region (touch: long press).")
            word = run.words[view.word]
            others = [(plain(name), p) for name, p in run.likely(view.word) if name != word]
            shown = [f"{name} {share(p)}" for name, p in others if p >= LIKELY]
            st.caption(f"Other likely words: {', '.join(shown)}." if shown else f"No other word has a probability of {LIKELY} or more.")
    if run.without:
        _every_word(view, run, run.without)


def _occlusion(run: CaptionRun) -> str:
    """What the occlusion map shows."""
    square = len(max(squares(run.grid), key=len))
    what = "the region" if square == 1 else f"the {square} regions"
    return f"occlusion: nats lost without {what} centred here"


def _figure(shown: Caption, word: int, dark: bool) -> Any:
    """The pictures as they are on screen, to be saved."""
    whole = shown.seen
    maps = {shown.names[0]: whole if whole.weights.any() else replace(whole, weights=np.ones_like(whole.weights))}
    if shown.lost is not None:
        maps[shown.names[1]] = replace(whole, weights=shown.lost, root=False)
    looks = Looks(shown.hidden, shown.smooth, shown.heat and bool(whole.weights.any()), dark)
    return image_attention.of_word(maps, word, shown.notes[word], looks)


def note(run: CaptionRun, word: int) -> str:
    """The line of numbers for a word: its probability, gain and gate, and how well attention and occlusion map agree."""
    p = share(float(np.exp(run.hypothesis.log_probabilities[word])))
    parts = [f"probability {p}", f"gain from the picture {run.visual[word]:+z.1f} nats"]
    if run.gates is not None:
        parts.append(f"gate {run.gates[word]:.2f}")
    line = f"“{run.words[word]}”: {', '.join(parts)}."
    if run.alignment is None or run.needed is None:
        return line
    correlation, of_others = agreement(run.alignment.weights, run.needed, word)
    if math.isnan(correlation):
        return line
    other = "" if math.isnan(of_others) else f" (attention of the other words: {of_others:.2f})"
    line += f" Its attention and occlusion maps have a rank correlation of {correlation:.2f}{other}."
    on_top, of_others = on_needed(run.alignment.weights, run.needed, word)
    other = "" if math.isnan(of_others) else f" (other words: {of_others:.0%})"
    return f"{line} {on_top:.0%} of its attention lies on the tenth of the regions it needs most{other}."


def _take_word() -> None:
    st.session_state[state.WORD] = chosen_word(f"{KEY}.view")


def _take_region(grid: tuple[int, int]) -> None:
    if cell := clicked_region(f"{KEY}.view", grid):
        state.hide(cell, grid)


def gesture(view: View, run: CaptionRun, depends: Dependence) -> None:
    """The main button: hide the place where it looked, or the most needed region without attention; then show all again."""
    if view.hidden:
        st.button("**Show the whole picture**", key="captions.gesture", icon=":material/undo:", on_click=state.show_all)
        return
    regions = depends.regions or state.square(run, view.word)
    if not regions:
        return
    verb = "it looked" if run.alignment else "it needed most"
    label = f"**Hide where {verb} for “{plain(run.words[view.word])}”**"
    st.button(label, key="captions.gesture", icon=":material/visibility_off:", on_click=state.hide_all, args=(regions,))


def _anew(view: View, run: CaptionRun, without: Without) -> None:
    """The captions with the region hidden, and how the log probability of the word changes."""
    rows = [("whole picture", plain(run.text) or NOTHING)]
    for way, text in ((_pixels(view), without.pixels), ("mean features", without.mean)):
        rows.append((way, "same caption" if text == run.text else marked(run.text, text) or NOTHING))
    st.markdown("  \n".join(f"{way}: {text}" for way, text in rows))
    change = without.change[:, view.word]
    word, pixels = plain(run.words[view.word]), _pixels(view)
    st.caption(f"Log probability of “{word}”: {change[0]:+z.1f} with {pixels}, {change[1]:+z.1f} with mean features.")


def _pixels(view: View) -> str:
    """The first way of hiding a region, in words."""
    return "blurred pixels" if view.fill == "blur" else f"{view.fill} pixels"


def _every_word(view: View, run: CaptionRun, without: Without) -> None:
    pixels, mean = without.change.round(2)
    table = {"word": run.words, _pixels(view): pixels, "mean features": mean, "verdict": without.says}
    with st.expander("All words of the original caption: change in log probability, given the same previous words, in nats"):
        grid(pd.DataFrame(table), f"{KEY}.changes")
