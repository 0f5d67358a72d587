"""State of the One step page: the chosen view, the training of the example, and the link."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.textbook.hello import LONGEST
from pages._ui.link import is_unread, link, linked, wholes

PAGE = "one_step"
VIEW, STRETCHES, STEP, RATE, COVER = (f"{PAGE}.{name}" for name in ("view", "stretches", "step", "rate", "cover"))
BACKWARD, LESSON = f"{PAGE}.backward", f"{PAGE}.lesson"
RATES = {f"step size {rate:g}": rate for rate in (0.1, 0.03, 0.3, 1.0)}  # as links hold them, the default first
MOST = 12  # stretches: how often the arrow can be removed and put back


def is_in_lesson() -> bool:
    """Whether a step of the lesson is open, whose question the page must not answer by itself."""
    return st.session_state.get(LESSON) is not None


@dataclass(frozen=True)
class Learning:
    """How far the example was trained: enough to compute all its numbers.

    Args:
        stretches: Training steps, alternately with and without the recurrent arrow.
        rate: Learning rate.
        step: The selected one of the four steps, counted from 0.
    """

    stretches: tuple[int, ...]
    rate: float
    step: int

    @property
    def covered(self) -> bool:
        """Whether the recurrent arrow is removed."""
        return len(self.stretches) % 2 == 0

    @property
    def steps(self) -> int:
        """Training steps so far."""
        return sum(self.stretches)


def pick_view(views: Iterable[str], names: Mapping[str, str]) -> str:
    """The row of views; gives what was chosen. Links keep the value of a view, whatever it is called on screen.

    Args:
        views: The first is the default.
        names: Names on screen of those that have another one there.
    """
    known, state = list(views), st.session_state
    if is_unread(VIEW):
        state[VIEW] = linked(VIEW, known[0])
    if state[VIEW] not in known:
        state[VIEW] = known[0]
    shown = {view: names.get(view, view) for view in known}
    options: dict[str, Any] = {"format_func": shown.__getitem__, "label_visibility": "collapsed", "persist_state": "session"}
    chosen = st.segmented_control("View", known, key=VIEW, **options) or known[0]
    link(VIEW, chosen, known[0])
    return chosen


def restore() -> None:
    """Read the training from the link, once per visit."""
    if is_unread(STRETCHES):
        st.session_state[STRETCHES] = _stretches(linked(STRETCHES, ""))


def _stretches(code: str) -> tuple[int, ...]:
    """The stretches in a link; (0,) if it has none."""
    stretches = wholes(code, "-", LONGEST + 1)
    return tuple(stretches[:MOST]) if len(stretches) == 1 + code.count("-") else (0,)


def learn(steps: int) -> None:
    """Take more training steps."""
    *before, last = st.session_state[STRETCHES]
    st.session_state[STRETCHES] = (*before, min(LONGEST, last + steps))


def start_over() -> None:
    """Return to the numbers of the slide."""
    st.session_state[STRETCHES] = (0,)


def cover() -> None:
    """Remove the recurrent arrow, or put it back; both without training in between leave no trace."""
    now = st.session_state[STRETCHES]
    st.session_state[STRETCHES] = now[:-1] if len(now) > 1 and now[-1] == 0 else (*now, 0)


def look_at(step: int) -> None:
    """Select another of the four steps, counted from 0."""
    st.session_state[STEP] = step + 1


def write_link() -> None:
    """Write the training into the link."""
    link(STRETCHES, "-".join(map(str, st.session_state[STRETCHES])), "0")
