"""The first screen: the caption's words, the picture with its attention and the picture with what was needed, side by side."""

import math
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.analysis.map_agreement import agreement, on_needed
from explorer.figures.image_attention import CENTRED, Seen
from models.captioning.experiments.captions import CaptionRun, PictureInput
from models.captioning.occlusion import ACROSS, CANNOT_TELL, CHANGES, FILLS, WOULD, Without
from models.scenes import data
from models.vocabulary.subwords import MARKS
from pages._captions import compute, gallery, state
from pages._captions.compute import View
from pages._components.picture_view import Caption, chosen_word, clicked_region, picture_view
from pages._ui.layout import still
from pages._ui.progress import patiently
from pages._ui.show import is_dark
from pages._ui.text import marked, plain, share

KEY = "captions.first"
NOTHING = "*It says nothing.*"
READ = 800  # pixels of the sentence: the button has room beside it
OUTSIDE = "This picture is outside its world: it learnt from photographs of people and dogs outdoors."
HOW_TO_READ = """
Each **word** was chosen while the decoder held a weight on every region of the picture (left; the weights of a word sum to 1).
What was not looked at is dimmed; the scale is that of the whole caption. A region late in a network has seen much of the
picture around it, so a bright place means *weight on the cell centred here*, not "only these pixels".

**Needed** (right): each region in turn is given the features of the mean training picture; how many nats does the word lose
under the words that stood before it? Where it looked and what it needed are two questions. Their rank correlation stands beside
the one that other words' attention gets against the same map: only a larger one says something. No p-value: neighbours are alike.
Where most regions are empty, as in a drawn scene, their order is chance and counts as much as that of the figures: the correlation
can be near 0 under maps that agree. So beside it stands how much of the look lies on the tenth of the regions that is needed most.

- **Visual**: log p(word | picture) − log p(word | mean picture). Near 0, the words before were enough to say it.
- **`</s>`** is the end mark: where to stop is chosen like a word. The caption is the best of a beam of 3.
- **Gate** β: how much of what was looked at was let in for this word.
- **Click a picture** (on a touch screen: press long; by keyboard: Tab to it, arrows, Enter) to hide that place. Hiding is done
  in two ways, pixels filled and features of the mean picture; edges of a grey square are news to a network too. A word needs
  the place (*not without it* in tables) only if both ways leave less than half of its probability, after the words that stood
  before it; where the two disagree the page says *cannot tell*. New captions choose those words anew: a word that keeps its
  probability can be missing in them.
- A training that makes attention cover the whole picture ("doubly stochastic") makes tidy maps by itself.

Soft attention: eₜᵢ = vᵀ tanh(W hₜ₋₁ + U aᵢ), αₜ = softmax(eₜ), zₜ = βₜ Σᵢ αₜᵢ aᵢ, βₜ = σ(wᵀ hₜ₋₁ + b). Source: Xu et al.,
*Show, Attend and Tell*, 2015.
"""


def head() -> DeltaGenerator:
    """A row for the sentence and the button, as high with a place hidden as without."""
    return still("captions-head", 56, 164, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")


def read(view: View, about: dict, source: PictureInput) -> tuple[View, CaptionRun]:
    """The view with its word, and all that the page shows of its caption; working out what is needed has a way out.

    Args:
        view: Without its word.
        about: The card of its network.
        source: Its picture and network, see compute.picture_input.
    """
    is_stopped, stop = bool(st.session_state.get(state.STOPPED)), partial(state.set_stopped, True)
    work = lambda report: compute.run(view, source, None if is_stopped else report)  # noqa: E731
    run = patiently(f"{view.model} without each region", "captions.cancel", stop, work)
    return view.of(word=state.word_of(view, about, run)), run


def sentence(view: View, about: dict, run: CaptionRun) -> str:
    """What to look for in this very picture."""
    scene, word = state.scene_of(view), plain(run.words[view.word])
    is_outside = not state.knows_truth(about) and (view.picture.startswith(gallery.PHOTO) or scene)
    lead = f"{OUTSIDE} " if is_outside else ""
    if run.without:
        return lead + verdict(run.words, view.word, run.without)
    said = f"It says “{plain(run.text)}”" if run.text else "It says nothing"
    looked = "Hide where it looked" if run.alignment else "Hide where it needed most"
    ask = f"{looked} for “{word}”: would it have said it?"
    row = state.example(view.picture, about)
    is_searched = (view.fill, st.session_state.get(state.hole_key(run.grid))) == (FILLS[0], ACROSS)
    if row and view.word == row["word"] and run.alignment and is_searched:
        end = "and the word is gone" if row["kind"] == CHANGES else "and it stays: the words before it were enough"
        return f"{said}, and that is true. Hide where it looked for “{word}”, {end}."
    if not state.knows_truth(about):
        return f"{lead}{said}. {ask}"
    if not scene:
        return f"{said}: it knows drawn figures only, nothing it says of a photograph can be right. {state.advice()}"
    truth = "is true" if data.is_true(scene, run.text.split()) else "is not true"
    return f"{said}, which {truth}. {ask}"


def verdict(words: tuple[str, ...], at: int, without: Without) -> str:
    """Whether a word needs the hidden place, after the words that stood before it; and whether the new captions look otherwise.

    Args:
        words: Of the first caption, the end mark last.
        at: Which of them.
        without: What hiding the place did.
    """
    word, says = plain(words[at]), without.says[at]
    if says == CANNOT_TELL:
        return f"Cannot tell whether “{word}” needs that place: the two ways of hiding it disagree."
    has = [words[at] in text.split() for text in (without.pixels, without.mean)]
    if says == WOULD:
        yet = " Yet neither new caption has it." if not any(has) and words[at] not in MARKS else ""
        return f"“{word}” does not need that place: after the same words it keeps at least half of its probability.{yet}"
    yet = " Yet both new captions have it." if all(has) else ""
    return f"“{word}” needs that place: after the same words it keeps less than half of its probability.{yet}"


def seen(view: View, run: CaptionRun) -> Seen:
    """The picture and its attention as figures take them; no weight anywhere where the network has none."""
    weights = np.zeros((len(run.words), run.grid[0] * run.grid[1])) if run.alignment is None else run.alignment.weights
    return Seen(np.asarray(gallery.picture(view.picture)), run.words, weights, run.grid)


def panel(view: View, run: CaptionRun) -> None:
    """Words and pictures."""
    looks = f"looked at: {CENTRED}" if run.alignment else "the picture; this network has no attention"
    shown = Caption(
        seen(view, run),
        run.needed,
        tuple(note(run, word) for word in range(len(run.words))),
        (looks, "needed: nats lost without the region" if run.needed is not None else "the picture"),
        view.hidden,
        not st.session_state.get(state.CELLS),
        is_dark(),
    )
    asked = repr((view.model, view.picture, run.words, st.session_state[state.WISHES]))
    left, right = st.columns([7, 3], gap="medium")
    with left:
        picture_view(shown, view.word, asked, f"{KEY}.view", (_take_word, partial(_take_region, run.grid)))
    with right:
        if run.needed is None:
            st.button("Work out what is needed", key=f"{KEY}.start", on_click=state.set_stopped, args=(False,))
        if run.without:
            _anew(view, run, run.without)
        else:
            st.caption("Click a picture to hide that place; on a touch screen, press long.")
            word = run.words[view.word]
            others = [f"{plain(name)} {share(p)}" for name, p in run.likely(view.word) if name != word]
            st.caption(f"Instead of “{plain(word)}”: {', '.join(others)}")
    if run.without:
        _every_word(view, run, run.without)


def note(run: CaptionRun, word: int) -> str:
    """The readout of a word; what its attention has to do with what it needs, where both are known."""
    parts = [f"p {share(float(np.exp(run.hypothesis.log_probabilities[word])))}", f"visual {run.visual[word]:+z.1f} nats"]
    if run.gates is not None:
        parts.append(f"gate {run.gates[word]:.2f}")
    if run.alignment is not None and run.needed is not None:
        own, others = agreement(run.alignment.weights, run.needed, word)
        parts.append(f"looking v. needing {_digits(own)} (other words' maps {_digits(others)})")
        own, others = on_needed(run.alignment.weights, run.needed, word)
        parts.append(f"{_digits(own)} of the look on the tenth needed most (other words' {_digits(others)})")
    return f"{run.words[word]}: " + ", ".join(parts)


def _digits(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"


def _take_word() -> None:
    st.session_state[state.WORD] = chosen_word(f"{KEY}.view")


def _take_region(grid: tuple[int, int]) -> None:
    if cell := clicked_region(f"{KEY}.view", grid):
        state.hide(cell, grid)


def gesture(view: View, run: CaptionRun) -> None:
    """The one button: hide where it looked, or needed most where it does not look; then show all again."""
    if view.hidden:
        st.button("**Show all again**", key="captions.gesture", icon=":material/undo:", on_click=state.show_all)
        return
    weights = run.alignment.weights if run.alignment else run.needed
    if weights is None:
        return
    cell = divmod(int(np.argmax(weights[view.word])), run.grid[1])
    verb = "it looked" if run.alignment else "it needed most"
    label = f"**Hide where {verb} for “{plain(run.words[view.word])}”**"
    st.button(label, key="captions.gesture", icon=":material/visibility_off:", on_click=state.hide, args=(cell, run.grid))


def _anew(view: View, run: CaptionRun, without: Without) -> None:
    """The captions without the hidden place, and what the word costs then."""
    rows = [("before", plain(run.text) or NOTHING)]
    for way, text in ((f"pixels {view.fill}", without.pixels), ("mean features", without.mean)):
        rows.append((way, "the same" if text == run.text else marked(run.text, text) or NOTHING))
    st.markdown("  \n".join(f"{way}: {text}" for way, text in rows))
    change = without.change[:, view.word]
    st.caption(f"“{plain(run.words[view.word])}”: log p {change[0]:+z.1f} with other pixels, {change[1]:+z.1f} with mean features.")


def _every_word(view: View, run: CaptionRun, without: Without) -> None:
    pixels, mean = without.change.round(2)
    table = {"word": run.words, f"pixels {view.fill}": pixels, "mean features": mean, "says": without.says}
    with st.expander("Every word of the first caption, under the words before it: change of its log-probability in nats"):
        st.dataframe(pd.DataFrame(table), hide_index=True, key=f"{KEY}.changes")
