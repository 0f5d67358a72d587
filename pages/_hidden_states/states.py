"""The state view of the page: text and map of all units, the sentence above, the row of buttons, the unit in numbers."""

from itertools import islice

import numpy as np
import streamlit as st

from explorer.analysis.tracks import CONCEPTS, track
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._components.state_view import state_view
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._hidden_states.examples import Example
from pages._ui.progress import patiently

SPELT = 8  # unknown characters that are spelt out
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


def sentence(view: View, about: dict, run: WindowRun) -> str:
    """What to look for in this very picture, or what the gesture did to it."""
    name, guides = f"**Unit {view.unit}**", state.guides(about)
    for guide in guides:
        if (guide["layer"], guide["unit"]) == (view.layer, view.unit):
            return _guided(name, guide, view, run, state.example(about) if guide is guides[0] else None)
    return f"{name} of layer {view.layer + 1}: no known meaning. Step through the map with the arrow keys, or *find a unit* below."


def _guided(name: str, guide: dict, view: View, run: WindowRun, example: Example | None) -> str:
    """The sentence of a measured unit; the first of them is the one that the gesture of the `example` disturbs."""
    colour = "orange" if guide["sign"] > 0 else "blue"
    opened = _opened(view, run, example, guide["sign"]) if example else ""
    if opened:
        return f"{opened.format(unit=name, colour=colour)} {_measured(guide)}"
    if not _occurs(guide["concept"], run.trace.tokens):
        return f"{name} follows “{guide['concept']}”, and there is nothing of it in this text. {_measured(guide)}"
    watch = state.WATCH[guide["concept"]].format(unit=name, colour=colour)
    return f"{watch} {_invitation(view, example) if example else ''}{_measured(guide)}"


def _measured(guide: dict) -> str:
    return f":gray[:small[{state.verdict(guide)}]]" if guide.get("verdict") else ""


def _occurs(concept: str, tokens: tuple[str, ...]) -> bool:
    """Whether a concept begins or ends anywhere in the window; true of what is no concept."""
    return concept not in CONCEPTS or bool(np.ptp(track(tokens, concept)))


def _opened(view: View, run: WindowRun, example: Example, sign: int) -> str:
    """What the first guided unit did from the mark that was taken away to the next one; nothing where none was."""
    before = st.session_state[state.BEFORE]
    if before is None or example.becomes or view.part:
        return ""
    start = before.index(example.needle)
    stop = view.text.find(example.needle, start)
    stop = min(len(view.text) if stop < 0 else stop, compute.WINDOW)
    on = int((sign * run.values[start:stop, view.unit] > 0).sum())
    return f"The first `{example.needle}` is gone: {{unit}} is {{colour}} for **{on} of the {stop - start}** characters up to the next one."


def _invitation(view: View, example: Example) -> str:
    """What to do with the first guided unit, where the text has something to take away."""
    possible = example.needle in view.text and st.session_state[state.BEFORE] is None
    return f"Press *{example.open_label}* and watch. " if possible else ""


def figure(view: View, run: WindowRun, cursor: int | None = None) -> StateFigure:
    """The picture of one window: values of all units, likely next characters, cost of each character."""
    return StateFigure(
        tokens=run.trace.tokens,
        values=run.values,
        quantity=view.quantity,
        unit=min(view.unit, run.values.shape[1] - 1),
        order=run.order,
        order_name=view.order,
        scale=scale_of(view.quantity, run.values, view.stretched),
        next_tokens=run.next_tokens,
        next_p=run.next_p,
        bits=run.bits,
        start=run.start,
        title=f"{view.model}, layer {view.layer + 1}",
        cursor=cursor,
    )


def panel(view: View, about: dict, network: Loaded) -> tuple[View, WindowRun]:
    """Buttons, the state view, and the unit in numbers; returns the view as chosen in the browser, and the window that it shows."""
    if not view.text:
        st.info("There is no text yet. Type one under *Your own text*, or go back to the example.")
        st.stop()
    _actions(view, about)
    read = lambda report: compute.window(view, network, report)  # noqa: E731
    run = patiently(f"{view.model} reads the text", "hidden_states.cancel", state.undo_text, read)
    _say_unknown(run)
    shown = figure(view, run, state.cursor_within(run.start, len(run.trace.tokens)))
    chosen = state_view(shown, state.MAP, state.take_choice, st.session_state[state.LOOKS])
    return view.of(unit=chosen.unit, cursor=chosen.cursor, selection=chosen.selection), run


def _actions(view: View, about: dict) -> None:
    guides, parts = state.guides(about), (len(view.text) - 1) // compute.WINDOW + 1
    if not guides and parts == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for index, guide in enumerate(guides):
            layer_unit = (guide["layer"], guide["unit"])
            st.button(
                str(state.CHIPS.get(guide["concept"], guide["concept"])),
                key=f"hidden_states.chip.{index}",
                icon=":material/visibility:" if layer_unit == (view.layer, view.unit) else None,
                on_click=state.look_at,
                args=(*layer_unit, guide.get("quantity")),
            )
        if parts > 1:
            label = f"Part of {parts}, {compute.WINDOW:,} characters each"
            st.session_state[state.PART_BOX] = view.part + 1  # a new text begins at its first part
            st.number_input(label, 1, parts, key=state.PART_BOX, on_change=state.turn, width=220)


def _say_unknown(run: WindowRun) -> None:
    if run.unknown:
        spelt = (f"`{sign}`" if sign.isprintable() and sign != "`" else f"`U+{ord(sign):04X}`" for sign in run.unknown)
        shown, more = " ".join(islice(spelt, SPELT)), " ..." if len(run.unknown) > SPELT else ""
        count, length = run.reading.unknown, len(run.reading.ids)
        st.caption(f"{count:,} of {length:,} characters were never seen in training and are read as the unknown mark: {shown}{more}")
