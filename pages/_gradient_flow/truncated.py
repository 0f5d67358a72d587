"""Part "Truncated backpropagation": a network trained in short windows remembers far beyond them."""

from functools import partial

import numpy as np
import streamlit as st

from explorer.analysis.gradients import heard
from explorer.figures import generalisation as figures
from explorer.figures.generalisation import Study
from models.memory_tasks import experiments
from pages._gradient_flow import compute
from pages._ui import jobs
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import how_to_read

KEY = "gradient_flow.truncated"
KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
WINDOWS = (5, 10, 20)
MEASURED = ("lstm", 10)  # for which the lines were measured in advance
READ = """
*A stream shows a symbol from time to time, and sometimes asks which symbol was shown last.* Both networks are trained on windows
of the same few steps, and **no gradient ever crosses the border of a window**.

- **State carried over**: the network learns to keep a symbol for a few steps, and then keeps it for many, because the state still
  flows forward.
- **State reset to zero** at every border: this does cut memory. The network can do no better than the dotted line, which is
  computed: right for questions whose symbol lies in the same window, and a guess for the others.
- **Truncation limits what can be learned, not what can be remembered.** If every question were far from its symbol, no gradient
  would ever reach it.

Distances up to 40 steps, on a held-out stream.
"""


def part() -> None:
    """Widgets, the lines as they grow, and how to read them."""
    st.markdown(
        "**Truncated backpropagation does not cut memory.** The gradient stops at the border of a window. Does memory stop there too?"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control("Network", list(KINDS), default="LSTM", key=f"{KEY}.kind", bind="query-params", required=True)
        window = st.segmented_control("Window, steps", WINDOWS, default=10, key=f"{KEY}.window", bind="query-params", required=True)
        seed = st.number_input("Seed", 1, 99, key=f"{KEY}.seed", bind="query-params", width=130)
        chosen = (KINDS[kind], window, seed)
        jobs.start_button("Train both", KEY, lambda: _begin(chosen))
    jobs.watch(lambda: _draw(chosen), KEY)
    terms("truncated backpropagation", "RNN", "LSTM", "GRU", "hidden state", "seed", "accuracy", "chance")
    how_to_read(READ)


def _accuracies() -> dict:
    """Accuracies of this visitor's networks, by the chosen settings and by name."""
    return st.session_state.setdefault(f"{KEY}.found", {})


def _begin(chosen: tuple[str, int, int]):
    accuracies = _accuracies()
    accuracies[chosen] = {}
    return experiments.windows(*chosen, accuracies[chosen].__setitem__)


def _draw(chosen: tuple[str, int, int]) -> None:
    own = dict(_accuracies().get(chosen, {}))  # the training adds to it meanwhile
    measured = compute.studied("windows") if chosen[:2] == MEASURED else {}
    if not own and not measured:
        return
    known = chosen[2] if chosen[2] in measured else next(iter(measured), chosen[2])
    lines = own or measured[known]
    from models.memory_tasks.truncated_bptt import FAR, SYMBOLS

    window = chosen[1]
    share = heard(window, np.arange(1, FAR + 1))
    ceiling = (list(share + (1 - share) / SYMBOLS), "limit of one window")
    border = (window - 1, "no gradient beyond")
    study = Study(lines, 1 / SYMBOLS, ceiling, border, "steps since the symbol was shown")
    with st.container(key=f"{KEY}.frame"):
        show(made(figures.beyond, study, is_dark()), f"{KEY}.figure", "truncated", partial(figures.table, study), stretch=True)
    if not own:
        st.caption(f"Measured in advance with seed {known}. *Train both* trains these networks here, with the seed that you choose.")
