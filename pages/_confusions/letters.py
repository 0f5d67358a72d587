"""A name letter by letter: the effect of each letter on the prediction, and the hidden states while the name is read."""

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
from pages._confusions import compute
from pages._confusions.compute import View
from pages._ui.glossary import terms
from pages._ui.layout import select
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.state_link import linked_state_view
from pages._ui.text import grid, plain

KEY = "confusions.letters"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The effect of each letter, and the states below; the probability curves are at the top of the page."""
    if not spelling(view.text):
        st.info("There is no letter yet.")
        return
    _effects(view, about)
    _states(view)
    terms("probability p", "hidden state", "unit", "candidate", "reset gate", "update gate")


def _effects(view: View, about: dict) -> None:
    effects, labels = compute.effects(view.model, view.text), about["labels"]
    st.markdown(
        f"**P({plain(labels[effects.answer])})** of “{plain(view.text)}” with each letter deleted (bars) or replaced by the most damaging "
        "letter (ticks)"
    )
    names = list(zip(effects.letters, effects.other, strict=True))
    figure = made(figures.effects, effects.p, effects.without, effects.changed, names, is_dark())
    rows = {"letter": list(effects.letters), "probability without it": effects.without}
    rows |= {
        "prediction without it": [labels[index] if index >= 0 else "" for index in effects.instead],
        "most damaging letter": list(effects.other),
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


def _states(view: View) -> None:
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
    st.caption("Each letter shows the state after reading it. Units are sorted by variance on this name.")
