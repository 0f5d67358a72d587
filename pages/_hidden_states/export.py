"""Panel "Export and link": pictures, values, the whole record, a view file, and Python that computes the same."""

import json
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.figures.states import StateFigure
from explorer.records import Trace
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._components.state_view import LOOKS
from pages._hidden_states import compute, state, states
from pages._hidden_states.compute import View
from pages._ui import export, networks, state_export, uploads
from pages._ui.export import Download
from pages._ui.link import LINK_CHARACTERS, packed
from pages._ui.text import failure

KEY = "hidden_states.export"


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Downloads, each made only when clicked, and the uploader of a view file."""
    figure = states.figure(view, run, view.cursor)
    name = f"{view.model}-layer{view.layer + 1}-unit{view.unit}"
    file = json.dumps(_view_file(view)).encode()  # now: a download is made later, outside the visitor's session
    files = [
        *_pictures(view, figure, name),
        export.csv("csv", "Values of this unit (CSV)", name, figure.to_frame),
        Download("npz", "All states and gates (NPZ)", f"{view.model}.npz", lambda: _npz(run.trace), "application/octet-stream"),
        Download("json", "View file", f"{name}.view.json", lambda: file, "application/json"),
    ]
    export.downloads(KEY, files)
    fits = len(packed(view.text)) <= LINK_CHARACTERS
    st.caption(
        "The link in the address bar restores this view."
        if fits
        else "The text is too long for a link. Download the view file instead, and open it below."
    )
    st.file_uploader("Open a view file", type="json", key=f"{KEY}.upload", on_change=_open_view, max_upload_size=2)
    if error := st.session_state.pop(f"{KEY}.error", None):
        failure(error)
    export.notebook(notebook(view))


def _pictures(view: View, figure: StateFigure, name: str) -> list[Download]:
    """The view as it is on screen."""
    labels = {"SVG": "Picture (SVG)", "PNG": "Picture (PNG)", "PDF": "Picture (PDF)", "HTML": "Page (HTML)"}
    kinds = state_export.kinds_of(figure, states.choice(view))
    return [Download(kind.lower(), labels[kind], f"{name}.{kind.lower()}", make, mime) for kind, make, mime in kinds if kind in labels]


def notebook(view: View) -> str:
    """Python that computes what the page shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.char_lm.experiments.window import Layer, read_window

layer = Layer({view.layer}, {view.quantity!r}, {view.order!r}{"" if view.path == "rnn" else f", {view.path!r}"})
run = read_window({load}, {view.text!r}, layer, warm_up={view.warm_up!r}, part={view.part})
print(run.values[:, {view.unit}])  # unit {view.unit} at every {compute.tokens_of(view.model)[:-1]}
"""


def _npz(trace: Trace) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.npz"
        trace.save(path)
        return path.read_bytes()


def _view_file(view: View) -> dict:
    return {"recurrent-explorer": 1, "model": view.model, "layer": view.layer, "quantity": view.quantity, "order": view.order} | {
        "unit": view.unit,
        "part": view.part,
        "stretched": view.stretched,
        "cursor": st.session_state[state.CURSOR],
        "looks": list(st.session_state[state.LOOKS]),
        "selection": view.selection,
        "text": view.text,
    }


def _open_view() -> None:
    """Open a view file; its content is checked like a link."""
    file = st.session_state[f"{KEY}.upload"]
    if file is None:
        return
    try:
        view = json.loads(file.getvalue()[: 4 << 20])
        text, numbers = view["text"], (view["unit"], view["part"], view["layer"])
        sound = isinstance(text, str) and all(isinstance(n, int) and 0 <= n < 10_000 for n in numbers)
        sound = sound and view["model"] in networks.emitting(*state.EMITS)
    except (ValueError, KeyError, TypeError):
        sound = False
    if sound:
        _restore(view)
    else:
        sentence = f"{file.name!r} is not a view file of this page. Expected a .view.json from *View file*. Nothing was changed."
        st.session_state[f"{KEY}.error"] = sentence


def _range(value: Any, most: int) -> tuple[int, int] | None:
    """A range of a view file within a text of `most` characters; None for anything else."""
    if not isinstance(value, list) or len(value) != 2 or any(type(index) is not int for index in value):
        return None
    start, stop = value
    return (start, stop) if 0 <= start < stop <= most else None


def _restore(view: dict) -> None:
    """Show the view of a view file; optional entries are used where they are valid."""
    state.set_text(view["text"])
    chosen, cursor, looks = st.session_state, view.get("cursor"), view.get("looks")
    chosen[state.MODEL], chosen[state.PART] = view["model"], view["part"]
    chosen[state.SCALE] = state.STRETCHED if view.get("stretched") is True else state.FIXED
    chosen[state.CURSOR] = cursor if type(cursor) is int and 0 <= cursor < len(view["text"]) else None
    chosen[state.LOOKS] = tuple(look for look in LOOKS if isinstance(looks, list) and look in looks)
    chosen[state.SELECTION] = _range(view.get("selection"), len(view["text"]))
    if view.get("order") in state.ORDERS:
        chosen[state.ORDER] = state.ROWS_BY.format(view["order"])
    quantity = view.get("quantity")
    state.look_at(view["layer"], view["unit"], quantity if quantity in sum(state.QUANTITIES.values(), ()) else None)
