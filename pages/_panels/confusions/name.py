"""The first screen: the name's letters with the probability of each class after each, and the answer in words."""

import streamlit as st

from explorer.analysis.decision import settled
from explorer.figures import letters as figures
from models.names import spelling
from pages._panels.confusions import choice
from pages._shared import classifications
from pages._shared.classifications import View
from pages._shared.show import draw, is_dark, save
from pages._shared.text import plain, share

KEY = "confusions.name"
STYLE = "<style>[class*=st-key-confusions-][class*=frame] { overflow-x: auto; }</style>"  # wide pictures scroll, the page does not
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
- That a letter changes the answer says what *this network* uses. It does not say why a language writes so.

Sources: Robertson, *Classifying Names with a Character-Level RNN*, PyTorch tutorials, 2017; Wilson, 1927; Guo et al., *On
Calibration of Modern Neural Networks*, 2017.
"""


def sentence(view: View, about: dict) -> str:
    """What to look for in this very picture."""
    shown = choice.example(about)
    if "before" not in shown or view.text not in (choice.opening(about), choice.opening(about)[:-1]):
        return "Type a name, then take letters away: each letter is a column, each line a language."
    last = choice.opening(about)[-1]
    if view.text == choice.opening(about):
        return f"Until the last letter it says **{shown['before']}**; the “{last}” makes it **{shown['after']}**. Take it away."
    return f"Without the “{last}” it says **{shown['before']}**. One letter makes it {shown['after']}: give it back."


def panel(view: View, about: dict) -> bool:
    """Lines and answer; False where the name has no letter to read."""
    st.html(STYLE)
    if not choice.is_readable(view.text):
        st.info("There is no letter yet that can be read. Type a name above.", icon=":material/edit:")
        return False
    spelled, labels = spelling(view.text), about["labels"]
    p = classifications.after_letters(view.model, view.text)
    left, right = st.columns([11, 8], gap="medium")
    with left, st.container(key="confusions.frame"):
        figure = figures.lines(p, spelled, labels, is_dark())
        draw(figure, f"{KEY}.lines")
    with right:
        _answer(p, labels, spelled)
        _origin(view, spelled)
        save(figure, f"{KEY}.lines", "letters", figures.table(p, spelled, labels))
    return True


def _answer(p, labels: list[str], spelled: str) -> None:
    best, at = int(p[-1].argmax()), settled(p)
    st.markdown(f"Final: **{plain(labels[best])}**, p **{share(float(p[-1, best]))}**")
    if at == 0:
        st.markdown("It said so from the first letter on.")
    else:
        st.markdown(
            f"It made up its mind at letter {at + 1}, “{plain(spelled[at])}”; before that it said {plain(labels[p[at - 1].argmax()])}."
        )


def _origin(view: View, spelled: str) -> None:
    """What is read, and whether the network was trained on it."""
    if spelled != view.text.lower():
        st.caption(f"Read as “{plain(spelled)}”: its letters are a to z, blank and hyphen; whatever else is romanised or left out.")
    found = classifications.known(view.model, view.text)
    if found is None:
        st.caption(f"In the training data: cannot be told here. {plain(classifications.collection(view.model)[1])}")
        return
    languages, is_held_out = found
    named = " and ".join(languages)
    if not languages:
        st.caption("In the training data: **no**. It stands in none of the lists.")
    elif is_held_out:
        st.caption(f"In the training data: **no**. It was held out; the lists call it {named}.")
    else:
        st.caption(f"In the training data: **yes**, as {named}.")
