"""A lesson in eight short steps: each has one thing to try and one question, whose answer the page computes and checks."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.analysis.cell_step import KEEPER, CellStep
from explorer.figures.training_curve import FLOOR
from explorer.textbook.hello import READ, after, covered, forward, opening
from pages._hidden_states.state import example
from pages._one_step import cell, cell_state, compute, hello
from pages._one_step import state as one_step_state
from pages._one_step.state import LESSON
from pages._ui.link import is_unread, link, linked_whole
from pages._ui.text import plain

KEY = "one_step.lessons"
USUAL_RATE, *_, LARGEST = one_step_state.RATES
GATES = {"forget": "the forget gate", "candidate": "what was written"}


@dataclass(frozen=True)
class Step:
    """One step of the lesson.

    Args:
        title: What it is about.
        do: The one thing to try.
        question: The question.
        answer: Computes the right answer: an option, or a number with a tolerance of `slack`.
        why: Why it is the right answer.
        begin: Sets the page to the start of the step.
        options: Answers to choose from; empty if the answer is a number.
        needs: Kind of network that the step needs, "" for none.
    """

    title: str
    do: str
    question: str
    answer: Callable[[], str | float]
    why: str
    begin: Callable[[], None]
    options: tuple[str, ...] = ()
    slack: float = 0.0
    needs: str = ""


def _hello(stretches: tuple[int, ...], rate: str = USUAL_RATE) -> Callable[[], None]:
    def begin() -> None:
        state = st.session_state
        state[one_step_state.VIEW], state[one_step_state.STRETCHES], state[one_step_state.RATE] = hello.TITLE, stretches, rate
        link(one_step_state.RATE, rate, USUAL_RATE)

    return begin


def _cell(kind: str) -> Callable[[], None]:
    def begin() -> None:
        cell_state.restore()  # before its parts are set here: it reads all of them from the link, or none
        state = st.session_state
        view = _closing(kind)
        state[one_step_state.VIEW], state[cell_state.MODEL], state[cell_state.TEXT] = cell.TITLE, view.model, None
        state[cell_state.LAYER], state[cell_state.UNIT], state[cell_state.AT] = view.layer, view.unit, view.at
        state[cell_state.HOLD] = next(iter(cell.HOLDS))

    return begin


def _closing(kind: str) -> compute.View:
    """The first measured unit of a network of this kind, where the first link, or what the example opens, is closed.

    Of the characters that close it, the one is shown at which it is clearest what changes the state.
    """
    name = cell_state.first(kind)
    about = cell_state.known()[name]
    text, needle = example(about).text, example(about).needle
    layer, unit, _ = cell_state.usual(about, text)
    first = max(1, text.find(needle))
    views = [compute.View(name, text, example(about).warm_up, layer, unit, first + more) for more in range(len(needle))]
    return max(views, key=lambda view: _margin(compute.step(view)))


def _margin(step: CellStep) -> float:
    """How much more one of the two terms of a step changes the state than the other."""
    return abs(abs(step.kept - step.before) - abs(step.written))


def _dearest() -> str:
    losses = forward(opening()).losses
    return str(int(losses.argmax()) + 1)


def _presses() -> float:
    return float(next(n for n, loss in enumerate(after((200,), one_step_state.RATES[USUAL_RATE])[1]) if loss < 1))


def _two_ls() -> str:
    logits = forward(covered(after((4,), one_step_state.RATES[USUAL_RATE])[0])).logits
    return "the same" if (logits[2] == logits[3]).all() else "different ones"


def _too_large() -> str:
    before, now = after((1,), one_step_state.RATES[LARGEST])[1]
    return "down" if now < before else "up"


def _mover() -> str:
    mover = compute.step(_closing("lstm")).mover
    return GATES[mover]


def _end_of_z() -> str:
    view = _closing("gru")
    before, kept = float(compute.held(view)[view.at - 1]), float(compute.what_if(view, KEEPER["gru"])[2].held[0])
    return "it keeps" if math.isclose(before, kept, abs_tol=1e-5) else "it writes"


STEPS = (
    Step(
        "The loss of a step",
        "Read the four columns. Each has a loss: how surprising the target letter is for the network.",
        f"Which of the four steps of “{READ}” has the highest loss?",
        _dearest,
        "The loss is −ln p of the target letter: the lower its probability, the higher the loss. The other letters do not count.",
        _hello((0,)),
        ("1", "2", "3", "4"),
    ),
    Step(
        "Learning",
        "Press *One training step* and watch the loss and the framed letters.",
        "After how many training steps is the loss below 1 for the first time? (learning rate 0.1)",
        _presses,
        "All weights change at once, each a little against its own gradient. Memorising four letters is not spelling.",
        _hello((0,)),
    ),
    Step(
        "What the arrow is for",
        "All four letters are right. Now remove the recurrent arrow, and compare the third and the fourth step.",
        "Without the arrow, which predictions do the two l's get?",
        _two_ls,
        "The network does not know positions: without the previous state, equal letters get equal predictions.",
        _hello((4,)),
        ("the same", "different ones"),
    ),
    Step(
        "Learning without memory",
        "The arrow is removed. Press *Ten steps* as often as you like.",
        "Below which value does the loss never fall? (two decimals)",
        lambda: FLOOR,
        "After l, two letters are right: l and o. The best prediction is one half for each, a loss of 2 · ln 2.",
        _hello((4, 0)),
        slack=0.02,
    ),
    Step(
        "Too large a step",
        "The learning rate is 1 now. Press *One training step* once.",
        "Did the loss go up or down?",
        _too_large,
        "The gradient is valid only near the weights where it was computed. A large step can lead anywhere.",
        _hello((0,), LARGEST),
        ("down", "up"),
    ),
    Step(
        "How long does a gate of 0.9 remember?",
        "The box of the forget gate shows how far it is open. Move along the text with the slider and watch when it is nearly open.",
        "A forget gate is 0.9 at every character. What share of the cell state is left after 10 characters? (two decimals)",
        lambda: 0.9**10,
        "It is 0.9¹⁰: “nearly open” is not a long memory. A long memory needs a gate much closer to 1.",
        _cell("lstm"),
        slack=0.006,
        needs="lstm",
    ),
    Step(
        "Forget or overwrite",
        "At this character the text closes what it opened. Read *kept* and *written* in the graph, then hold the forget gate at 0 and 1.",
        "What changed the cell state more at this character?",
        _mover,
        "The change is (kept − before) + written; the larger of the two terms decides. The value of a gate alone does not.",
        _cell("lstm"),
        tuple(GATES.values()),
        needs="lstm",
    ),
    Step(
        "Two GRUs",
        "Hold the update gate z at 1 and compare the new state with the one before. Then open *How to read the two variants* below.",
        "In torch's GRU, what does a unit with z = 1 do?",
        _end_of_z,
        "Many lectures write it the other way round. A figure of z means nothing until it says which end keeps.",
        _cell("gru"),
        ("it keeps", "it writes"),
        needs="gru",
    ),
)


def restore() -> None:
    """Open the step in the link, once per visit; the state of the page is in the link too."""
    if is_unread(LESSON):
        position = linked_whole(LESSON, len(shown()) + 1)
        st.session_state[LESSON] = position - 1 if position else None


def write_link() -> None:
    """Write the open step into the link, counted from 1."""
    index = st.session_state[LESSON]
    link(LESSON, "" if index is None else str(index + 1), "")


def shown() -> tuple[Step, ...]:
    """The steps whose network is available."""
    return tuple(step for step in STEPS if not step.needs or cell_state.first(step.needs))


def go(index: int | None) -> None:
    """Start a step, counted from 0; None closes the lesson."""
    st.session_state[LESSON] = index
    if index is not None:
        _hello((0,))()  # a step that needs no training leaves none of an earlier one in the link
        shown()[index].begin()


def is_right(step: Step, answer: Any) -> bool:
    """Whether an answer equals the one that the page computes."""
    right = step.answer()
    return answer == right if isinstance(right, str) else abs(float(answer) - right) <= step.slack


def _value(typed: str) -> float | None:
    """The typed number, with a decimal point or comma; None if it is not a number."""
    try:
        value = float(typed.replace(",", ".").replace("−", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def panel() -> None:
    """The open step of the lesson, above the view of the page."""
    index = st.session_state.get(LESSON)
    if index is None:
        return
    steps_, index = shown(), min(index, len(shown()) - 1)
    step = steps_[index]
    with st.container(border=True, key=f"{KEY}.frame"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            st.markdown(f"**{index + 1} of {len(steps_)}: {step.title}.** {step.do}")
            with st.container(horizontal=True, gap="small"):
                st.button("Back", key=f"{KEY}.back", on_click=go, args=(index - 1,), disabled=index == 0)
                st.button("Next", key=f"{KEY}.next", on_click=go, args=(index + 1,), disabled=index == len(steps_) - 1)
                st.button("Close the lesson", key=f"{KEY}.close", icon=":material/close:", on_click=go, args=(None,))
        with right:
            _question(index, step)


def _question(index: int, step: Step) -> None:
    key = f"{KEY}.answer.{STEPS.index(step)}"
    if step.options:
        answer = st.radio(step.question, step.options, index=None, key=key, bind="query-params", horizontal=True)
    else:
        # A text field: the number field of a browser silently drops the comma of 0,35.
        typed = st.text_input(step.question, key=key, bind="query-params", width=240, max_chars=20, placeholder="a number").strip()
        answer = _value(typed)
        if typed and answer is None:
            st.warning(f"“{plain(typed)}” is not a number. Type one like 3 or 0.25.", icon=":material/edit:")
    if answer is None:
        return
    if is_right(step, answer):
        st.success(f"Right. {step.why}", icon=":material/check:")
        return
    st.warning("Not quite. Try again above.", icon=":material/replay:")
    with st.popover("Show the answer"):
        right = step.answer()
        st.markdown(f"**{right if isinstance(right, str) else format(right, '.2f').removesuffix('.00')}**. {step.why}")
