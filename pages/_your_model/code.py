"""A module in another process reads a text: of a Python file that whoever started the server named, or of a live session."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st

from models.foreign.experiments.behaviour import SAMPLE
from models.foreign.experiments.python_file import MEMORY, Answer, Held, LiveModule, PythonFile
from models.foreign.experiments.reading import run_of
from models.foreign.given import given
from pages._components.state_view import state_choice, state_view
from pages._ui.cache import shared_cache
from pages._ui.layout import text_form
from pages._ui.text import plain
from pages._your_model import attended, gradient
from pages._your_model.source import Source
from pages._your_model.weights import LONGEST, figure

KEY = "your_model.code"
VIEW, VALUE = f"{KEY}.view", f"{KEY}.value"
LARGEST = 10.0  # value at which a state is held
TEXT, PATH, LAYER, AGAIN, HELD = (f"{KEY}.{name}" for name in ("text", "path", "layer", "again_at", "held"))


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
    process = _process(str(file), changed)
    st.markdown(
        f"**{plain(file.name)}** runs on this computer, in a process of its own: at most {process.read_seconds:g} seconds per text and "
        f"{MEMORY // 1_000_000_000} GB of memory."
    )
    _panel(Source(file.name, process, (str(file), changed)))


def of_session(live: dict[str, str]) -> None:
    """A text as the module of the session that started this server reads it now.

    Raises:
        CheckpointError: the session has ended, or the module raised an error.
    """
    st.session_state.setdefault(AGAIN, time.monotonic())  # a reload of the page reads anew
    st.markdown(f"**{plain(live['name'])}** lives in the Python session that opened this app.")
    st.button("Read the text again", icon=":material/refresh:", key=f"{KEY}.again", on_click=_again)
    _panel(Source(live["name"], _live(live["address"]), (live["address"], st.session_state[AGAIN])))


def _again() -> None:
    st.session_state[AGAIN] = time.monotonic()


def _panel(source: Source) -> None:
    """The text, read and coloured, with a unit held if the visitor wants it; below it the gradient through time."""
    chosen = f"{PATH}.{source.name}"
    text, path, held = st.session_state.get(TEXT) or SAMPLE, st.session_state.get(chosen), _held(source)
    read = lambda waiting: source.process.read(text, path, held, waiting)  # noqa: E731
    answer: Answer | None = source.get((text, path, held), "Waiting for its module", read)
    if answer is None:
        return
    layers = [f"layer {index + 1}" for index in range(answer.trace.hidden.shape[1])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if len(answer.paths) > 1:
            st.selectbox("Recorded", answer.paths, answer.paths.index(answer.trace.source), key=chosen, width=220)
        named = st.selectbox("Layer", layers, len(layers) - 1, key=f"{LAYER}.{answer.trace.source}.{len(layers)}", width=120)
        layer = layers.index(named)
        _silencer(source, chosen, answer.trace.source, layer)
        with st.popover("Your text", icon=":material/edit:", width="content"):
            text_form(KEY, text, LONGEST, _read, form=f"{KEY}.form")
    if answer.note:
        st.caption(plain(answer.note))
    if held is not None:
        st.markdown(_effect(answer, held, _known(source, text, path)))
    next_p, bits = (None if values is None else np.array(values, np.float32) for values in (answer.next_p, answer.bits))
    run = run_of(answer.trace, (answer.next_tokens, next_p, bits), layer=layer)
    shown = figure(run, f"{source.name}, {answer.trace.source}, {named}")
    if held is not None and held.layer == layer:
        shown = replace(shown, unit=held.unit)
    choice = state_view(shown, VIEW)
    attended.panel(answer.alignments)
    gradient.panel(source, gradient.Point(text, answer.trace.source, choice.cursor, held), answer.trace.tokens)


def _read(text: str | None) -> None:
    st.session_state[TEXT] = text or SAMPLE


def _held(source: Source) -> Held | None:
    """The unit of this module whose state the visitor holds."""
    of, held = st.session_state.get(HELD) or (None, None)
    return held if of == (source.name, st.session_state.get(f"{PATH}.{source.name}")) else None


def _silencer(source: Source, chosen: str, path: str, layer: int) -> None:
    """The button that holds the unit of the picture at 0, or lets it go."""
    held = _held(source)
    if held is None:
        st.button(
            "Silence this unit", key=f"{KEY}.silence", icon=":material/volume_off:", on_click=_silence, args=(source, chosen, path, layer)
        )
    else:
        st.number_input("Its state is held at", -LARGEST, LARGEST, held.value, 0.1, key=VALUE, width=130, on_change=_hold)
        st.button("Let it act again", key=f"{KEY}.release", icon=":material/volume_up:", on_click=_release)


def _silence(source: Source, chosen: str, path: str, layer: int) -> None:
    choice = state_choice(VIEW)
    st.session_state[chosen] = path  # an intervention needs a path
    st.session_state[HELD] = ((source.name, path), Held(layer, choice.unit if choice else 0))


def _hold() -> None:
    of, held = st.session_state[HELD]
    st.session_state[HELD] = (of, replace(held, value=float(st.session_state[VALUE])))


def _release() -> None:
    st.session_state[HELD] = None


def _known(source: Source, text: str, path: str | None) -> Answer | None:
    """The run without the intervention, if it is still in the cache."""
    runs = shared_cache("traces", 768)
    key = next((key for key in ((source.at, text, path, None), (source.at, text, None, None)) if runs.has(key)), None)
    return None if key is None else runs.get(key, lambda: None)


def _effect(answer: Answer, held: Held, before: Answer | None) -> str:
    """What the intervention did to the prediction of the text, in a sentence."""
    said = f"Unit {held.unit} of layer {held.layer + 1} is held at {held.value:g} at every step."
    if answer.bits is None or before is None or before.bits is None or before.trace.source != answer.trace.source:
        return said
    now, own = (float(np.nanmean(np.array(one.bits, float))) for one in (answer, before))
    return f"{said} The text then costs **{now:.2f} bits per token** instead of {own:.2f}."
