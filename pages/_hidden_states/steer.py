"""The first half of "Intervene": hold some units from the cursor on, and see what the network predicts and writes with and without."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures import read_on as figures
from explorer.figures.characters import noun
from models import Loaded
from models.char_lm.experiments.held import ELSEWHERE, HIGHEST, LOWEST, MEAN, ZERO, Held
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, continued, state, states
from pages._hidden_states.compute import Steered, View
from pages._ui import export, uploads
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.link import is_unread, link, linked, wholes
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import code, grid, how_to_read, plain

if TYPE_CHECKING:
    from models.char_lm.experiments.steered import ReadOn

KEY = "hidden_states.steer"
VALUE = "value"
EACH_AT = {
    HIGHEST: "the highest value of each on this text",
    LOWEST: "the lowest value of each on this text",
    ZERO: "**0**",
    MEAN: "the mean of each on this text",
    ELSEWHERE: "values that they have at other places",
}
HELD_AT = (
    {HIGHEST: "its highest value on this text", LOWEST: "its lowest value on this text"} | state.HELD_AT | {VALUE: "a value of your choice"}
)
MOST = 16  # units held together
READ = """
From the character at the cursor on, the **state** of the chosen units (c of an LSTM, h otherwise) is overwritten after every step. All
other units go on by the equations of the network, and read the changed state.

- **Next character**: the probabilities right after the cursor, as the network is and with the units held.
- **The rest of your text**: what it really says next, and what each character costs with the units held.
- **Continuations**: sampled from p = softmax(logits / temperature). Each pair uses the same random numbers, so that
  where two texts part, the held units made the difference. Another seed gives another three.

A unit that is held at an extreme value shows what the network *does with it*, in a state in which it may never be. Whether the network
needs the unit for something is another question: *Find a unit* tests it on many places.
"""


def section(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Choose units and a value; then the next character, the rest of the text, and continuations, with and without."""
    at = states.position(view, about, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        units = _units(view, run)
        held = Held(view.layer, units, _held_at(view, run, at))
        temperature, seed = continued.sampling(KEY)
    named = noun(run.trace.tokens)
    label, cancel = f"The network writes on, {named}", (f"{KEY}.cancel", state.close_panel)
    try:
        (own, free), (other, steered) = (
            patiently(label, *cancel, partial(compute.steered, view, network, Steered(at, one, temperature, seed))) for one in (None, held)
        )
    except ExplorerError as error:
        st.info(plain(error))
        return
    st.markdown(said(view, run, at, held))
    what = f"with the {'units' if len(units) > 1 else 'unit'} held"
    left, right = st.columns([1, 2])
    with left:
        st.markdown(f"**The next {named[:-1]}**")
        grid(continued.next_characters(network.vocab.tokens, {"as it is": own.p, "held": other.p}), f"{KEY}.next")
    with right:
        _text(own, other, at, named, what)
    st.markdown(f"**The network writes on**, each time twice with the same random numbers: as it is, and {what}.")
    continued.written({"as it is": free, what: steered}, named[:-1])
    terms("intervention", "cell state", "hidden state", "probability p", "bits", "temperature", "softmax", "logit", "seed")
    how_to_read(READ)
    export.notebook(notebook(view, at, held, temperature, seed))


def _units(view: View, run: WindowRun) -> tuple[int, ...]:
    """The chosen unit, and those that are held with it."""
    key, units = f"{KEY}.with", run.values.shape[1]
    if is_unread(key):
        st.session_state[key] = wholes(linked(key, ""), ".", units)[:MOST]
    st.session_state[key] = [unit for unit in st.session_state[key] if unit != view.unit and unit < units]
    label = f"Unit {view.unit}, and with it"
    others = st.multiselect(label, [unit for unit in range(units) if unit != view.unit], key=key, max_selections=MOST, width=200)
    link(key, ".".join(map(str, others)), "")
    return (view.unit, *others)


def _held_at(view: View, run: WindowRun, at: int) -> str | float:
    """What the units are held at: chosen from a list, or a number from a slider."""
    chosen = select_named("Held at", HELD_AT, f"{KEY}.at", 260, label_visibility="visible")
    if chosen != VALUE:
        return chosen
    states_ = run.trace.hidden if run.trace.cell is None else run.trace.cell
    own = states_[:, view.layer, view.unit]
    # Twice the range in which the unit moves on this text; a hidden state of a GRU or a tanh RNN stays between -1 and 1.
    most = 1.0 if run.trace.cell is None and np.abs(own).max() <= 1 else max(1.0, float(np.ceil(2 * np.abs(own).max())))
    key = f"{KEY}.value"
    st.session_state.setdefault(key, round(float(own[at - run.start]), 2))
    st.session_state[key] = min(max(float(st.session_state[key]), -most), most)
    return st.slider("Value", -most, most, step=most / 100, key=key, bind="query-params", width=200)


def said(view: View, run: WindowRun, at: int, held: Held) -> str:
    """What is held, where and at what, in words."""
    carried, name = (run.trace.hidden, "hidden state") if run.trace.cell is None else (run.trace.cell, "cell state")
    now = carried[at - run.start, view.layer, view.unit]
    if len(held.units) > 1:
        whose, value = f"{name}s of units {', '.join(map(str, held.units))}", _each(held)
    else:
        whose, value = f"{name} of unit {view.unit}", _one(held, run)
    return (
        f"From here on, after {code(continued.ending(run.trace.tokens[: at + 1 - run.start]))}, the {whose} of layer {view.layer + 1} "
        f"{'are' if len(held.units) > 1 else 'is'} held at {value}. Unit {view.unit} itself is at {now:.2f} here. "
        "Click another character in the text above to start from there."
    ).replace(" -", " \u2212")


def _one(held: Held, run: WindowRun) -> str:
    """What one unit is held at: the number, and whose it is."""
    if held.at == ELSEWHERE:
        return HELD_AT[ELSEWHERE]
    value = f"**{held.values(run.trace, 1)[0, 0]:.2f}**"
    return f"{value}, {HELD_AT[held.at]}" if held.at in (HIGHEST, LOWEST, MEAN) else value


def _each(held: Held) -> str:
    """What each of several units is held at."""
    return f"**{held.at:.2f}**" if not isinstance(held.at, str) else EACH_AT[held.at]


def _text(own: "ReadOn", held: "ReadOn", at: int, named: str, what: str) -> None:
    """What the text really says next, with the surprise of each character as the network is, and its change."""
    if not own.follows:
        st.caption(f"The text ends here. Choose an earlier {named[:-1]} to see what the {named} after it cost {what}.")
        return
    st.markdown(
        f"**The rest of your text.** Its next {len(own.follows)} {named} cost {own.bits.mean():.2f} bits each as it is, "
        f"**{held.bits.mean():.2f}** {what}."
    )
    given = (own.follows, own.bits, held.bits, what, at + 1)
    figure = made(figures.rows, *given, dark=is_dark())
    with scrolling(f"{KEY}-text".replace(".", "-")):
        draw(figure, f"{KEY}.text")
    save(figure, f"{KEY}.text", "read-on", partial(figures.table, *given))


def notebook(view: View, at: int, held: Held, temperature: float, seed: int) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.char_lm.experiments.held import Held
from models.char_lm.experiments.steered import Sampling, continuations, read_on
from models.char_lm.experiments.window import Layer, read_window

network = {load}
window = read_window(network, {view.text!r}, Layer(), {view.warm_up!r}, {view.part})
at, sampling = {at - view.part * compute.WINDOW}, Sampling(temperature={temperature!r}, seed={seed!r})
for held in (None, Held({held.layer}, {held.units!r}, {held.at!r})):
    print(read_on(network, window, at, held).bits.mean())
    print(*map("".join, continuations(network, window, at, sampling, held)), sep="\\n")
"""
