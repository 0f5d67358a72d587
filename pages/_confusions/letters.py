"""A name letter by letter: each letter's effect on the prediction, the one-hot vectors the network gets, and its hidden states."""

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.ordering import IN_WORDS, VARIANCE
from explorer.analysis.quantities import quantities, quantity
from explorer.figures import one_hot
from explorer.figures import prediction_path as figures
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models.names.experiments import Confusions
from models.names.romanise import spelling
from pages._confusions import compute
from pages._confusions.compute import View
from pages._confusions.words import Words, words
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.layout import select
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.state_link import linked_state_view
from pages._ui.text import grid, plain

KEY = "confusions.letters"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The effect of each letter, then what the network is given and its states; the probability curves are at the top of the page."""
    called = words(view.model)
    if not compute.letters(view.model, view.text):
        st.info(f"There is no {called.token} yet.")
        return
    _effects(view, about, called)
    if called.of_names:
        _given(view, about)
    _states(view, called)
    terms("probability p", "one-hot vector", "hidden state", "unit", "candidate", "reset gate", "update gate")


def _effects(view: View, about: dict, called: Words) -> None:
    effects, labels = compute.effects(view.model, view.text), about["labels"]
    st.markdown(
        f"**P({plain(labels[effects.answer])})** of “{plain(view.text)}” with each {called.token} deleted (bars) or replaced by the most "
        f"damaging {called.token} (ticks)"
    )
    names = list(zip(effects.letters, effects.other, strict=True))
    figure = made(figures.effects, effects.p, effects.without, effects.changed, names, is_dark())
    rows = {called.token: list(effects.letters), "probability without it": effects.without}
    rows |= {
        "prediction without it": [labels[index] if index >= 0 else "" for index in effects.instead],
        f"most damaging {called.token}": list(effects.other),
    }
    table = pd.DataFrame(
        rows | {"probability with that": effects.changed, "prediction with that": [labels[index] for index in effects.becomes]}
    )
    left, right = st.columns(2, gap="medium")
    with left:
        with scrolling("confusions-effects"):
            draw(figure, f"{KEY}.effects")
        save(figure, f"{KEY}.effects", "effects", table)
    with right:
        formats = {name: st.column_config.NumberColumn(format="%.3f") for name in table if name.startswith("probability")}
        grid(table, f"{KEY}.table", column_config=formats)


def _given(view: View, about: dict) -> None:
    """The name as the matrix of one-hot vectors that the network reads."""
    vocabulary = networks.loaded(view.model).vocab
    ids = vocabulary.encode(spelling(view.text))
    left, right = st.columns(2, gap="medium")
    with left:
        with scrolling("confusions-one-hot"):
            figure = made(one_hot.one_hot, ids, list(vocabulary.tokens), is_dark())
            draw(figure, f"{KEY}.one_hot")
        save(figure, f"{KEY}.one_hot", "one-hot", partial(one_hot.table, ids, vocabulary.tokens))
    with right:
        st.markdown(given(spelling(view.text), len(vocabulary)))
        if share := about["arguments"].get("letters"):
            st.caption(f"The row *unknown* is for other characters. In training {share:.0%} of the letters were replaced by it.")


def given(spelled: str, rows: int) -> str:
    """What the one-hot vectors of a name hold, and what they do not.

    Args:
        spelled: The characters that are read.
        rows: Size of the vocabulary.
    """
    many = len(spelled)
    name = f"a name of {many} characters is a matrix of {rows} × {many}" if many > 1 else f"this name is a single vector of {rows} numbers"
    parts = [
        f"**What the network is given.** Each character is a *one-hot vector*: {rows} numbers, one for each character that it knows, "
        f"all 0 except for a 1 in the row of the character. So {name}, and the network reads one column per step."
    ]
    if twice := [letter for letter, times in Counter(spelled).items() if times > 1 and letter.isalpha()]:
        parts.append(
            f"Every “{twice[0]}” is the same column. What came before it is not in the column: the network has it only in its hidden state."
        )
    parts.append(
        "Nothing here says that a and e are both vowels: all letters are equally far apart. Which of them behave alike must be learned "
        "from the names."
    )
    return "\n\n".join(parts)


def _states(view: View, called: Words) -> None:
    """The state view of the Hidden states page, over the letters of the name."""
    trace = compute.trace(view.model, view.text)
    name = select("State", quantities(trace), f"{KEY}.quantity", 160, label_visibility="visible")
    values = np.ascontiguousarray(quantity(trace, name, 0))
    rows = np.argsort(-values.var(0), kind="stable")
    figure = StateFigure(
        tokens=trace.tokens,
        values=values,
        quantity=name,
        unit=int(rows[0]),
        order=rows,
        order_name=IN_WORDS[VARIANCE],
        scale=scale_of(name, values),
        title=view.model,
    )
    linked_state_view(figure, f"{KEY}.states", f"{KEY}.states")
    st.caption(f"Each {called.token} shows the state after reading it. Units are sorted by variance on this {called.text}.")
