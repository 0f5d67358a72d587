"""The first screen: the name's letters with the probability of each class after each, and the answer in words."""

from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from explorer.analysis.prediction_path import settled
from explorer.figures import prediction_path as figures
from models.names.romanise import left_out, spelling
from pages._confusions import compute, state
from pages._confusions.compute import View
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain, share

KEY = "confusions.name"
UNDECIDED = 0.5  # below it all other languages together are likelier
HOW_TO_READ = """
The network reads one letter at a time, and after each it says which language it expects: the lines show what it would answer
**if the name ended there**. It was trained with a loss at every letter too, so a beginning is no input that it never saw; but
its lists hold whole names, and the line's last point is the one that is scored.

- In the **matrix** each row is the true language and each column the answer. Colour counts only errors that could have been
  avoided; the diagonal is grey. A cell is **hatched** where at least half of it are *shared spellings*: names that stand under
  both languages, of which no reader could tell one from the other. Rows of fewer than 20 names are faded.
- Every share has its **Wilson interval** at 95 %: 2 of 3 says less than 40 of 80, and the list of pairs is ordered by the
  interval's lower end.
- The names are split **by spelling**: no spelling is on both sides. The well-known picture of the tutorial on this task is
  measured on names it was trained on; *Compare* shows what that hides.
- The network is **undecided** where its likeliest language has less than half of the probability: the others together have more.
- That a letter changes the answer says what *this network* uses. It does not say why a language writes so.

Sources: Robertson, *Classifying Names with a Character-Level RNN*, PyTorch tutorials, 2017; Wilson, 1927; Guo et al., *On
Calibration of Modern Neural Networks*, 2017.
"""


def sentence(view: View, about: dict) -> str:
    """What to look for in this very picture."""
    shown = state.example(about)
    if "before" not in shown or view.text not in (state.opening(about), state.opening(about)[:-1]):
        return "Type a name, then take letters away: each letter is a column, each line a language."
    last = state.opening(about)[-1]
    if view.text == state.opening(about):
        return f"Just before the last letter it says **{shown['before']}**; the “{last}” makes it **{shown['after']}**. Take it away."
    return f"Without the “{last}” it says **{shown['before']}**. One letter makes it {shown['after']}: give it back."


def panel(view: View, about: dict) -> bool:
    """Lines and answer; False where the name has no letter to read."""
    if not state.is_readable(view.text):
        st.info("There is no letter yet that can be read. Type a name above.", icon=":material/edit:")
        return False
    spelled, labels = spelling(view.text), about["labels"]
    p = compute.after_letters(view.model, view.text)
    left, right = st.columns([11, 8], gap="medium")
    with left:
        figure = lines(view.model, view.text, about, "lines")
    with right:
        best = int(p[-1].argmax())
        st.markdown(f"Final: **{plain(labels[best])}**, p **{share(float(p[-1, best]))}**")
        st.markdown(decision(p, labels, spelled))
        _origin(view, spelled)
        save(figure, f"{KEY}.lines", "letters", figures.table(p, spelled, labels))
    return True


def lines(model: str, text: str, about: dict, name: str) -> Any:
    """Draw the lines of a name in a frame of its own; gives the figure."""
    spelled = spelling(text)
    figure = figures.lines(compute.after_letters(model, text), spelled, about["labels"], is_dark())
    with scrolling(f"confusions-{name}"):
        draw(figure, f"{KEY}.{name}", stretch=figures.fills(spelled))
    return figure


def decision(p: Float[np.ndarray, "letter n"], labels: list[str], spelled: str) -> str:
    """Since which letter the answer has been the likeliest, and whether it is decided at all.

    Args:
        p: Probabilities after each letter, [letter, class]. labels: the classes. spelled: the letters.
    """
    best, at = int(p[-1].argmax()), settled(p)
    since = "from the first letter on"
    if at:
        since = f"since letter {at + 1}, “{plain(spelled[at])}”; before that it was {plain(labels[p[at - 1].argmax()])}"
    history = f"The likeliest has been {plain(labels[best])} {since}."
    return history if p[-1, best] >= UNDECIDED else f"**Undecided**: no language has half of the probability. {history}"


def _origin(view: View, spelled: str) -> None:
    """What is read, and whether the network was trained on it."""
    if spelled != view.text.lower():
        gone = f" Left out: {plain(left_out(view.text))}" if left_out(view.text) else ""
        st.caption(f"Read as “{plain(spelled)}”: its letters are a to z, blank and hyphen; others are romanised.{gone}")
    origin = compute.known(view.model, view.text)
    if origin is None:
        st.caption(f"In the training data: cannot be told here. {plain(compute.collection(view.model)[1])}")
        return
    languages, is_held_out = origin
    named = " and ".join(languages)
    if not languages:
        st.caption("In the training data: **no**. It stands in none of the lists.")
    elif is_held_out:
        st.caption(f"In the training data: **no**. It was held out; the lists call it {named}.")
    else:
        st.caption(f"In the training data: **yes**, as {named}.")
