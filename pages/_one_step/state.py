"""What is looked at on the page of one step: which view, and of the example how far it has learned; the link."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.textbook.hello import LONGEST
from pages._ui.link import link, linked, wholes

PAGE = "one_step"
VIEW, STRETCHES, STEP, RATE, COVER = (f"{PAGE}.{name}" for name in ("view", "stretches", "step", "rate", "cover"))
RATES = {f"step size {rate:g}": rate for rate in (0.1, 0.03, 0.3, 1.0)}  # the usual one first
MOST = 12  # stretches: the arrow covered and uncovered that often


@dataclass(frozen=True)
class Learning:
    """How far the example has learned: enough to compute every number of it.

    Args:
        stretches: Steps of learning, by turns with the recurrent arrow and without.
        rate: Size of a step.
        step: Which of the four letters is looked at, counted from 0.
    """

    stretches: tuple[int, ...]
    rate: float
    step: int

    @property
    def covered(self) -> bool:
        """Whether the recurrent arrow is taken away."""
        return len(self.stretches) % 2 == 0

    @property
    def steps(self) -> int:
        """Steps of learning so far."""
        return sum(self.stretches)


def usual(key: str, value: Any) -> Any:
    """What a widget opens with; None where a button or a link has set it already, for Streamlit takes one of the two."""
    return None if key in st.session_state else value


def restore() -> None:
    """Take the learning out of the link, once for each visitor."""
    if STRETCHES not in st.session_state:
        st.session_state[STRETCHES] = _stretches(linked(STRETCHES, ""))


def _stretches(code: str) -> tuple[int, ...]:
    """The stretches of a link; (0,) where it holds none."""
    stretches = wholes(code, "-", LONGEST + 1)
    return tuple(stretches[:MOST]) if len(stretches) == 1 + code.count("-") else (0,)


def learn(steps: int) -> None:
    """Take more steps of learning."""
    *before, last = st.session_state[STRETCHES]
    st.session_state[STRETCHES] = (*before, min(LONGEST, last + steps))


def start_over() -> None:
    """Back to the slide's numbers."""
    st.session_state[STRETCHES] = (0,)


def cover() -> None:
    """Take the recurrent arrow away, or give it back; doing both without learning between leaves no trace."""
    now = st.session_state[STRETCHES]
    st.session_state[STRETCHES] = now[:-1] if len(now) > 1 and now[-1] == 0 else (*now, 0)


def look_at(step: int) -> None:
    """Look at another of the four steps, counted from 0."""
    st.session_state[STEP] = step + 1


def write_link() -> None:
    """Put the learning into the link."""
    link(STRETCHES, "-".join(map(str, st.session_state[STRETCHES])), "0")
