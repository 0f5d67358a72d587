"""The state view: a text and a map of all units on canvas; unit and cursor change in the browser without a rerun."""

import hashlib
import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from explorer.figures.states import LOOKS, StateFigure
from pages._ui.link import is_reopened

HERE = Path(__file__).parent
# In this order: each file comes after those it imports from.
FILES = ("figure", "colour", "layout", "words", "choice", "text", "inputs", "map", "readout", "events", "view")
_KEPT: dict[int, tuple[tuple, tuple, str, bytes]] = {}  # by the identity of the values, as long as they live


@dataclass(frozen=True)
class StateChoice:
    """The visitor's choice in the browser.

    Args:
        unit: The chosen unit.
        cursor: Position in the whole text.
        selection: Selected range (start, stop) in the whole text, or None.
        looks: Switches that are on: "next" characters, "lecture" colours, "flip" the sign.
        alone: Index of the one input that is drawn, where numbers were read; None: all.
    """

    unit: int
    cursor: int
    selection: tuple[int, int] | None = None
    looks: tuple[str, ...] = ()
    alone: int | None = None


@cache
def source(*names: str) -> str:
    """JavaScript of the component: its files joined, without their imports and exports."""
    text = "\n".join(read(f"{name}.js") for name in names)
    text = re.sub(r"^import .*?;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)


@cache
def read(name: str) -> str:
    """Content of a file in this folder."""
    return (HERE / name).read_text(encoding="utf-8")


def _carrier():
    """The component that carries the arrays to the browser; it shows nothing."""
    return component("state_view_arrays", js=source("figure", "carrier"))


def _view():
    """The component that shows them. Registering it again with the same server changes nothing."""
    return component("state_view", html=read("view.html"), css=read("view.css"), js=source(*FILES))


def state_choice(key: str) -> StateChoice | None:
    """The choice in the view with this key as far as Python knows; None before the view was drawn."""
    sent, memory = _sent(key), st.session_state.get(f"{key}.asked")
    if memory is None or sent != memory["said"]:
        return sent
    now = memory["now"]
    return StateChoice(now["unit"], now["cursor"], now["selection"], tuple(now["looks"]), now["alone"])


def _sent(key: str) -> StateChoice | None:
    """The choice that the browser last sent, checked, since a browser may send anything."""
    sent: Any = (st.session_state.get(key) or {}).get("choice")
    try:
        selection = sent["selection"] and (int(sent["selection"][0]), int(sent["selection"][1]))
        looks = tuple(look for look in LOOKS if look in (sent.get("looks") or ()))
        alone = sent.get("alone")
        return StateChoice(int(sent["unit"]), int(sent["cursor"]), selection or None, looks, None if alone is None else int(alone))
    except (TypeError, KeyError, ValueError, IndexError, AttributeError):
        return None


def state_view(
    figure: StateFigure,
    key: str,
    on_change: Callable[[], None] | None = None,
    looks: tuple[str, ...] | None = None,
    is_line: bool = False,
    selection: tuple[int, int] | tuple[()] | None = None,
) -> StateChoice:
    """Draw the figure and return the visitor's choice.

    Unit, cursor, looks and selection belong to the browser. A value from Python counts only if it is new: a `figure.unit` that
    differs both from the previous run and from what the browser sent is a request and is followed; anything else is an
    echo. After Back or Forward all of Python's values are requests. A page that keeps its own unit copies
    `state_choice(key)` before it makes the figure, or in `on_change`.

    Args:
        figure: What to draw; `figure.unit` and `figure.cursor` are the start, and later requests.
        key: Of the component; its choice is `state_choice(key)` at the start of the next run.
        on_change: Called before the run in which the browser's choice is new.
        looks: Switches to start with, of "next", "lecture", "flip".
        is_line: Whether to show only the text and what is predicted: no row of buttons, no map, no name of the unit.
        selection: Range to start with, (start, stop) in the whole text; () asks for none.
    """
    sent = _sent(key)
    wish = {"unit": figure.unit, "cursor": figure.cursor, "looks": looks, "selection": selection, "alone": figure.alone}
    asked = _asked(key, wish, figure.start, sent)
    choice = _within(StateChoice(asked["unit"], asked["cursor"], asked["selection"], tuple(asked["looks"]), asked["alone"]), figure)
    digest, blob = _blob(figure)
    with st.container(gap=None):
        _carrier()(key=f"{key}.arrays", data=digest.encode() + blob)
        data = {"digest": digest, "asked": asked["n"], "unit": choice.unit, "cursor": choice.cursor}
        data |= {"selection": choice.selection, "looks": list(choice.looks), "alone": choice.alone, "line": is_line}
        _view()(key=key, data=data, on_choice_change=on_change or (lambda: None))
    return choice


def _asked(key: str, wish: dict[str, Any], start: int, sent: StateChoice | None) -> dict:
    """What Python believes to be on screen, with a counter that grows with each request to the browser.

    Args:
        key: Of the component.
        wish: Values of Python: unit, cursor, looks, selection and alone; None leaves a value to the browser.
        start: Of the figure in the whole text.
        sent: The choice that the browser last sent.
    """
    first = {"n": 1} | wish | {"cursor": wish["cursor"] or start, "looks": wish["looks"] or ()}
    memory = st.session_state.get(f"{key}.asked")
    if memory and is_reopened():
        memory = {"now": first | {"n": memory["now"]["n"] + 1}, "wish": wish, "said": sent}
    now = dict(memory["now"]) if memory else first
    before = memory["wish"] if memory else wish
    said = memory["said"] if memory else None
    if sent:
        now |= {"unit": sent.unit, "cursor": sent.cursor, "selection": sent.selection, "looks": sent.looks, "alone": sent.alone}
    if memory and sent == said:  # nothing new from the browser: Python's last request still counts
        now = dict(memory["now"])
    for name, value in wish.items():
        echoes = [before[name], now[name], said and getattr(said, name)]
        if name == "selection":
            echoes = [echo or () for echo in echoes]
        if value is not None and value not in echoes:
            now |= {name: value, "n": now["n"] + 1}
    st.session_state[f"{key}.asked"] = {"now": now, "wish": wish, "said": sent}
    return now


def _within(choice: StateChoice, figure: StateFigure) -> StateChoice:
    """The choice, limited to what exists in this figure."""
    end = figure.start + len(figure.tokens)
    unit = min(max(choice.unit, 0), figure.values.shape[1] - 1)
    cursor = min(max(choice.cursor, figure.start), end - 1)
    selection = choice.selection or None
    if selection and not figure.start <= selection[0] < selection[1] <= end:
        selection = None
    is_there = choice.alone is not None and figure.inputs is not None and 0 <= choice.alone < len(figure.inputs.names)
    return replace(choice, unit=unit, cursor=cursor, selection=selection, alone=choice.alone if is_there else None)


def _blob(figure: StateFigure) -> tuple[str, bytes]:
    """The bytes of a figure and their digest, made once per array of values; values must not change in place."""
    name, about, parts = id(figure.values), _about(figure), _parts(figure)
    known = _KEPT.get(name)
    if known and known[0] == about and all(map(_same, known[1], parts)):
        return known[2:]
    blob = figure.to_bytes()
    digest = hashlib.blake2b(blob, digest_size=8).hexdigest()
    if known is None:
        weakref.finalize(figure.values, _KEPT.pop, name, None)
    _KEPT[name] = (about, parts, digest, blob)
    return digest, blob


def _about(figure: StateFigure) -> tuple:
    """Everything small in the bytes of a figure, to compare."""
    return figure.quantity, figure.order_name, figure.scale, figure.start, figure.title


def _parts(figure: StateFigure) -> tuple:
    """Everything large in them except its values; it never changes in place either."""
    read = (None, None, None) if figure.inputs is None else (figure.inputs.names, figure.inputs.values, figure.inputs.times)
    return figure.tokens, figure.order, figure.next_tokens, figure.next_p, figure.bits, *read


def _same(one: Any, other: Any) -> bool:
    """Whether it is the same object, or one of the same content."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one is other or (one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
    return one is other or (type(one) is type(other) and one == other)
