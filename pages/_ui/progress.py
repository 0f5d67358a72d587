"""Error messages of the page, and a progress bar with a Cancel button for long work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from explorer.errors import ExplorerError


@contextmanager
def guard(stop: bool = True) -> Iterator[None]:
    """Show an error of the project as a message and, unless `stop` is False, end the page there; the app keeps running."""
    try:
        yield
    except ExplorerError as error:
        st.error(str(error), icon=":material/error:")
        if stop:
            st.stop()
    except MemoryError:
        st.error("This needs more memory than the server has. Try a shorter text or a smaller model.", icon=":material/error:")
        st.stop()


def patiently(label: str, key: str, cancel: Callable[[], None], work: Callable[[Callable[[int, int], None]], Any]) -> Any:
    """Do `work(report)`; after one second, show a progress bar and a Cancel button.

    A click on Cancel, or a newer input, stops the work in its next call of `report(done, total)`: Streamlit ends the
    running script at the next element. The click calls `cancel` first.
    """
    frame, started, bar = st.empty(), time.monotonic(), None

    def report(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - started < 1.0:
            return
        if bar is None:
            with frame.container(horizontal=True, vertical_alignment="center"):
                bar = st.progress(0.0, text=label)
                st.button("Cancel", key=key, on_click=cancel)
        bar.progress(min(1.0, done / max(1, total)), text=f"{label}: {done:,} of {total:,}")

    result = work(report)
    frame.empty()
    return result
