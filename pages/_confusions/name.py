"""First screen of the Confusions page: the probability of each language after each letter of a name, and the prediction."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from explorer.analysis.prediction_path import settled
from explorer.figures import prediction_path as figures
from models.names.romanise import left_out
from pages._confusions import compute, state
from pages._confusions.compute import View
from pages._confusions.words import NAMES, Words, words
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain, share

KEY = "confusions.name"
UNDECIDED = 0.5  # a lower probability is less than that of all other languages together
HOW_TO_READ = """
The network reads one letter at a time. After each letter it gives a probability to every language: the curves show what it would
predict **if the name ended there**. In training it had a loss at every letter, so it knows the beginnings of names; but only the
last point, after the whole name, counts in the scores.

- **Confusion matrix**: each row is a true language, each column a prediction. Colour shows avoidable errors only; the diagonal,
  correct predictions, is grey. A cell is **hatched** if at least half of its names are *shared spellings*, listed under both
  languages: no classifier can tell these apart. Rows with fewer than 20 names are faded.
- Every share has a 95 % **Wilson interval**: 2 of 3 is weaker evidence than 40 of 80. Pairs are ranked by the lower bound of the
  interval.
- Names are split **by spelling**: no spelling is both in the training data and held out. The confusion matrix of the
  PyTorch tutorial is counted on training names; *Compare* shows what that hides.
- **Undecided**: no language has a probability above 0.5.
- **Calibration**: of all predictions made with a probability of 0.8, 80 % should be correct. The calibration error is the mean
  distance from that.
- If a letter changes the prediction, *this network* uses the letter. That does not explain the spelling of a language.

Sources: Robertson, *Classifying Names with a Character-Level RNN*, PyTorch tutorials, 2017; Wilson, 1927; Guo et al., *On
Calibration of Modern Neural Networks*, 2017.
"""


def sentence(view: View, about: dict) -> str:
    """One sentence above the figure: what to look for, and what to try."""
    shown, called = state.example(about), words(view.model)
    if not called.of_names:
        return f"Type a text, or open one of the test set. Each column is a {called.token}, each line a class."
    if "before" not in shown or view.text not in (state.opening(about), state.opening(about)[:-1]):
        return "Type a name, then delete letters. Each column is a letter, each line a language."
    last, before, after = plain(state.opening(about)[-1]), plain(shown["before"]), plain(shown["after"])
    if view.text == state.opening(about):
        return f"Before the last letter the prediction is **{before}**; the “{last}” makes it **{after}**. Delete it."
    return f"Without the “{last}” the prediction is **{before}**. Put it back, and it is **{after}**."


def panel(view: View, about: dict) -> bool:
    """The curves and the prediction; False if the name has no letter."""
    called = words(view.model)
    if not state.is_readable(view.model, view.text):
        st.info(f"There is no {called.token} yet. Type a {called.text} above.", icon=":material/edit:")
        return False
    spelled, labels = compute.letters(view.model, view.text), about["labels"]
    p = compute.after_letters(view.model, view.text)
    figure, best = lines(view.model, view.text, about, "lines"), int(p[-1].argmax())
    answer = f"Prediction: **{plain(labels[best])}**, probability **{share(float(p[-1, best]))}**."
    st.markdown(f"{answer} {decision(p, labels, spelled, called)}")
    if called.of_names:
        _origin(view, "".join(spelled))
    save(figure, f"{KEY}.lines", "letters", partial(figures.table, p, spelled, labels), figures.fills(spelled))
    return True


def lines(model: str, text: str, about: dict, name: str) -> Any:
    """Draw the curves of a name in a frame that scrolls; returns the figure."""
    spelled = compute.letters(model, text)
    figure = made(figures.lines, compute.after_letters(model, text), spelled, about["labels"], is_dark())
    with scrolling(f"confusions-{name}"):
        draw(figure, f"{KEY}.{name}", stretch=figures.fills(spelled))
    return figure


def decision(p: Float[np.ndarray, "letter n"], labels: list[str], spelled: Sequence[str], called: Words = NAMES) -> str:
    """From which letter on the predicted language is the most likely, and whether the network is undecided.

    Args:
        p: Probabilities after each letter, [letter, class].
        labels: The classes.
        spelled: The letters.
        called: The nouns of the network.
    """
    best, at = int(p[-1].argmax()), settled(p)
    since = f"from the first {called.token} on"
    if at:
        earlier = f"before that {called.token} it was {plain(labels[p[at - 1].argmax()])}"
        since = f"from {called.token} {at + 1}, “{plain(spelled[at])}”, on; {earlier}"
    history = f"{plain(labels[best])} is the most likely {called.label} {since}."
    return history if p[-1, best] >= UNDECIDED else f"**Undecided**: no {called.label} has a probability above 0.5. {history}"


def _origin(view: View, spelled: str) -> None:
    """The spelling that the network reads, and whether it is in the training data."""
    if spelled != view.text.lower():
        gone = f" Left out: {plain(left_out(view.text))}" if left_out(view.text) else ""
        st.caption(f"Read as “{plain(spelled)}”: letters other than a to z are romanised.{gone}")
    origin = compute.known(view.model, view.text)
    if origin is None:
        st.caption(f"In the training data: **unknown**. {plain(compute.collection(view.model)[1])}")
        return
    languages, is_held_out = origin
    named = plain(" and ".join(languages))
    if not languages:
        st.caption("In the training data: **no**, it is in none of the lists.")
    elif is_held_out:
        st.caption(f"In the training data: **no**, it is held out. True language: {named}.")
    else:
        st.caption(f"In the training data: **yes**. True language: {named}.")
