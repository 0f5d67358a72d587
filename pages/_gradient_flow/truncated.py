"""Truncated backpropagation does not cut memory: trained in short windows, a network remembers far beyond them."""

import numpy as np
import streamlit as st

from explorer.analysis.gradients import heard
from explorer.figures import generalisation as figures
from explorer.figures.generalisation import Study
from models.memory_tasks import experiments
from pages._ui import jobs
from pages._ui.glossary import terms
from pages._ui.show import is_dark, show

KEY = "gradient_flow.truncated"
KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
WINDOWS = (5, 10, 20)
READ = """*A stream shows a symbol now and then, and now and then asks: which was the last?* Both networks learn from windows of the
same few steps, and **no gradient ever crosses a border**. In one the state goes on into the next window: what it learnt to keep over
a few steps it keeps over many, for the state still flows forward. In the other the state is set to zero at every border: that cuts
memory, and it can do no better than the dotted line, which is computed: so many of the questions have their symbol in their own
window, and the others are guessed. **Truncation cuts learning, not memory**: were all questions far, no gradient would ever reach
what they ask for. Distances up to 40, on a stream that nothing was trained on."""


def part() -> None:
    """Widgets, the lines as they come, how to read them."""
    st.markdown("**Truncated backpropagation does not cut memory.** The gradient ends at the border of a window; does what it remembers?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control("Network", list(KINDS), default="LSTM", key=f"{KEY}.kind", bind="query-params", required=True)
        window = st.segmented_control("Steps of a window", WINDOWS, default=10, key=f"{KEY}.window", bind="query-params", required=True)
        seed = st.number_input("Seed", 1, 99, key=f"{KEY}.seed", bind="query-params", width=130)
        chosen = (KINDS[kind], window, seed)
        jobs.start_button("Train both", f"{KEY}.start", lambda: _begin(chosen))
    jobs.watch(lambda: _draw(chosen), KEY)
    terms("truncated backpropagation", "hidden state", "seed", "chance")
    st.caption(READ)


def _accuracies() -> dict:
    """Share of right answers of this visit's networks, by what was chosen and by name."""
    return st.session_state.setdefault(f"{KEY}.found", {})


def _begin(chosen: tuple[str, int, int]):
    accuracies = _accuracies()
    accuracies[chosen] = {}
    return experiments.windows(*chosen, accuracies[chosen].__setitem__)


def _draw(chosen: tuple[str, int, int]) -> None:
    lines = dict(_accuracies().get(chosen, {}))  # the training adds to it meanwhile
    if not lines:
        return
    from models.memory_tasks.truncated_bptt import FAR, SYMBOLS

    window = chosen[1]
    share = heard(window, np.arange(1, FAR + 1))
    ceiling = (list(share + (1 - share) / SYMBOLS), "memory of one window")
    border = (window - 1, "no gradient beyond")
    study = Study(lines, 1 / SYMBOLS, ceiling, border, "steps since the symbol was shown")
    with st.container(key=f"{KEY}.frame"):
        show(figures.beyond(study, is_dark()), f"{KEY}.figure", "truncated", figures.table(study), stretch=True)
