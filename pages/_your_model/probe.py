"""A linear probe: how much of a column of the file can be read from its units."""

import numpy as np
import streamlit as st

from explorer.analysis.linear_probe import LinearProbe, probe
from explorer.figures import linear_probe as figures
from models.foreign.experiments.arrays.activations import Recorded
from pages._ui.cache import shared_cache
from pages._ui.link import is_unread, link, linked_whole
from pages._ui.made import made
from pages._ui.progress import guard
from pages._ui.show import is_dark, show
from pages._ui.text import how_to_read, plain

KEY = "your_model.data.probe"
COLUMN, CONTROL = f"{KEY}.column", f"{KEY}.control"
MOST_STEPS, MOST_UNITS = 50_000, 2_048
UNTRAINED, ALONE = "the units of the network untrained", "the inputs of the same step alone"
READ = """
A **linear probe** predicts the column from a weighted sum of all units of the layer at the same step, by ridge regression. It is fitted on
four fifths of the steps and predicts the fifth that it was not fitted on, five times, in whole stretches with a gap beside them. **R²** is
the share of the variance that these predictions explain: 1 is all of it, and 0 is what the mean alone would reach. (Hydrologists call it
the Nash–Sutcliffe efficiency.)

A high R² alone says little, because a slow quantity is found in anything that is slow. So the same probe looks for the column **shifted in
time**, and for a **control**: another column that the network has no use for, or a series of the same rhythm with random phases.
**Selectivity** is how much better the column is found than the control. If the file has the units of the network untrained, they are a
baseline too. None of this shows that the network uses what the probe reads.

Sources: Hewitt and Liang, *Designing and Interpreting Probes with Control Tasks*, 2019; Lees and others, *Hydrological concept formation
inside long short-term memory (LSTM) networks*, 2022.
"""


def panel(recorded: Recorded, quantity: str, inputs: tuple[str, ...], name: str) -> None:
    """Choice of the column, what the probe finds, and its figure.

    Args:
        recorded: What the file holds.
        quantity: The units that are shown.
        inputs: Columns that were read.
        name: Of the file, for the cache.
    """
    st.markdown("**What do the units know?** A linear probe looks for a column of the file in all units of the layer.")
    if not recorded.columns:
        st.caption("The file has no further column. Add one number per step to look for it.")
        return
    columns = list(recorded.columns)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        column = _picked("Column to look for", columns, COLUMN, "choose a column")
        others = [other for other in columns if other != column]
        control = _picked("Control", others, CONTROL, figures.SAME_RHYTHM, columns)
    if column is None:
        return
    with guard(stop=False), st.spinner("The probe is fitted ..."):
        what = (name, quantity, column, control, inputs)
        result = shared_cache("probes", 64).get(what, lambda: _probe(recorded, quantity, (column, control), inputs))
        st.markdown(plain(figures.in_words(result, column, control or figures.SAME_RHYTHM)))
        truth = recorded.columns[column][:MOST_STEPS]
        if recorded.steps > MOST_STEPS:
            st.caption(f"The first {MOST_STEPS:,} steps.")
        figure = made(figures.agreement, result, truth, column, dark=is_dark())
        show(figure, f"{KEY}.agreement", "linear-probe", lambda: figures.table(result, truth))
    how_to_read(READ)


def _probe(recorded: Recorded, quantity: str, names: tuple[str, str | None], inputs: tuple[str, ...]) -> LinearProbe:
    """The probe for a column and a control, with the baselines that the file allows."""
    column, control = names
    rows = slice(0, MOST_STEPS)
    baselines = {}
    if quantity in recorded.fresh:
        baselines[UNTRAINED] = recorded.fresh[quantity][rows, :MOST_UNITS]
    if read := [recorded.columns[one] for one in inputs if one != column]:
        baselines[ALONE] = np.nan_to_num(np.stack(read, 1))[rows]
    other = None if control is None else recorded.columns[control][rows]
    return probe(recorded.units[quantity][rows, :MOST_UNITS], recorded.columns[column][rows], other, baselines)


def _picked(label: str, options: list[str], key: str, nothing: str, order: list[str] | None = None) -> str | None:
    """A menu that may stay empty; its choice is in the link as a place in `order`."""
    order = order or options
    if is_unread(key):
        index = linked_whole(key, len(order))
        st.session_state[key] = None if index is None else order[index]
    if st.session_state[key] not in options:
        st.session_state[key] = None
    picked = st.selectbox(label, options, key=key, index=None, placeholder=nothing, width=280)
    link(key, "" if picked is None else str(order.index(picked)), "")
    return picked
