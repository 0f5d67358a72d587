"""View of architectures: stacked layers and two directions with the states of trained networks, input-output patterns, deep graphs."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis.divergence import Divergence
from explorer.figures import architectures as figures
from explorer.figures import deep_graphs
from explorer.figures.architectures import Path
from models.family import PROGRAM
from pages._one_step import compute
from pages._one_step.cell_state import first
from pages._one_step.state import PAGE
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling, show
from pages._ui.text import how_to_read, plain

KEY = "one_step.shapes"
TITLE = "Layers, directions, patterns"
STACKED, DIRECTIONS, OTHER = (f"{PAGE}.{name}" for name in ("stacked", "directions", "other"))
WORD, SENTENCE = "[[sea]]", "the dog sees the car"
LONGEST = 10  # characters of the text for the stacked network
ROOMS = {
    "one to many": "Input a picture, output a caption: [Captions](./captions).",
    "many to one": "Input a name, output its language: [Confusions](./confusions).",
    "many to many, at once": "At every step, input a character and output the next one: [Hidden states](./hidden_states).",
    "many to many, afterwards": "Input a sentence, then output its translation: [Attention](./attention).",
}
DEEP = {
    "deep input": (
        "hₜ = tanh(W f(xₜ) + U hₜ₋₁), where f is a layer of its own. Each input is transformed before the state reads it; word embeddings "
        "are the simplest case."
    ),
    "deep transition": (
        "hₜ = tanh(W xₜ + U g(hₜ₋₁)). One step can change the state in a more complicated way. But a gradient passes two layers per step "
        "instead of one, so what is far back is harder to learn."
    ),
    "deep output": "yₜ = V k(hₜ). The state may hold what it remembers in a form from which a single layer could not read the answer.",
    "skip connection": (
        "hₜ = tanh(W xₜ + U g(hₜ₋₁) + S hₜ₋₁). The second arrow bypasses the additional layer and gives the gradient its short path back."
    ),
}
HOW_TO_READ = """
A **node** is the state of a layer after a step: four of its units, coloured from −1 (blue) through 0 to 1 (orange). Arrows along a row
carry the state to the next step; arrows from below carry the input. **Framed** nodes change when the last input changes.

- In a **stacked** network each layer reads the states of the layer below. A change of the last input changes no earlier state.
- **Deep** graphs: orange boxes are inputs, green ones states, blue ones outputs; the violet ones are the additional layers. Each arrow is a
  matrix of weights. The caption counts the arrows on the shortest path from the first state to the third.
- In a **bidirectional** network a second layer reads from the end, so the state at each position also knows what follows. It can read
  a whole sentence for translation, but it cannot predict the next character, because it has already seen it.

Sources: Schuster and Paliwal, *Bidirectional Recurrent Neural Networks*, 1997; Graves, Mohamed and Hinton, 2013; Karpathy, 2015 (patterns);
Pascanu, Gulcehre, Cho and Bengio, *How to Construct Deep Recurrent Neural Networks*, 2014.
"""


def panel() -> None:
    """Stacked layers, two directions, the four patterns, and other ways to make a network deep."""
    headline = st.empty()
    other = st.toggle("Change the last input", key=OTHER, bind="query-params")
    answer = "The framed ones: all that come **after** it in the reading direction." if other else "Guess first."
    headline.markdown(f"If the last input changes, which states change? {answer}")
    _stacked(other)
    _directions(other)
    st.markdown("**At which steps a network gets input and gives output**")
    patterns = {name: made(figures.pattern, name, is_dark()) for name in ROOMS}
    for column, (name, explanation) in zip(st.columns(4), ROOMS.items(), strict=True):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            draw(patterns[name], f"{KEY}.{name.replace(' ', '-').replace(',', '')}")
            st.caption(explanation)
    save(list(patterns.values()), f"{KEY}.patterns", "patterns")
    _deep()
    terms("layer", "bidirectional", "hidden state", "unit", "encoder and decoder")
    how_to_read(HOW_TO_READ, "this page")


def _stacked(other: bool) -> None:
    model = first()
    if not model:
        st.info(f"There is no LSTM in `checkpoints/`. Train one: `{PROGRAM} train wiki-lstm`.")
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


def _deep() -> None:
    """Other places for one more layer than a stack, each with its equation and the length of its shortest path through time."""
    st.markdown(
        "**Other ways to make it deep.** A stack repeats the whole recurrent layer. One more layer can also stand before the state, "
        "between two states, or after the state."
    )
    graphs = {name: made(deep_graphs.deep, name, is_dark()) for name in DEEP}
    for column, (name, explanation) in zip(st.columns(4), DEEP.items(), strict=True):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            draw(graphs[name], f"{KEY}.{name.replace(' ', '-')}")
            st.caption(f"{explanation} Shortest path from h₁ to h₃: {deep_graphs.shortest(name)} arrows.")
    save(list(graphs.values()), f"{KEY}.deep", "deep")


def _draw(figure: Callable, divergence: Divergence, names: list[str], name: str) -> None:
    paths = [Path(*path) for path in zip(names, divergence.states, divergence.reverse, strict=True)]
    rows = [
        {"layer": path.name, "step": t + 1, "input": token, "changed by": float(divergence.distance[n, t])}
        | {f"unit {u + 1}": float(value) for u, value in enumerate(path.states[t])}
        for n, path in enumerate(paths)
        for t, token in enumerate(divergence.tokens)
    ]
    with scrolling(f"one_step-{name}"):
        show(made(figure, paths, divergence.tokens, divergence.distance, is_dark()), f"{KEY}.{name}", name, pd.DataFrame(rows))
