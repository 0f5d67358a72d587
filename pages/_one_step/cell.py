"""View of a trained LSTM or GRU: one unit at one character, gate by gate, and what happens if a gate is held at 0 or 1."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer.analysis.cell_step import KEEPER, CellStep
from explorer.figures import cell as figures
from explorer.figures import equations
from explorer.figures.characters import sign
from explorer.figures.diagram import short
from models.family import PROGRAM
from pages._hidden_states import cell_and_hidden
from pages._one_step import cell_state as choice
from pages._one_step import compute, gru_variants
from pages._one_step.compute import View
from pages._one_step.state import is_in_lesson
from pages._ui.glossary import terms
from pages._ui.layout import folding
from pages._ui.made import made
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling, show
from pages._ui.text import grid, how_to_read, plain, share

KEY = "one_step.cell"
TERMS = (
    "LSTM", "GRU", "layer", "unit", "weight",
    "gate", "forget gate", "input gate", "output gate", "update gate", "reset gate", "candidate", "kept and written",
    "cell state", "hidden state", "tanh(cell)", "bits",
)  # fmt: skip
TITLE = "LSTM and GRU, a real unit"
AROUND = 120  # characters around the selected one, over which cell and hidden state are drawn
HOLDS = {"as it is": None, "held at 0": 0, "held at 1": 1}
STYLE = """<style>
.st-key-one_step-cell-equations .katex { font-size: 0.9em; }
.st-key-one_step-cell-equations [data-testid=stMarkdownContainer] { overflow-x: auto; overflow-y: hidden; }
</style>"""
# A narrow screen has room for twenty letters: the strip is moved so that the selected one is among them.
BEFORE, NARROW = 9, "<style>@media (max-width: 640px) {{ .st-key-one_step-cell-strip {{ margin-left: -{left}px; }} }}</style>"
HOW_TO_READ = """
**The graph.** The state runs along the top, from its value before this character to its value after it. Below are the gates: each
box is filled according to how far the gate is open. Under each box are the terms whose sum goes through σ (or tanh): one from the character
or the layer below (W x), one from the states of the same layer one character earlier (U h), and the bias.

- **kept + written** is the new state. A gate alone says little: a fully open input gate writes nothing if the candidate is 0, and a
  forget gate of 0.9 keeps only a third of the cell state after ten characters (0.9¹⁰ = 0.35).
- **Held at 0, held at 1**: the network reads the text again, with this one gate of this one unit held at this one character. Everything
  after it is computed again; all other units and all later gates react freely.
- **Bits ahead**: the total surprise of the following characters, in bits. Lower is better.
- What a unit *tracks* is a measured correlation, see *Hidden states*. Only the experiment shows that the unit changes the next character.

**What this does not show**: training. The gates have these values because this network learned them.

Sources: Hochreiter and Schmidhuber, *Long Short-Term Memory*, 1997; Gers, Schmidhuber and Cummins, *Learning to Forget*, 2000; Cho et al.,
2014; Olah, *Understanding LSTM Networks*, 2015.
"""


def panel() -> None:
    """Controls, the text, the graph of the cell, its equations, and the effect of holding a gate."""
    choice.restore()
    about = choice.card()
    if not about:
        st.info(f"There is no trained network in `checkpoints/`. Train one: `{PROGRAM} train wiki-lstm`.")
        return
    headline = st.empty()
    view, value = _controls(about)
    choice.write_link(view, about)
    step = compute.step(view)
    keeper = KEEPER.get(step.kind)
    shown = step if keeper is None or value is None else step.held(keeper, float(value))
    headline.markdown(sentence(view, step, shown))
    with scrolling("one_step-strip"):
        strip = made(figures.strip, tuple(view.text), compute.held(view), view.at, is_dark())
        draw_to_click(strip, f"{KEY}.strip", "place", lambda point: choice.look_at(int(point["place"])))
        st.html(NARROW.format(left=max(0, figures.letters_before(len(view.text), view.at) - BEFORE) * figures.STRIP))
    choice.slide(view)
    with scrolling("one_step-cell"):
        graph = made(figures.graph, shown, is_dark())
        draw(graph, f"{KEY}.graph")
    _equations(shown)
    save([strip, graph], f"{KEY}.graph", "cell", partial(figures.table, shown))
    if keeper is not None:
        _what_if(view, keeper)
    if step.kind == "lstm":
        start = max(0, min(view.at - AROUND // 2, len(view.text) - AROUND))
        stretch = (start, min(len(view.text), start + AROUND))
        cell_and_hidden.panel(compute.trace(view), view.layer, view.unit, stretch, f"{KEY}.cell_and_hidden")
    if step.kind == "gru" and compute.is_gru_alone(view):
        gru_variants.panel(view, step)
    terms(*TERMS)
    how_to_read(HOW_TO_READ, "this page")


def sentence(view: View, step: CellStep, shown: CellStep) -> str:
    """One sentence above the graph: what happens in this step, and what to try."""
    read = f"“{plain(sign(view.text[view.at]))}”"
    who = f"Unit {view.unit} of {plain(view.model)}, layer {view.layer + 1},"
    if step.kind == "tanh":
        return f"{who} reads {read}: a plain RNN has no gate that keeps anything; its new state is {short(step.state)}."
    if shown is not step:
        gate = KEEPER[step.kind]
        would = f"the new state would be **{short(shown.state)}** instead of {short(step.state)}"
        return f"With the {gate} gate held at {shown.value(gate):.0f}, {would}. Below: the following characters."
    other = 1 if step.value(KEEPER[step.kind]) < 0.5 else 0
    ledger = f"of its state {short(step.before)} it keeps **{short(step.kept)}**, and it writes **{short(step.written)}**"
    if is_in_lesson():  # which asks what changes the state most
        return f"{who} reads {read}: {ledger}."
    mover = "Writing" if step.mover == "candidate" else f"The {step.mover} gate"
    return f"{who} reads {read}: {ledger}. {mover} changes the state most. Hold the {KEEPER[step.kind]} gate at {other}."


def _controls(about: dict) -> tuple[View, int | None]:
    kind = about["arguments"]["cell"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        held = None
        if kind in KEEPER:
            st.markdown(f"**{KEEPER[kind].title()} gate**", width="content")
            label = "The gate at this character"
            held = st.segmented_control(label, list(HOLDS), key=choice.HOLD, bind="query-params", label_visibility="collapsed")
        with folding(choice.PAGE):
            view = choice.pick(about)
    return view, HOLDS[held] if held else None


def _equations(step: CellStep) -> None:
    with st.container(key=f"{KEY}.equations"):
        for column, (title, latex) in zip(_pairs(len(equations.cell(step))), equations.cell(step), strict=False):
            column.markdown(f"**{title}** ${latex}$")
    st.html(STYLE)


def _pairs(count: int) -> list:
    return [column for _ in range((count + 1) // 2) for column in st.columns(2)]


def _what_if(view: View, keeper: str) -> None:
    st.markdown(f"**What if** the {keeper} gate were held at 0 or 1 at this one character?")
    names = ("as it is", f"{keeper} = 0", f"{keeper} = 1")
    courses = dict(zip(names, compute.what_if(view, keeper), strict=True))
    what = "tanh c" if keeper == "forget" else "h"
    ahead = view.text[view.at : view.at + compute.AHEAD + 1]
    left, right = st.columns([2, 1], gap="medium")
    with left, scrolling("one_step-courses"):
        lines = {name: course.held for name, course in courses.items()}
        figure = made(figures.courses, lines, ahead, what, is_dark())
        show(figure, f"{KEY}.courses", "what-if", pd.DataFrame({"character": list(ahead), **lines}))
    with right:
        rows = []
        for name, course in courses.items():
            likely = "  ".join(f"{sign(token)} {share(p)}" for token, p in compute.likeliest(view, course.p))
            bits = f"{course.bits.sum():.1f}" if len(course.bits) else "–"
            rows.append({"gate": name, what: short(float(course.held[0])), "most likely next": likely, "bits ahead": bits})
        grid(pd.DataFrame(rows), f"{KEY}.what_if")
        st.caption(f"Bits ahead: surprise of the next {len(ahead) - 1} characters; lower is better.")
