"""Something that trains beside the page: the button that starts it, and what is drawn again and again while it runs."""

from collections.abc import Callable

import streamlit as st

from pages._ui.jobs import CANCELLED, FAILED, PAUSED, WAITING, Background, Every, places, presence
from pages._ui.progress import guard

EVERY = 2.0  # seconds between two drawings: figures take time from what trains
KEY = "training.work"  # one for each visitor: two at a time are for all of them


def mine() -> Background | None:
    """What this visitor started last."""
    return st.session_state.get(KEY)


def is_going() -> bool:
    """Whether it still goes on."""
    work = mine()
    return work is not None and not work.is_over


def start_button(label: str, key: str, make: Callable[[], Callable[[Every], None]], disabled: bool = False) -> None:
    """The button that starts a work; it waits where this visitor has one already.

    Args:
        label, key: Of the button.
        make: Called when it is pressed; gives the work, see Background.
    """

    def begin() -> None:
        if not is_going():  # two presses may come before the page is drawn anew
            st.session_state[KEY] = Background(make(), places(), presence())

    st.button(label, key=key, type="primary", icon=":material/play_arrow:", on_click=begin, disabled=disabled or is_going())


def watch(draw: Callable[[], None], key: str) -> None:
    """Progress, a way to pause and a way out, and below them what `draw` draws; all again every two seconds while the work goes on.

    Args:
        draw: Draws what there is.
        key: Of the buttons.
    """
    going = is_going()

    @st.fragment(run_every=EVERY if going else None)
    def again() -> None:
        work = mine()
        if work is not None:
            with guard(stop=False):  # a fragment that runs again is outside the page's own
                _progress(work, key)
        draw()
        if going and work is not None and work.is_over:
            st.rerun()  # the whole page: it no longer asks again

    again()


def _progress(work: Background, key: str) -> None:
    share = f"{work.done:,} of {work.total:,} changes of weights"
    if work.is_over:
        if work.state == CANCELLED:
            st.caption(f"Cancelled after {share}.")
        if work.state == FAILED and work.error is not None:
            raise work.error
        return
    told = f"Training: {share}"
    if work.state == PAUSED:
        told = f"Paused after {share}"
    if work.state == WAITING:
        ahead = places().ahead(work)
        told = f"Waiting: {places().count} trainings run on this server" + (f", and {ahead} wait before yours" if ahead else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, work.done / max(1, work.total)), text=told)
        if work.is_held:
            st.button("Go on", key=f"{key}.resume", icon=":material/play_arrow:", on_click=work.resume)
        else:
            st.button("Pause", key=f"{key}.pause", icon=":material/pause:", on_click=work.pause)
        st.button("Cancel", key=f"{key}.cancel", icon=":material/close:", on_click=work.cancel)
