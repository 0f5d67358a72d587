"""The second half of "Intervene": the state of one text, or a part of it, is put into another text, and both go on."""

import math
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures import read_on as figures
from explorer.figures.characters import noun, shown
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, continued, state, states
from pages._hidden_states.compute import Moved, View
from pages._ui import export, uploads
from pages._ui.glossary import terms
from pages._ui.layout import select_named, text_form
from pages._ui.link import clean, is_unread, link_text, linked_text
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import code, grid, how_to_read, plain

if TYPE_CHECKING:
    from models.char_lm.experiments.transplant import Transplanted

KEY = "hidden_states.transplant"
OTHER = f"{KEY}.text"
LONGEST = 2_000  # characters of the other text
UNIT, LAYER, ALL = "unit", "layer", "all"
HERE, THERE = "out", "in"
DIRECTIONS = {HERE: "from this text into the other", THERE: "from the other into this text"}
NAMES = ("gives", "receives", "with it put in")
READ = """
The state is everything that a recurrent network keeps of a text. So the **whole state** carries everything: the text that receives it
goes on exactly as the other one would, character by character. A **layer** or a **unit** carries a part, and how far it moves
the prediction shows what it holds.

- The **share** compares three costs of the same characters, those that the network writes after the text that gives: in that text,
  in the other one, and in the other one with the state put in. 0 % is as before, 100 % is like the text that gives.
- If the **top layer** is put in, the very next character is predicted exactly as in the other text, because the output reads that
  layer alone. Look at what comes later: the layer below still holds its own text.
- A single unit rarely moves much. What the network knows is spread over many units.
"""


def section(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Choose what is put where; then both texts, the next character, and how they go on."""
    at = states.position(view, about, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        parts = {LAYER: f"layer {view.layer + 1}", UNIT: f"unit {view.unit} of layer {view.layer + 1}", ALL: "the whole state"}
        part = select_named("Put", parts, f"{KEY}.part", 180, label_visibility="visible")
        way = select_named("Where", DIRECTIONS, f"{KEY}.way", 260, label_visibility="visible")
        temperature, seed = continued.sampling(KEY)
        other = _other(about)
    layer, unit = None if part == ALL else view.layer, view.unit if part == UNIT else None
    moved = Moved(at, other, way == HERE, layer, unit, temperature, seed)
    label, work = f"The network writes on, {noun(run.trace.tokens)}", partial(compute.transplanted, view, network, moved)
    try:
        result = patiently(label, f"{KEY}.cancel", state.close_panel, work) if network.vocab.split(other) else None
    except ExplorerError as error:
        st.info(plain(error))
        return
    if result is None:
        st.info(f"The other text has no {noun(run.trace.tokens)[:-1]} yet. Type some under *Other text*.")
        return
    here, there = (code(continued.ending(text)) for text in (run.trace.tokens[: at + 1 - run.start], network.vocab.split(other)))
    gives, receives = (here, there) if moved.is_giver else (there, here)
    st.markdown(f"- This text **gives** {parts[part]}: {gives}\n- This text **receives** it: {receives}")
    st.markdown(said(result, network))
    left, right = st.columns([2, 3])
    with left:
        st.markdown(f"**The next {noun(run.trace.tokens)[:-1]}**")
        grid(continued.next_characters(network.vocab.tokens, dict(zip(NAMES, list(result.p), strict=True))), f"{KEY}.next")
    with right:
        _costs(result)
    st.markdown("**The network writes on**, each time with the same random numbers.")
    continued.written(dict(zip(NAMES, result.written, strict=True)), noun(run.trace.tokens)[:-1])
    terms("intervention", "hidden state", "cell state", "layer", "probability p", "bits", "temperature", "seed")
    how_to_read(READ)
    export.notebook(notebook(view, moved))


def _other(about: dict) -> str:
    """The other text, typed by the visitor or that of the example."""
    example = state.example(about).other
    if is_unread(OTHER):
        st.session_state[OTHER] = linked_text(OTHER, LONGEST)
    with st.popover("Other text", icon=":material/edit:", width="content"):
        text_form(KEY, st.session_state[OTHER] if st.session_state[OTHER] is not None else example, LONGEST, _read, height=160)
    other = example if st.session_state[OTHER] is None else st.session_state[OTHER]
    link_text(OTHER, other, example)
    return other


def _read(text: str | None) -> None:
    st.session_state[OTHER] = None if text is None else clean(text, LONGEST)


def said(result: "Transplanted", network: Loaded) -> str:
    """What was moved, in words."""
    gives, receives, changed = result.p
    index = int(abs(gives - receives).argmax())
    sign = code(shown(network.vocab.tokens[index]))
    first = (
        f"As the next character, {sign} has the probability {gives[index]:.3f} in the text that gives, {receives[index]:.3f} in the text "
        f"that receives, and **{changed[index]:.3f}** there {NAMES[2]}."
    )
    if math.isnan(result.share):
        return first
    return f"{first} On the first text below, this moves the prediction **{result.share:.0%}** of the way to the text that gives."


def _costs(result: "Transplanted") -> None:
    """The first continuation of the giver, read in the receiver, with and without the part put in."""
    tokens, (gives, receives, changed) = result.written[0][0], result.bits
    st.markdown(
        f"**The first text below, read after both.** Its {len(tokens)} {noun(tokens)} cost {gives.mean():.2f} bits each after the text "
        f"that gives, {receives.mean():.2f} after the text that receives, and **{changed.mean():.2f}** there {NAMES[2]}."
    )
    given = (tokens, receives, changed, NAMES[2])
    figure = made(figures.rows, *given, dark=is_dark())
    with scrolling(f"{KEY}-text".replace(".", "-")):
        draw(figure, f"{KEY}.costs")
    save(figure, f"{KEY}.costs", "transplant", partial(figures.table, *given))


def notebook(view: View, moved: Moved) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    here = f"Place(read_window(network, {view.text!r}, Layer(), {view.warm_up!r}, {view.part}), {moved.at - view.part * compute.WINDOW})"
    there = "Place(other, len(other.trace.tokens) - 1)"
    giver, receiver = (here, there) if moved.is_giver else (there, here)
    return f"""{source}
from models.char_lm.experiments.steered import Sampling
from models.char_lm.experiments.transplant import Place, transplant
from models.char_lm.experiments.window import Layer, read_window

network = {load}
other = read_window(network, {moved.other!r}, Layer(), {view.warm_up!r})
giver = {giver}
receiver = {receiver}
sampling = Sampling(temperature={moved.temperature!r}, seed={moved.seed!r})
result = transplant(network, giver, receiver, {(moved.layer, moved.unit)!r}, sampling)
print(result.share)
for written in result.written:
    print(*map("".join, written), sep="\\n")
"""
