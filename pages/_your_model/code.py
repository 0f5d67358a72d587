"""A module in another process reads a text: of a Python file that whoever started the server named, or of a live session."""

import time
from pathlib import Path

import numpy as np
import streamlit as st

from models.foreign.experiments.behaviour import SAMPLE
from models.foreign.experiments.python_file import Answer, LiveModule, OtherProcess, PythonFile
from models.foreign.experiments.reading import run_of
from models.foreign.given import given
from pages._components.state_view import state_view
from pages._ui.cache import shared_cache
from pages._ui.layout import text_form
from pages._ui.text import plain
from pages._your_model.weights import LONGEST, figure

KEY = "your_model.code"
TEXT, PATH, LAYER, AGAIN = (f"{KEY}.{name}" for name in ("text", "path", "layer", "again_at"))


@st.cache_resource(show_spinner=False, max_entries=4)
def _process(path: str, changed: int) -> PythonFile:
    """The process of a file as it is now; one that nobody keeps ends, because its pipe is closed."""
    return PythonFile(Path(path))


@st.cache_resource(show_spinner=False, max_entries=1)
def _live(address: str) -> LiveModule:
    """The module of the session that started this server."""
    live = given().live
    assert live is not None and live["address"] == address
    return LiveModule(live)


def of_file(file: Path) -> None:
    """A text as the module of a file reads it. An error of the file is an error of the project: a sentence.

    Raises:
        CheckpointError: the file does not do what it should.
    """
    changed = file.stat().st_mtime_ns if file.exists() else 0
    st.markdown(f"**{plain(file.name)}** runs on this computer, in a process of its own.")
    _panel(file.name, _process(str(file), changed), (str(file), changed))


def of_session(live: dict[str, str]) -> None:
    """A text as the module of the session that started this server reads it now.

    Raises:
        CheckpointError: the session has ended, or the module raised an error.
    """
    st.session_state.setdefault(AGAIN, time.monotonic())  # a reload of the page reads anew
    st.markdown(f"**{plain(live['name'])}** lives in the Python session that opened this app.")
    st.button("Read the text again", icon=":material/refresh:", key=f"{KEY}.again", on_click=_again)
    _panel(live["name"], _live(live["address"]), (live["address"], st.session_state[AGAIN]))


def _again() -> None:
    st.session_state[AGAIN] = time.monotonic()


def _panel(name: str, process: OtherProcess, at: tuple) -> None:
    """The text, read and coloured; `at` is the key of what was read."""
    chosen = f"{PATH}.{name}"
    text, path = st.session_state.get(TEXT) or SAMPLE, st.session_state.get(chosen)
    with st.spinner("Its module is reading the text ..."):
        answer: Answer = shared_cache("traces", 768).get((at, text, path), lambda: process.read(text, path))
    layers = [f"layer {index + 1}" for index in range(answer.trace.hidden.shape[1])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if len(answer.paths) > 1:
            st.selectbox("Recorded", answer.paths, answer.paths.index(answer.trace.source), key=chosen, width=220)
        layer = st.selectbox("Layer", layers, len(layers) - 1, key=f"{LAYER}.{answer.trace.source}.{len(layers)}", width=120)
        with st.popover("Your text", icon=":material/edit:", width="content"):
            text_form(KEY, text, LONGEST, _read, form=f"{KEY}.form")
    if answer.note:
        st.caption(plain(answer.note))
    next_p, bits = (None if values is None else np.array(values, np.float32) for values in (answer.next_p, answer.bits))
    run = run_of(answer.trace, (answer.next_tokens, next_p, bits), layer=layers.index(layer))
    state_view(figure(run, f"{name}, {answer.trace.source}, {layer}"), f"{KEY}.view")


def _read(text: str | None) -> None:
    st.session_state[TEXT] = text or SAMPLE
