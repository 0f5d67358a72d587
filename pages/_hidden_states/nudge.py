"""The third part of "Intervene": the unit is nudged once, at many places, and what the network says later is compared."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures import what_next as figures
from explorer.figures.characters import noun, shown
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._ui import export, uploads
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import code, how_to_read, plain

if TYPE_CHECKING:
    from models.char_lm.experiments.what_next import WhatNext

KEY = "hidden_states.nudge"
TOP = 6  # tokens of each horizon
QUANTILES = (0.1, 0.5, 0.9)
READ = """
After up to 64 characters of the text, one at a time, the state of the unit is raised once, by one standard deviation; then the network
reads on what the text really says. The bars show how much that changes the logits of a later prediction, less the mean of all logits:
from the 10 % to the 90 % quantile over the places, with the median as a point. Tokens are listed by how much their probability changes.

- **The real nudge** is run. **The Jacobian** (the derivative of the later logits by the state) is exact for an infinitely small nudge;
  times the nudge it is a first-order estimate. Where the two differ, the network is not linear there: a tanh that is full cannot rise.
- A unit can push a token up in one place and down in another. A mean would hide that; the quantiles show it.
- A bar that stays near 0 after 20 characters says that the nudge is forgotten, or that other units hold the same.
"""


def section(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Nudge the unit, and draw what changes at the next prediction, the fifth and the twentieth."""
    work = partial(compute.nudged, view, network)
    try:
        result = patiently("Places at which the unit is nudged", f"{KEY}.cancel", state.close_panel, work, compute.cost(view))
    except ExplorerError as error:
        st.info(plain(error))
        return
    frame = effects(result, network)
    st.markdown(said(result, frame, view, noun(run.trace.tokens)))
    figure = made(figures.quantiles, frame, is_dark())
    with scrolling(KEY.replace(".", "-")):
        draw(figure, f"{KEY}.figure")
    save(figure, f"{KEY}.figure", "what-next", partial(table, result, network))
    terms("intervention", "Jacobian", "logit", "nats", "quantile", "cell state", "hidden state")
    how_to_read(READ)
    export.notebook(notebook(view))


def effects(result: "WhatNext", network: Loaded) -> pd.DataFrame:
    """Quantiles of the tokens that change most, for the figure."""
    rows = []
    for at, horizon in enumerate(result.horizons):
        for token in result.strongest(TOP)[at]:
            for way, values in ((figures.REAL, result.real), (figures.LINEAR, result.linear)):
                quantiles = np.quantile(values[:, at, token], QUANTILES)
                rows.append((horizon, shown(network.vocab.tokens[int(token)]), way, *map(float, quantiles)))
    return pd.DataFrame(rows, columns=["horizon", "token", "way", "low", "median", "high"])


def table(result: "WhatNext", network: Loaded) -> pd.DataFrame:
    """A row for each horizon and token of the vocabulary: quantiles of both ways."""
    parts = []
    for at, horizon in enumerate(result.horizons):
        columns = {"horizon": horizon, "token": list(network.vocab.tokens), "probability": result.p[:, at].mean(axis=0)}
        for way, values in (("real", result.real), ("Jacobian", result.linear)):
            columns |= {f"{way}, {level:.0%}": np.quantile(values[:, at], level, axis=0) for level in QUANTILES}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def said(result: "WhatNext", frame: pd.DataFrame, view: View, named: str) -> str:
    """What changes most, in words."""
    first = frame.iloc[0]
    agreement = ", ".join(f"{value:.2f}" for value in result.agreement())
    return (
        f"Unit {view.unit} of layer {view.layer + 1} is raised by {result.nudge:.2f}, one standard deviation on this text, after "
        f"{len(result.places)} {named}, one at a time. The next prediction changes most for {code(first['token'])}: its logit by "
        f"{first['low']:+.2f} to {first['high']:+.2f} (10 % to 90 % of the places). Jacobian and real nudge correlate with {agreement} "
        f"after {', '.join(map(str, result.horizons))} {named}."
    ).replace(" -", " \u2212")


def notebook(view: View) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.char_lm.experiments.what_next import what_next
from models.char_lm.experiments.window import Layer, read_window

network = {load}
window = read_window(network, {view.text!r}, Layer(), {view.warm_up!r}, {view.part})
result = what_next(network, window, {view.layer}, {view.unit})
print(result.agreement())
"""
