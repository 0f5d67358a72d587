"""A Python file that whoever started the server named: its module, in a process of its own, reads a text."""

from pathlib import Path

import numpy as np
import streamlit as st

from models.foreign.experiments.behaviour import SAMPLE
from models.foreign.experiments.python_file import Answer, PythonFile
from models.foreign.experiments.reading import run_of
from pages._components.state_view import state_view
from pages._ui.cache import shared_cache
from pages._ui.layout import text_form
from pages._ui.text import plain
from pages._your_model.weights import LONGEST, figure

KEY = "your_model.code"
TEXT, PATH, LAYER = f"{KEY}.text", f"{KEY}.path", f"{KEY}.layer"


@st.cache_resource(show_spinner=False, max_entries=4)
def _process(path: str, changed: int) -> PythonFile:
    """The process of a file as it is now; one that nobody keeps ends, because its pipe is closed."""
    return PythonFile(Path(path))


def panel(file: Path) -> None:
    """The text as the module reads it. An error of the file is an error of the project: a sentence.

    Raises:
        CheckpointError: the file does not do what it should.
    """
    changed = file.stat().st_mtime_ns if file.exists() else 0
    st.markdown(f"**{plain(file.name)}** runs on this computer, in a process of its own.")
    text, path = st.session_state.get(TEXT) or SAMPLE, st.session_state.get(PATH)
    with st.spinner("Its module is reading the text ..."):
        read = lambda: _process(str(file), changed).read(text, path)  # noqa: E731
        answer: Answer = shared_cache("traces", 768).get((str(file), changed, text, path), read)
    layers = [f"layer {index + 1}" for index in range(answer.trace.hidden.shape[1])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if len(answer.paths) > 1:
            st.selectbox("Recorded", answer.paths, answer.paths.index(answer.trace.source), key=PATH, width=220)
        layer = st.selectbox("Layer", layers, len(layers) - 1, key=f"{LAYER}.{answer.trace.source}.{len(layers)}", width=120)
        with st.popover("Your text", icon=":material/edit:", width="content"):
            text_form(KEY, text, LONGEST, _read, form=f"{KEY}.form")
    if answer.note:
        st.caption(plain(answer.note))
    next_p, bits = (None if values is None else np.array(values, np.float32) for values in (answer.next_p, answer.bits))
    run = run_of(answer.trace, (answer.next_tokens, next_p, bits), layer=layers.index(layer))
    state_view(figure(run, f"{file.name}, {answer.trace.source}, {layer}"), f"{KEY}.view")


def _read(text: str | None) -> None:
    st.session_state[TEXT] = text or SAMPLE
