"""First screen of the page: the text and the map of all units, the sentence above them, and the buttons of measured units."""

from collections.abc import Sequence
from functools import partial
from itertools import islice

import numpy as np
import streamlit as st

from explorer.analysis.ordering import IN_WORDS
from explorer.analysis.tracks import CONCEPTS, track
from explorer.figures.characters import has_words, noun
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._components.state_view import StateChoice, state_view
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._hidden_states.examples import Example
from pages._ui.link import is_unread, linked
from pages._ui.progress import patiently
from pages._ui.state_export import save_states
from pages._ui.text import code

SPELT = 8  # unknown characters that are listed
HOW_TO_READ = """
Each character of the text is coloured by the value of one unit **after the network has read that character**. In the map
below the text, each row is a unit of the layer and each column is a character. Click a row, or use the arrow keys, to show
another unit.

- A **unit** is one neuron of a recurrent layer. **tanh(cell)** is the memory of an LSTM unit, squeezed into −1..1; its cell
  state is updated by cₜ = f ⊙ cₜ₋₁ + i ⊙ g. The **hidden** state hₜ = o ⊙ tanh(cₜ) is what the output gate lets through,
  so a unit can remember something that its hidden state does not show. Look at tanh(cell) first.
- The **sign** of a unit is arbitrary: an equivalent network in which this unit has the opposite sign makes the same
  predictions. *Flip sign* swaps the two colours.
- Below the text are the five most likely next characters with their probabilities, the actual next character, and its
  **surprise** in bits: −log₂ p.
- Most units have no meaning that a person could name; Karpathy, Johnson and Fei-Fei could interpret about one in twenty. A
  unit is named after a concept here only if it beats three baselines **on held-out text**: chance, the same network
  untrained, and a table of the last four characters.

Sources: Karpathy, Johnson and Fei-Fei, *Visualizing and Understanding Recurrent Networks*, 2015; Hochreiter and
Schmidhuber, *Long Short-Term Memory*, 1997.
"""
# What a text lacks in which a concept never occurs; for other concepts their name without "inside".
LACKS = {"nesting depth": "brackets"}


def sentence(view: View, about: dict, run: WindowRun) -> str:
    """What to look for in this figure, or what the edit of the text did to it."""
    name, guides = f"**Unit {view.unit}**", state.guides(about)
    for guide in guides:
        if (guide["layer"], guide["unit"]) == (view.layer, view.unit):
            return _guided(name, guide, view, run, state.example(about) if guide is guides[0] else None)
    return f"{name} of layer {view.layer + 1} has no known meaning. Try other units with the arrow keys, or open *Find a unit* below."


def without(view: View, network: Loaded, run: WindowRun) -> str:
    """What the text costs with and without the unit, where it is silenced; a long text is read without it in the panel of the unit."""
    if not state.is_silenced():
        return ""
    if not run.predicts:
        return f" {why_no_predictions(network)}"
    if compute.cost(view, "silenced"):
        return f" **Silenced:** *{state.UNIT_PANEL}* shows what that costs."
    own, silenced = run.reading.bits, compute.silenced_bits(view, network)
    rise = round(float(silenced.mean() - own.mean()), 3)
    verdict = "no difference on this text" if rise == 0 else f"the predictions get {'worse' if rise > 0 else 'better'}"
    return f" **Silenced: {own.mean():.3f} → {silenced.mean():.3f} bits per {noun(run.trace.tokens)[:-1]}, {verdict}.**"


def why_no_predictions(network: Loaded) -> str:
    """Why a network predicts no next token, what that takes from the page, and how to add it."""
    if network.module.reads_from_the_end_too:  # pyright: ignore[reportAttributeAccessIssue]
        why = "It reads from the end too, so it has seen the next token: a network that reads from the beginning alone would predict it."
    else:
        why = f"To add predictions, open its weights with an output layer for its {len(network.vocab) - 1:,} tokens."
    return f"This network predicts no next token, so there is no surprise and nothing for silencing to change. {why}"


def joined(tokens: Sequence[str]) -> str:
    """Tokens as one text: characters side by side, words with spaces between them."""
    return (" " if has_words(tokens) else "").join(tokens)


def _guided(name: str, guide: dict, view: View, run: WindowRun, example: Example | None) -> str:
    """The sentence of a measured unit; the edit of the `example` disturbs the first one."""
    if view.quantity not in state.STATES and guide["concept"] != state.UNCLEAR:
        return f"{name} tracks “{guide['concept']}” with its state; this view shows its **{view.quantity}** gate. {_measured(guide)}"
    colour = state.colour_of(guide["sign"])
    opened = _opened(view, run, example, guide["sign"]) if example else ""
    if opened:
        return f"{opened.format(unit=name, colour=colour)} {_measured(guide)}"
    if not _occurs(guide["concept"], run.trace.tokens):
        return f"{name} tracks “{guide['concept']}”. {absent(guide['concept'])} {_measured(guide)}"
    watch = state.WATCH[guide["concept"]].format(unit=name, colour=colour)
    return f"{watch} {_invitation(view, example) if example else ''}{_measured(guide)}"


def _measured(guide: dict) -> str:
    sentence = state.verdict(guide)
    return f":gray[:small[{sentence}]]" if sentence else ""


def absent(concept: str) -> str:
    """A sentence for a text in which a concept never occurs."""
    return f"This text contains no {LACKS.get(concept, concept.removeprefix('inside '))}."


def _occurs(concept: str, tokens: tuple[str, ...]) -> bool:
    """Whether a concept begins or ends anywhere in the window; True for a unit without a clear meaning."""
    return concept not in CONCEPTS or bool(np.ptp(track(tokens, concept)))


def _opened(view: View, run: WindowRun, example: Example, sign: int) -> str:
    """What the first measured unit does from the deleted mark to the next one; empty if no mark was deleted."""
    before = st.session_state[state.BEFORE]
    if before is None or example.becomes or view.part:
        return ""
    start = before.index(example.needle)
    stop = view.text.find(example.needle, start)
    stop = min(len(view.text) if stop < 0 else stop, compute.WINDOW)
    on = int((sign * run.values[start:stop, view.unit] > 0).sum())
    return (
        f"Without the first `{example.needle}`, {{unit}} stays {{colour}} for **{on} of {stop - start}** characters, "
        f"up to the next `{example.needle}`."
    )


def _invitation(view: View, example: Example) -> str:
    """A hint to make the edit of the example, if the text still allows it."""
    possible = example.needle in view.text and st.session_state[state.BEFORE] is None
    return f"Press *{example.open_label}*. " if possible else ""


def figure(view: View, run: WindowRun, cursor: int | None = None) -> StateFigure:
    """The figure of one window: values of all units, likely next characters, surprise at each character."""
    return StateFigure(
        tokens=run.trace.tokens,
        values=run.values,
        quantity=view.quantity,
        unit=min(view.unit, run.values.shape[1] - 1),
        order=run.order,
        order_name=IN_WORDS[view.order],
        scale=scale_of(view.quantity, run.values, view.stretched),
        next_tokens=run.next_tokens if run.predicts else None,
        next_p=run.next_p if run.predicts else None,
        bits=run.bits if run.predicts else None,
        start=run.start,
        title=f"{view.model}, layer {view.layer + 1}",
        cursor=cursor,
    )


def choice(view: View) -> StateChoice:
    """What the visitor chose in the state view."""
    return StateChoice(view.unit, view.cursor, view.selection, st.session_state[state.LOOKS])


def save(view: View, run: WindowRun) -> None:
    """The Save menu of the state view."""
    save_states(figure(view, run, view.cursor), choice(view), state.MAP, f"{view.model}-layer{view.layer + 1}-unit{view.unit}")


def position(view: View, about: dict, run: WindowRun) -> int:
    """The cursor; before anybody has moved it, where the network expects the mark that the example is about, or the last character."""
    length = len(run.trace.tokens)
    cursor = state.cursor_within(run.start, length)
    if cursor is not None:
        return cursor
    mark = state.example(about).needle
    text = "".join(run.trace.tokens)
    expected = (at for at in range(1, length - 1) if text.startswith(mark, at + 1) and run.next_tokens[at][0] == mark[0])
    return run.start + next(expected, length - 1)


def _cursor(view: View, about: dict, run: WindowRun) -> int | None:
    """Where the cursor is drawn: where it was moved to; before that at the start, or at the prediction that the open panel explains."""
    if st.session_state[state.CURSOR] is not None:
        return state.cursor_within(run.start, len(run.trace.tokens))
    shown = linked(state.PANEL, "") if is_unread(state.PANEL) else st.session_state[state.PANEL]
    return position(view, about, run) if run.predicts and shown in state.EXPLAINS else run.start


def panel(view: View, about: dict, network: Loaded) -> tuple[View, WindowRun]:
    """The state view; returns the view as chosen in the browser, and the window that it shows."""
    if not view.text:
        st.info("There is no text yet. Type one under *Your text*, or go back to the example.")
        st.stop()
    count = compute.length(view)
    if not count:
        st.info("There is no word in this text yet. Type some under *Your text*.")
        st.stop()
    view = view.of(part=min(view.part, (count - 1) // compute.WINDOW))
    _parts(view, count)
    read = partial(compute.window, view, network)
    run = patiently(
        f"{view.model} is reading the text, {compute.tokens_of(view.model)}",
        "hidden_states.cancel",
        state.undo_text,
        read,
        compute.cost(view),
    )
    _say_unknown(run)
    shown = figure(view, run, _cursor(view, about, run))
    chosen = state_view(
        shown, state.MAP, state.take_choice, st.session_state[state.LOOKS], selection=st.session_state[state.SELECTION] or ()
    )
    return view.of(unit=chosen.unit, cursor=chosen.cursor, selection=chosen.selection), run


def _parts(view: View, count: int) -> None:
    """Which part of a long text of so many tokens is shown."""
    parts = (count - 1) // compute.WINDOW + 1
    if parts > 1:
        label = f"Part 1 to {parts} ({compute.WINDOW:,} {compute.tokens_of(view.model)} each)"
        st.session_state[state.PART_BOX] = view.part + 1  # a new text begins at its first part
        st.number_input(label, 1, parts, key=state.PART_BOX, on_change=state.turn, width=220)


def _say_unknown(run: WindowRun) -> None:
    if run.unknown:
        spelt = (code(sign if sign.isprintable() else " ".join(f"U+{ord(one):04X}" for one in sign)) for sign in run.unknown)
        shown, more = " ".join(islice(spelt, SPELT)), " ..." if len(run.unknown) > SPELT else ""
        count, length, what = run.reading.unknown, len(run.reading.ids), noun(run.trace.tokens)
        st.caption(f"{count:,} of {length:,} {what} are not in the vocabulary; the network reads them as “unknown”: {shown}{more}")
