"""What a link names and its page does not have: said above the view, not swallowed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages._ui import uploads
from pages._ui.link import WRITTEN, is_unread
from pages._ui.text import plain

SHOWN = 40  # characters of a value
NOUNS = {
    "model": "network",
    "at": "character",
    "felt": "colours by",
    "opened": "name",
}  # where the last part of a parameter's name says less
ELSEWHERE = ("text", "weights")  # a damaged text and earlier weights have notices of their own


@dataclass
class Named:
    """A choice that a link names: its values, and what the page shows instead, once it is known."""

    values: list[str]
    used: Any = None
    is_checked: bool = False


@contextmanager
def said(page: str) -> Iterator[None]:
    """Around what a page draws: names above it the choices of its link that are not here, until another choice is made there.

    Args:
        page: Prefix of the page's keys.
    """
    above, state, key = st.container(), st.session_state, f"{page}.named"
    if is_unread(key):
        asked = [name for name in st.query_params if name.startswith(f"{page}.") and name.split(".")[-1] not in ELSEWHERE]
        state[key] = {name: Named(st.query_params.get_all(name)) for name in asked}
    try:
        yield
    finally:
        state[key] = {name: named for name, named in state[key].items() if _is_missing(name, named)}
        missing = {name: lacking(named.values, named.used) for name, named in state[key].items() if named.is_checked}
        if missing:
            parts = [f"{_noun(name)} “{plain(', '.join(values)[:SHOWN])}”" for name, values in missing.items()]
            lost = any(uploads.is_lost(word) for values in missing.values() for value in values for word in value.split())
            why = f" {uploads.REMOVED}" if lost else ""
            above.info(f"This link asks for something that is not here: {', '.join(parts)}.{why}", icon=":material/link_off:")


def _noun(name: str) -> str:
    last = name.split(".")[-1]
    return NOUNS.get(last, last.replace("_", " "))


def _is_missing(name: str, named: Named) -> bool:
    """Whether the page shows something else than the link names, and the visitor has not chosen anew; True if it is not known yet."""
    written, state = st.session_state.get(WRITTEN, {}), st.session_state
    if name not in written and name not in state:
        return not named.is_checked  # its panel may be opened later
    used = written.get(name, state.get(name))
    if named.is_checked:
        return used == named.used
    named.used, named.is_checked = used, True
    return not agrees(named.values, used)


def lacking(values: list[str], used: Any) -> list[str]:
    """Those of the values that a link names that a page does not use."""
    parts = {str(part) for part in used} if isinstance(used, list | tuple) else set()
    return [value for value in values if value not in parts]


def agrees(values: list[str], used: Any) -> bool:
    """Whether the values that a link names are what a page uses: a number, a text, or several in any order.

    Args:
        values: As in the link.
        used: Value of a widget, or what the page wrote into the link.
    """
    if isinstance(used, bool):
        return values[-1].lower() == str(used).lower()
    if isinstance(used, list | tuple):
        return set(values) <= {str(part) for part in used}
    if isinstance(used, int | float):
        return str(used) in values[-1].split() or _number(values[-1]) == used
    used = str(used or "")
    return values[-1] == used or set(re.split("[.,]", values[-1])) <= set(re.split("[.,]", used)) or _same_number(values[-1], used)


def _same_number(one: str, other: str) -> bool:
    return _number(one) is not None and _number(one) == _number(other)


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None
