"""Errors as sentences, and long work with a bar and a way out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from explorer.errors import ExplorerError


@contextmanager
def guard(stop: bool = True) -> Iterator[None]:
    """Show what the project refuses as a sentence, and end the page there unless it can go on; the app stays up."""
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
    """Do `work(report)`; from the second second on, a bar and a Cancel button are shown.

    `report(done, total)` is where a click on Cancel, or a newer input, stops the work: Streamlit ends the running
    script at the next element, and the click has called `cancel` first.
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
