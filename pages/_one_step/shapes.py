"""Layers on top of each other, two directions, and where networks read and answer: graphs with the states of real networks."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis.divergence import Divergence
from explorer.figures import architectures as figures
from explorer.figures.architectures import Path
from pages._one_step import compute
from pages._one_step.cell_state import first
from pages._one_step.state import PAGE
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.show import draw, is_dark, scrolling, show
from pages._ui.text import plain

KEY = "one_step.shapes"
TITLE = "Layers, directions, patterns"
STACKED, DIRECTIONS, OTHER = (f"{PAGE}.{name}" for name in ("stacked", "directions", "other"))
WORD, SENTENCE = "[[sea]]", "the dog sees the car"
LONGEST = 10  # characters of the word
ROOMS = {
    "one to many": "One picture in, a caption out: [Captions](./captions).",
    "many to one": "A name in, its language out: [Confusions](./confusions).",
    "many to many, at once": "A character in, the next one out, at every step: [Hidden states](./).",
    "many to many, afterwards": "A sentence in, then its translation out: [Attention](./attention).",
}
HOW_TO_READ = """
A **node** is the state of a layer after a step: four of its units, coloured from −1 (blue) over 0 to 1 (brown). Arrows along a row carry
the state; arrows from below carry what is read. **Framed** are the states that change when the last thing read is another one.

- In a **stacked** network each layer reads the states of the one below it. Whatever comes last changes nothing that came before.
- In a **bidirectional** network a second layer reads from the end, so that the state of each place knows what follows too. That is
  why it can read a whole sentence for a translation, and cannot predict the next character: it would have seen it.

Sources: Schuster and Paliwal, *Bidirectional Recurrent Neural Networks*, 1997; Graves, Mohamed and Hinton, 2013; Karpathy, 2015 (patterns).
"""


def panel() -> None:
    """Stacked layers, two directions, and the four patterns."""
    headline = st.empty()
    other = st.toggle("Change the last character, the last word", key=OTHER, bind="query-params")
    noticed = "Framed are those that did: all that come **after** it in the direction of reading." if other else "Guess first."
    headline.markdown(f"Change the last thing that is read: which states notice? {noticed}")
    _stacked(other)
    _directions(other)
    st.markdown("**Where a network reads and where it answers**")
    for column, (name, explanation) in zip(st.columns(4), ROOMS.items(), strict=True):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            draw(figures.pattern(name, is_dark()), f"{KEY}.{name.replace(' ', '-').replace(',', '')}")
            st.caption(explanation)
    terms("layer", "bidirectional", "hidden state", "unit", "encoder and decoder")
    with st.expander("How to read this page"):
        st.markdown(HOW_TO_READ)


def _stacked(other: bool) -> None:
    model = first()
    if not model:
        st.info("There is no LSTM in `checkpoints/`. Train one: `python -m models train wiki-lstm`.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Stacked**: {plain(model)} reads", width="content")
        options: dict[str, Any] = {"label_visibility": "collapsed", "width": 160, "bind": "query-params"}
        word = st.text_input("Characters", WORD, key=STACKED, max_chars=LONGEST, **options) or WORD
    states = compute.layers(model, word[:LONGEST], other)
    _draw(figures.stacked, states, [f"layer {layer + 1}" for layer in range(len(states.states))], "stacked")


def _directions(other: bool) -> None:
    name = next((name for name, card in networks.emitting("trace", "alignment").items() if card["parameters"]), "")
    if not name:
        return
    st.markdown(f"**Bidirectional**: the encoder of {plain(name)} reads “{SENTENCE}”")
    states = compute.directions(name, SENTENCE, other)
    _draw(figures.bidirectional, states, [f"from the {'right' if reverse else 'left'}" for reverse in states.reverse], "bidirectional")


def _draw(figure: Callable, divergence: Divergence, names: list[str], name: str) -> None:
    paths = [Path(*path) for path in zip(names, divergence.states, divergence.reverse, strict=True)]
    rows = [
        {"layer": path.name, "place": t + 1, "reads": token, "changed by": float(divergence.distance[n, t])}
        | {f"unit {u + 1}": float(value) for u, value in enumerate(path.states[t])}
        for n, path in enumerate(paths)
        for t, token in enumerate(divergence.tokens)
    ]
    with scrolling(f"one_step-{name}"):
        show(figure(paths, divergence.tokens, divergence.distance, is_dark()), f"{KEY}.{name}", name, pd.DataFrame(rows))
