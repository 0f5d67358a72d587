"""A module in another process, asked with patience: what takes long has a bar and a Cancel button."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from models.foreign.experiments.python_file import OtherProcess, Waiting
from pages._ui.cache import shared_cache
from pages._ui.progress import Report, patiently

KEY = "your_model.code"
CANCELLED = f"{KEY}.cancelled"


@dataclass(frozen=True)
class Source:
    """What is asked.

    Args:
        name: Shown on the page.
        process: That of the module.
        at: Says which module it is, and in which state, for caches.
    """

    name: str
    process: OtherProcess
    at: tuple

    def get(self, what: tuple, label: str, work: Callable[[Waiting], Any]) -> Any | None:
        """What `work(waiting)` gives, once for all visitors; None after the visitor has cancelled it, until she asks again."""
        key = (self.at, *what)
        if st.session_state.get(CANCELLED) == key:
            st.info("Cancelled. Its process was ended, and starts again with the next text.", icon=":material/cancel:")
            st.button("Try again", key=f"{KEY}.retry", on_click=partial(st.session_state.pop, CANCELLED, None))
            return None
        if shared_cache("traces", 768).has(key):
            return shared_cache("traces", 768).get(key, lambda: None)

        def patient(report: Report) -> Any:
            return shared_cache("traces", 768).get(key, lambda: work(lambda passed, seconds: report(int(passed), int(seconds))))

        return patiently(f"{label}, seconds", f"{KEY}.cancel", partial(st.session_state.__setitem__, CANCELLED, key), patient)
