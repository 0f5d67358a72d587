"""The example "hello": every number of its four steps, training step by step, and the role of the recurrent arrow."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from explorer.figures import equations
from explorer.figures import hello as figures
from explorer.figures.training_curve import losses
from explorer.textbook.bptt import Gradients
from explorer.textbook.hello import READ, WANTED, Forward, after, forward
from pages._one_step import backward
from pages._one_step import state as one_step_state
from pages._one_step.state import RATES, Learning
from pages._ui.glossary import terms
from pages._ui.layout import folding, select_named, still
from pages._ui.made import made
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling, show
from pages._ui.text import count, grid, how_to_read

KEY = "one_step.hello"
TERMS = (
    "RNN", "weight", "nats", "backpropagation through time", "one-hot vector", "hidden state", "logit", "softmax", "loss", "learning rate",
    "training step",
)  # fmt: skip
TITLE = "hello, in the lecture's own numbers"
# A narrow screen has room for one step: it shows the folded graph, and a slider selects the step.
STYLE = """<style>
@media (max-width: 640px) { .st-key-one_step-hello-wide { display: none; } }
@media (min-width: 641px) and (max-width: 1180px) { .st-key-one_step-hello-narrow { display: none; } }
.st-key-one_step-hello-equations .katex { font-size: 0.92em; }
.st-key-one_step-hello-equations [data-testid=stMarkdownContainer] { overflow-x: auto; overflow-y: hidden; }
</style>"""
HOW_TO_READ = """
**Each column is one step.** From below: the letter as a one-hot vector x, the three hidden units h, and for each of the four
letters its logit and its probability. The frame marks the target letter; the prediction is in bold.

- xₜ selects one column of **W_xh**, and the previous state goes through **W_hh**. The tanh of their sum is the new state
  hₜ = tanh(W_xh xₜ + W_hh hₜ₋₁). The weights are the same at every step: the *folded* graph shows them once, the *unfolded* graph
  four times.
- **W_hy** hₜ + b are the logits. Softmax turns them into probabilities. The loss is −ln p of the target, summed over the four steps.
- *One training step* moves all weights a little against the gradient of that sum, through all four steps (backpropagation through
  time, BPTT). b is the only bias, as on the slide.
- *Backward pass* adds a row of gradients: ∂L/∂h is how much the loss changes, per unit of change of each hidden unit at that step.
  It comes from the step's own loss through W_hy, and from the next step through W_hh. Its colours have a scale of their own.

**Where the numbers come from.** The slide shows hidden values and logits but no weights. Here a real network produces them: its W_xh
and W_hh are the smallest weights that give the hidden values, and its W_hy and b give the logits exactly. The slide's 1.0 is 0.96 here,
because a tanh never reaches 1. Other weights would give the same figure but learn differently.

**What this does not show**: real text. Three units that memorise four letters have not learned to spell.

Sources: Johnson, Karpathy and Fei-Fei, *CS231n*, lecture on recurrent networks, 2016; Karpathy, *The Unreasonable Effectiveness of
Recurrent Neural Networks*, 2015; Goodfellow, Bengio and Courville, *Deep Learning*, 2016, section 10.2.
"""


def panel() -> None:
    """Controls, the unfolded and the folded graph, the equations of the selected step, and the loss curve."""
    headline = still("one_step-hello-told", 26, 78)
    learning = _controls()
    network, course = after(learning.stretches, learning.rate)
    run = forward(network)
    headline.markdown(sentence(learning, run, course))
    gradients = backward.chosen(network)
    what = (run, learning.step, learning.covered, is_dark(), gradients)
    unfolded = made(figures.unfolded, *what)
    _graphs(unfolded, what)
    with st.container(key=f"{KEY}.equations"):
        _equations(learning, network, run)
    if gradients:
        backward.sums(gradients)
    save(unfolded, f"{KEY}.unfolded", "hello", partial(figures.table, run, gradients))
    with st.expander("Loss curve, and all numbers as a table"):
        _course(learning, course)
        grid(_numbers(run), f"{KEY}.table")
    terms(*TERMS)
    how_to_read(HOW_TO_READ, "this page")


def sentence(learning: Learning, run: Forward, course: list[float]) -> str:
    """One sentence above the graph: what the network predicts, and what to try."""
    loss = f"loss **{run.loss:.2f}**"
    predicts = f"should predict “{WANTED}” but predicts “{run.answers}”" if run.right < 4 else f"predicts “{WANTED}”, as it should"
    if learning.covered:
        both = "the two l's get **the same** answer" if (run.logits[2] == run.logits[3]).all() else "the two l's differ"
        return f"Without the recurrent arrow only the letter counts: {both}, so at most one is right. Prediction “{run.answers}”, {loss}."
    if not learning.steps:
        return f"These are the numbers of a well-known lecture slide. Given “{READ}”, the network {predicts}, {loss}. Train it."
    end = "Now remove the recurrent arrow." if run.right == 4 else f"{run.right} of 4 letters are right."
    return f"After {count(learning.steps, 'training step')} it {predicts}, {loss} ({course[0]:.2f} at first). {end}"


def _controls() -> Learning:
    state = st.session_state
    state[one_step_state.COVER] = len(state[one_step_state.STRETCHES]) % 2 == 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("**One training step**", key="one_step.gesture", icon=":material/school:", on_click=one_step_state.learn, args=(1,))
        st.toggle("Remove the recurrent arrow", key=one_step_state.COVER, on_change=one_step_state.cover)
        st.toggle("Backward pass", key=one_step_state.BACKWARD, bind="query-params")
        with folding(one_step_state.PAGE):
            st.button("Ten steps", key=f"{KEY}.ten", on_click=one_step_state.learn, args=(10,))
            st.button("Start over", key=f"{KEY}.over", icon=":material/undo:", on_click=one_step_state.start_over)
            names = {word: f"learning rate {rate:g}" for word, rate in RATES.items()}
            rate = select_named("Learning rate", names, one_step_state.RATE, 165)
        step = st.slider(
            "Step", 1, len(READ), key=one_step_state.STEP, bind="query-params", width=140, format="step %d", label_visibility="collapsed"
        )
    return Learning(state[one_step_state.STRETCHES], RATES[rate], step - 1)


def _graphs(unfolded: Any, what: tuple[Forward, int, bool, bool, Gradients | None]) -> None:
    with st.container(horizontal=True, gap="small", key=f"{KEY}.graphs"):
        with st.container(key=f"{KEY}.wide", width="content"), scrolling("one_step-unfolded"):
            draw_to_click(unfolded, f"{KEY}.unfolded", "place", lambda point: one_step_state.look_at(int(point["place"])))
        with st.container(key=f"{KEY}.narrow", width="content"):
            draw(made(figures.folded, *what), f"{KEY}.folded")
    st.html(STYLE)


def _equations(learning: Learning, network, run: Forward) -> None:
    first, second = st.columns(3), st.columns([2, 3])
    for column, (title, latex) in zip((*first, *second), equations.hello(network, run, learning.step), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.markdown(f"$\\small {latex}$")


def _numbers(run: Forward) -> pd.DataFrame:
    """All numbers, a column for each step; a column holds characters too, so every number is text."""
    table = figures.table(run).set_index("step").T
    shown = table.map(lambda value: f"{value:.4g}" if isinstance(value, float) else str(value))
    return shown.rename(columns=str).rename_axis("step", axis=0).rename_axis(None, axis=1).reset_index()


def _course(learning: Learning, course: list[float]) -> None:
    figure = made(losses, course, learning.stretches, is_dark())
    show(figure, f"{KEY}.course", "hello-loss", pd.DataFrame({"steps": range(len(course)), "loss": course}))
