"""Second figure of the panel "The gap": what a linear probe still finds of the past in the hidden state."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from explorer.figures import probe as figures
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import count, how_to_read, plain

KEY = "gradient_flow.probe"
RUNS = {"trained": "", "cell state": ", cell state", "untrained": ", untrained"}
READ = """
A **linear probe** is a linear classifier that reads the hidden state of a network and nothing else. Here one probe for each distance k
names the character k steps back. It was fitted (ridge regression) on the first half of held-out text and scored on the second half. Where
it is right more often than the most frequent character, the state still holds something of that character.

- **The hidden state is a lossy summary.** It has a fixed size, so what stood long ago is lost, in every network.
- **An untrained network** mixes its last characters into its state without choosing. **Training** spends the same state on what helps to
  predict the next character, and lets go of the letters themselves. So a trained network may score lower, and yet know more that is of use.
- **c and h**: the cell state of an LSTM may hold what its output gate keeps out of its hidden state at that moment.

**What this does not show**: that the network uses what a probe finds, or that what a linear probe misses is not there in another form.
"""


def section(measured: Mapping[str, Any]) -> None:
    """Heading with one sentence, figure and explanation; `measured` as in the file CORPUS-probe.json."""
    lags, chance = measured["lags"], measured["most_frequent"]
    st.markdown(f"**The hidden state is a lossy summary of the text.** {sentence(measured)}")
    shares = shares_of(measured["networks"])
    with st.container(key=f"{KEY}.frame"):
        show(made(figures.probe, shares, lags, chance, is_dark()), KEY, "probe", figures.table(shares, lags), stretch=True)
    terms("linear probe", "hidden state", "cell state")
    how_to_read(READ, "the probe")


def shares_of(networks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[float]]:
    """The lines of the figure by name: trained networks first, then cell states, then untrained networks."""
    return {f"{name}{suffix}": about[run] for run, suffix in RUNS.items() for name, about in networks.items() if run in about}


def sentence(measured: Mapping[str, Any]) -> str:
    """What the probes find one step back, how far back they are better than chance, and whether untrained networks hold more."""
    lags, chance, networks = measured["lags"], measured["most_frequent"], measured["networks"]
    first = ", ".join(f"{about['trained'][0]:.0%} in {plain(name)}" for name, about in networks.items())
    ends = {run: [last_above(lags, about[run], chance) for about in networks.values()] for run in ("trained", "untrained")}
    fall = ", ".join(f"{count(end, 'character')} in {plain(name)}" for name, end in zip(networks, ends["trained"], strict=True))
    more = all(before > after for after, before in zip(ends["trained"], ends["untrained"], strict=True))
    why = " Untrained, all hold the letters longer: training keeps what helps to predict, not the letters." if more else ""
    return f"A linear probe recovers the previous character ({first} correct) and falls to chance ({chance:.0%}) after {fall}.{why}"


def last_above(lags: Sequence[int], shares: Sequence[float], chance: float) -> int:
    """The last lag before the share falls to chance for the first time; 0 if it begins there."""
    fallen = next((index for index, p in enumerate(shares) if p <= chance), len(lags))
    return lags[fallen - 1] if fallen else 0
