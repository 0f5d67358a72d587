"""Who a visitor is: a browser, however many tabs of it show the app; a session where the browser sends no cookie.

What the server gives a visitor (places in the pool, room for uploads) is counted by this name. It identifies nobody: it is a checksum of
the random token that Streamlit gives every browser against forged requests. A browser that throws its cookies away is another visitor, so
everything is also limited for the server as a whole.
"""

import hashlib
import threading

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

COOKIE = "_streamlit_xsrf"  # its value: version, mask, masked token and time
VERSION, TOKEN = "2", 16  # bytes of the token


class Tabs:
    """The sessions of each visitor who was here since the server started and may still be."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sessions: dict[str, set[str]] = {}  # visitor -> sessions

    def note(self, who: str, session: str) -> None:
        """Note that a session is one of a visitor's."""
        with self.lock:
            if session not in self.sessions.get(who, ()):
                self.sessions = {other: here for other, sessions in self.sessions.items() if (here := set(filter(_is_active, sessions)))}
                self.sessions.setdefault(who, set()).add(session)

    def is_here(self, who: str) -> bool:
        """Whether one of a visitor's sessions is connected."""
        with self.lock:
            return any(map(_is_active, self.sessions.get(who, ())))


@st.cache_resource(show_spinner=False)
def _tabs() -> Tabs:
    return Tabs()


def _is_active(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def browser_of(cookie: str) -> str | None:
    """The name of a browser by the value of its cookie; None if that is not one of Streamlit's."""
    try:
        version, mask, masked, _ = cookie.strip("\"'").split("|")
        key, token = bytes.fromhex(mask), bytes.fromhex(masked)
    except ValueError:
        return None
    if version != VERSION or len(key) != 4 or len(token) != TOKEN:
        return None
    # The mask is another one in every answer; what is under it stays.
    return hashlib.sha256(bytes(byte ^ key[index % 4] for index, byte in enumerate(token))).hexdigest()[:16]


def visitor() -> str:
    """The visitor of this script: a browser, or else a session; empty outside a server."""
    context = get_script_run_ctx()
    if context is None:
        return ""
    who = browser_of(st.context.cookies.get(COOKIE, "")) or context.session_id
    _tabs().note(who, context.session_id)
    return who


def is_here(who: str) -> bool:
    """Whether a visitor is connected, in whichever tab."""
    return _tabs().is_here(who)
