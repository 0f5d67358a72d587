"""A name in full: probabilities after each letter, the hidden state while it was read, and what each letter does to the answer."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.ordering import IN_WORDS, VARIANCE
from explorer.analysis.quantities import quantities, quantity
from explorer.figures import prediction_path as figures
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models.names.experiments import Confusions
from models.names.romanise import spelling
from pages._components.state_view import state_view
from pages._confusions import compute
from pages._confusions.compute import View
from pages._ui.glossary import terms
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "confusions.letters"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """What each letter does to the answer, and the states below; its lines stand at the top of the page."""
    if not spelling(view.text):
        st.info("There is no letter yet.")
        return
    _effects(view, about)
    _states(view)
    terms("probability p", "hidden state", "unit")


def _effects(view: View, about: dict) -> None:
    effects, labels = compute.effects(view.model, view.text), about["labels"]
    st.markdown(
        f"**{plain(view.text)}**: what is left of {plain(labels[effects.answer])} without each letter (bars), and with the worst other "
        "in its place (marks)"
    )
    names = list(zip(effects.letters, effects.other, strict=True))
    figure = figures.effects(effects.p, effects.without, effects.changed, names, is_dark())
    rows = {"letter": list(effects.letters), "p without it": effects.without}
    rows |= {
        "answer without it": [labels[index] if index >= 0 else "" for index in effects.instead],
        "worst other letter": list(effects.other),
    }
    table = pd.DataFrame(rows | {"p with that": effects.changed, "answer with that": [labels[index] for index in effects.becomes]})
    left, right = st.columns(2, gap="medium")
    with left:
        with scrolling("confusions-effects"):
            draw(figure, f"{KEY}.effects")
        save(figure, f"{KEY}.effects", "effects", table)
    with right:
        st.dataframe(table, hide_index=True, key=f"{KEY}.table")


def _states(view: View) -> None:
    """The state view of the first page, over the letters of the name."""
    trace = compute.trace(view.model, view.text)
    name = st.selectbox("State", quantities(trace), key=f"{KEY}.quantity", width=160)
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
    state_view(figure, f"{KEY}.states")
    st.caption("Each letter has the value that the unit held after reading it. At the top: the unit that moves most on this name.")
