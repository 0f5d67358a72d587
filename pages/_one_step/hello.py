"""The example "hello": every number of four steps, one step of learning at a press, and what the recurrent arrow is for."""

import pandas as pd
import streamlit as st

from explorer.figures import equations
from explorer.figures import hello as figures
from explorer.figures.training_curve import losses
from explorer.textbook.hello import READ, WANTED, Forward, after, forward
from pages._one_step import state as one_step_state
from pages._one_step.state import RATES, Learning
from pages._ui.glossary import terms
from pages._ui.layout import folding, still
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling, show

KEY = "one_step.hello"
TITLE = "hello, in the lecture's own numbers"
# A narrow screen has room for one step: the folded graph, with the slider to go through time.
STYLE = """<style>
@media (max-width: 640px) { .st-key-one_step-hello-wide { display: none; } }
@media (min-width: 641px) and (max-width: 1180px) { .st-key-one_step-hello-narrow { display: none; } }
.st-key-one_step-hello-equations .katex { font-size: 0.92em; }
.st-key-one_step-hello-equations [data-testid=stMarkdownContainer] { overflow-x: auto; overflow-y: hidden; }
</style>"""
HOW_TO_READ = """
**Each column is one step.** From below: the letter as a one-hot vector x, the three hidden units h, and for each of the four
letters its logit and its probability. The frame marks the letter that is wanted next; the boldest is the one the network would write.

- xₜ picks one column of **W_xh**; the state before goes through **W_hh**; their sum through tanh is the new state
  hₜ = tanh(W_xh xₜ + W_hh hₜ₋₁). The same weights at every step: the *folded* graph has them once, the unfolded one draws them four times.
- **W_hy** hₜ + b are the logits; softmax makes them probabilities; the loss is −ln of the wanted one, summed over the four steps.
- *One step of learning* goes a step against the gradient of that sum, for all weights at once, through all four steps
  (backpropagation through time). b is the only bias, as on the slide.

**Where the numbers come from.** The slide shows hidden values and logits, and no weights. Here a real network has them: its W_xh and
W_hh are the smallest that give the hidden values, its W_hy and b give the logits exactly. The slide's 1.0 is 0.96: a tanh never
reaches 1. Other weights would give the same picture and learn differently.

**What this does not show**: real text. Three units that learn four letters by heart have not learned to spell.

Sources: Johnson, Karpathy and Fei-Fei, *CS231n*, lecture on recurrent networks, 2016; Karpathy, *The Unreasonable Effectiveness of
Recurrent Neural Networks*, 2015; Goodfellow, Bengio and Courville, *Deep Learning*, 2016, section 10.2.
"""


def panel() -> None:
    """Controls, the graph unfolded and folded, the equations of the chosen step, and the loss over the presses."""
    headline = still("one_step-hello-told", 26, 78)
    learning = _controls()
    network, course = after(learning.stretches, learning.rate)
    run = forward(network)
    headline.markdown(sentence(learning, run, course))
    what = (run, learning.step, learning.covered, is_dark())
    _graphs(what)
    with st.container(key=f"{KEY}.equations"):
        _equations(learning, network, run)
    save(figures.unfolded(*what), f"{KEY}.unfolded", "hello", figures.table(run))
    with st.expander("The loss after each step of learning, and every number as a table"):
        _course(learning, course)
        table = figures.table(run)
        st.dataframe(table.set_index("step").T.astype(str), key=f"{KEY}.table")
    terms("backpropagation through time", "one-hot vector", "hidden state", "logit", "softmax", "loss", "learning rate")
    with st.expander("How to read this page"):
        st.markdown(HOW_TO_READ)


def sentence(learning: Learning, run: Forward, course: list[float]) -> str:
    """What to look for in this very picture."""
    loss = f"loss **{run.loss:.2f}**"
    writes = f"should write “{WANTED}” and writes “{run.answers}”" if run.right < 4 else f"writes “{WANTED}”, as it should"
    if learning.covered:
        both = "the two l's get **the same** answer" if (run.logits[2] == run.logits[3]).all() else "the two l's differ"
        return f"Without the recurrent arrow only the letter decides: {both}, at most one can be right. It writes “{run.answers}”, {loss}."
    if not learning.steps:
        return f"These are the numbers of a well-known slide. Given “{READ}” the network {writes}, {loss}. Let it learn."
    presses = "1 step" if learning.steps == 1 else f"{learning.steps:,} steps"
    end = "Now cover the recurrent arrow." if run.right == 4 else f"{run.right} of 4 are right."
    return f"After {presses} of learning it {writes}, {loss} ({course[0]:.2f} at first). {end}"


def _controls() -> Learning:
    state = st.session_state
    state[one_step_state.COVER] = len(state[one_step_state.STRETCHES]) % 2 == 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("**One step of learning**", key="one_step.gesture", icon=":material/school:", on_click=one_step_state.learn, args=(1,))
        st.toggle("Cover the recurrent arrow: W_hh = 0", key=one_step_state.COVER, on_change=one_step_state.cover)
        with folding(one_step_state.PAGE):
            st.button("Ten steps", key=f"{KEY}.ten", on_click=one_step_state.learn, args=(10,))
            st.button("Start over", key=f"{KEY}.over", icon=":material/undo:", on_click=one_step_state.start_over)
            options = {"bind": "query-params", "label_visibility": "collapsed", "width": 150}
            rate = st.selectbox("Size of a step", list(RATES), key=one_step_state.RATE, **options)
        step = st.slider(
            "Step", 1, len(READ), key=one_step_state.STEP, bind="query-params", width=190, format="step %d", label_visibility="collapsed"
        )
    return Learning(state[one_step_state.STRETCHES], RATES[rate], step - 1)


def _graphs(what: tuple[Forward, int, bool, bool]) -> None:
    with st.container(horizontal=True, gap="small", key=f"{KEY}.graphs"):
        with st.container(key=f"{KEY}.wide", width="content"), scrolling("one_step-unfolded"):
            draw_to_click(figures.unfolded(*what), f"{KEY}.unfolded", "place", lambda point: one_step_state.look_at(int(point["place"])))
        with st.container(key=f"{KEY}.narrow", width="content"):
            draw(figures.folded(*what), f"{KEY}.folded")
    st.html(STYLE)


def _equations(learning: Learning, network, run: Forward) -> None:
    first, second = st.columns(3), st.columns([2, 3])
    for column, (title, latex) in zip((*first, *second), equations.hello(network, run, learning.step), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.markdown(f"$\\small {latex}$")


def _course(learning: Learning, course: list[float]) -> None:
    figure = losses(course, learning.stretches, is_dark())
    show(figure, f"{KEY}.course", "hello-loss", pd.DataFrame({"steps": range(len(course)), "loss": course}))
