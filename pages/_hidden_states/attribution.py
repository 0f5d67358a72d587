"""Panel "What it depends on": which earlier characters the prediction of the next one depends on, by several methods."""

from functools import partial

import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.characters import shown
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, states
from pages._hidden_states.compute import Asked, View
from pages._ui import attribution, uploads
from pages._ui.layout import select_named
from pages._ui.progress import patiently
from pages._ui.text import code, plain

KEY = "hidden_states.attribution"
LIKELIEST, ACTUAL = "likeliest", "actual"
TARGETS = {LIKELIEST: "the most likely next character", ACTUAL: "the actual next character"}  # in links -> on screen
SPANS = {"60": "the last 60 characters", "30": "the last 30 characters", "120": "the last 120 characters"}


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """What is predicted and from how many characters; then the rows."""
    if not run.predicts or not compute.is_of_characters(view.model):
        st.info(
            states.why_no_predictions(network)
            if not run.predicts
            else f"This panel deletes characters, and this network reads {compute.tokens_of(view.model)}."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = select_named("Explain", TARGETS, f"{KEY}.target", 260, label_visibility="visible")
        span = select_named("Characters", SPANS, f"{KEY}.span", 220, label_visibility="visible")
        baseline = attribution.baseline(KEY)
    at = states.position(view, about, run)
    asked = Asked(at, int(span), view.text[at + 1 : at + 2] if target == ACTUAL else "", baseline)
    if target == ACTUAL and not asked.target:
        st.caption("The text ends here, so there is no actual next character. The most likely next character is explained instead.")
    work = partial(compute.attributed, view, network, asked)
    try:
        compared = patiently("Rows computed", f"{KEY}.cancel", state.close_panel, work, compute.cost_of(asked))
    except ExplorerError as error:
        st.info(plain(error))
        return
    before = "".join(map(shown, compared.tokens[-24:]))
    st.markdown(
        f"**Which earlier characters does this prediction depend on?** After {code(before)} (position {at + 1:,}) the network gives "
        f"{code(shown(compared.predicted))} the probability **{compared.p:.2f}**. Click another character in the text above "
        "to explain the prediction after it."
    )
    start = at + 1 - len(compared.tokens)
    lines = notebook(view, asked)
    attribution.rows(compared, KEY, "character", lines, start, attribution.of_many(str(about["data"]["corpus"]), view.model))


def notebook(view: View, asked: Asked) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.char_lm.experiments.attribution import Prediction, comparison

prediction = Prediction({view.text[: asked.at + 1]!r}, {asked.span}, {asked.target or None!r}, {view.warm_up!r})
compared = comparison({load}, prediction, {asked.baseline!r})
print(compared.deleted, compared.agreements())
"""
