"""The state view of the page: text and map of all units, the sentence above, the row of buttons, the unit in numbers."""

from dataclasses import replace

import numpy as np
import streamlit as st

from explorer.analysis.tracks import CONCEPTS, track
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from pages._components.state_view import StateChoice, state_view
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._hidden_states.examples import Example
from pages._ui import networks
from pages._ui.progress import patiently

HOW_TO_READ = """
Each character of the text is coloured by the value that one unit held **after reading it**. The map below shows every
unit of the layer as a row and every character as a column; click a row, or step with the arrow keys, and the text is
painted anew in your browser.

- **tanh(cell)** is what the LSTM keeps in its cell, squeezed into −1..1:  cₜ = f ⊙ cₜ₋₁ + i ⊙ g.  **Hidden** is the
  same cell behind the output gate, hₜ = o ⊙ tanh(cₜ): it hides what a unit remembers while it does not speak, so look
  at the cell first.
- The **sign** of a unit is arbitrary: a network with a unit's weights negated says the same. Press *flip sign* when it
  helps.
- The line under the text says which five characters the network expects next, and what the real one cost in **bits**:
  −log₂ p.
- Most units mean nothing that a person could name (Karpathy, Johnson and Fei-Fei found about one in twenty that do). A
  unit is called after a concept here only where it beats chance, the untrained network and a table of the last four
  characters, **on text it was not chosen on**; where it does not, its card says so.

Sources: Karpathy, Johnson and Fei-Fei, *Visualizing and Understanding Recurrent Networks*, 2015; Hochreiter and
Schmidhuber, *Long Short-Term Memory*, 1997.
"""


def sentence(view: View, about: dict) -> str:
    """What to look for in this very picture, or what the gesture did to it."""
    name = f"**Unit {view.unit}**"
    for number, guide in enumerate(state.guides(about)):
        if (guide["layer"], guide["unit"]) == (view.layer, view.unit):
            colour = "orange" if guide["sign"] > 0 else "blue"
            opened = "" if number else _opened(view, state.example(about), guide["sign"])
            if opened:
                return f"{opened.format(unit=name, colour=colour)} {_measured(guide)}"
            if not _stands_in(view, guide["concept"]):
                return f"{name} follows “{guide['concept']}”, and there is nothing of it in this text. {_measured(guide)}"
            watch = state.WATCH[guide["concept"]].format(unit=name, colour=colour)
            return f"{watch} {'' if number else _invitation(view, about)}{_measured(guide)}"
    return f"{name} of layer {view.layer + 1}: no known meaning. Step through the map with the arrow keys, or *find a unit* below."


def _measured(guide: dict) -> str:
    return f":gray[:small[{state.verdict(guide)}]]" if guide.get("verdict") else ""


def _stands_in(view: View, concept: str) -> bool:
    """Whether a concept begins or ends anywhere in the window; true of what is no concept."""
    return concept not in CONCEPTS or bool(np.ptp(track(compute.window_tokens(view), concept)))


def _opened(view: View, example: Example, sign: int) -> str:
    """What the first guided unit did from the mark that was taken away to the next one; nothing where none was."""
    before = st.session_state[state.BEFORE]
    if before is None or example.becomes or view.part:
        return ""
    start = before.index(example.needle)
    stop = view.text.find(example.needle, start)
    stop = min(len(view.text) if stop < 0 else stop, compute.WINDOW)
    on = int((sign * compute.values(view)[start:stop, view.unit] > 0).sum())
    return f"The first `{example.needle}` is gone: {{unit}} is {{colour}} for **{on} of the {stop - start}** characters up to the next one."


def _invitation(view: View, about: dict) -> str:
    """What to do with the first guided unit, where the text has something to take away."""
    example = state.example(about)
    possible = example.needle in view.text and st.session_state[state.BEFORE] is None
    return f"Press *{example.open_label}* and watch. " if possible else ""


def figure(view: View) -> StateFigure:
    """The picture of one window: values of all units, likely next characters, cost of each character."""
    reading, vocab = compute.reading(view), networks.loaded(view.model).vocab
    window = slice(view.part * compute.WINDOW, (view.part + 1) * compute.WINDOW)
    values = compute.values(view)
    return StateFigure(
        tokens=compute.window_tokens(view),
        values=values,
        quantity=view.quantity,
        unit=min(view.unit, values.shape[1] - 1),
        order=compute.rows(view),
        order_name=view.order,
        scale=scale_of(view.quantity, values, view.stretched),
        next_tokens=vocab.named(_padded(reading.top[window])),
        next_p=_padded(reading.top_p[window]),
        bits=reading.bits[window],
        start=view.part * compute.WINDOW,
        title=f"{view.model}, layer {view.layer + 1}",
    )


def _padded(ranked: np.ndarray) -> np.ndarray:
    """Five columns [time, rank], also of a network that knows fewer characters: the rest is the unknown mark, with probability 0."""
    return np.pad(ranked, ((0, 0), (0, max(0, 5 - ranked.shape[1]))))


def panel(view: View, about: dict) -> tuple[View, StateChoice]:
    """Buttons, the state view, and the chosen unit in numbers; returns the view with the unit chosen in the browser."""
    if not view.text:
        st.info("There is no text yet. Type one under *Your own text*, or go back to the example.")
        st.stop()
    _actions(view, about)
    patiently(f"{view.model} reads the text", "hidden_states.cancel", _back, lambda report: compute.reading(view, report))
    _say_unknown(view)
    shown = replace(figure(view), cursor=_within(view, st.session_state[state.CURSOR]))
    chosen = state_view(shown, state.MAP, state.told, st.session_state[state.LOOKS])
    return view.of(unit=chosen.unit), chosen


def _within(view: View, cursor: int | None) -> int | None:
    first = view.part * compute.WINDOW
    return cursor if cursor is not None and first <= cursor < min(first + compute.WINDOW, len(view.text)) else None


def _actions(view: View, about: dict) -> None:
    parts = (len(view.text) - 1) // compute.WINDOW + 1
    if not state.guides(about) and parts == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for number, guide in enumerate(state.guides(about)):
            place = (guide["layer"], guide["unit"])
            st.button(
                str(state.CHIPS.get(guide["concept"], guide["concept"])),
                key=f"hidden_states.chip.{number}",
                icon=":material/visibility:" if place == (view.layer, view.unit) else None,
                on_click=state.look_at,
                args=(*place, guide.get("quantity")),
            )
        if parts > 1:
            label = f"Part of {parts}, {compute.WINDOW:,} characters each"
            st.session_state["hidden_states.part_box"] = view.part + 1  # a new text begins at its first part
            st.number_input(label, 1, parts, key="hidden_states.part_box", on_change=_turn, width=220)


def _back() -> None:
    state.set_text(st.session_state.get(state.PREVIOUS))


def _turn() -> None:
    st.session_state[state.PART] = st.session_state["hidden_states.part_box"] - 1
    st.session_state[state.CURSOR] = st.session_state[state.PART] * compute.WINDOW


def _say_unknown(view: View) -> None:
    vocab = networks.loaded(view.model).vocab
    if count := vocab.unknown(view.text):
        strange = sorted({c for c in view.text if vocab.unknown(c)})
        shown = " ".join(f"`{c}`" if c.isprintable() and c != "`" else f"`U+{ord(c):04X}`" for c in strange[:8])
        more = " ..." if len(strange) > 8 else ""
        st.caption(
            f"{count:,} of {len(view.text):,} characters were never seen in training and are read as the unknown mark: {shown}{more}"
        )
