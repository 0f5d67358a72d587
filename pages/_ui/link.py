"""The link of a page: writes and reads the numbers, choices and texts that no widget is bound to."""

import base64
import binascii
import zlib
from collections.abc import Iterable

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.errors import ExplorerError
from pages._ui.progress import guard

LINK_CHARACTERS = 8_000
TEXT_CHARACTERS = 100_000
WRITTEN = "link.written"  # what pages wrote into the link: parameter -> value, defaults too


class LinkError(ExplorerError):
    """The text in a link or a view file cannot be read."""


def clean(text: str, most: int) -> str:
    """The first `most` characters of a text, without unpaired surrogates, which no link can hold."""
    return text[:most].encode("utf-8", "replace").decode()


def packed(text: str) -> str:
    """A text packed for a link: deflated, then base64 without padding."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).rstrip(b"=").decode()


def unpacked(code: str) -> str:
    """The text of `packed`.

    Raises:
        LinkError: the code was cut or changed, or holds more than 100,000 characters.
    """
    try:
        raw = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
        inflate = zlib.decompressobj()
        # A short code can unpack to gigabytes: read no more than the longest text of a page.
        data = inflate.decompress(raw, 4 * TEXT_CHARACTERS + 4)
        if not inflate.eof:
            raise LinkError(f"The text in this link is cut short or longer than {TEXT_CHARACTERS:,} characters. Copy the whole link.")
        return data.decode("utf-8")[:TEXT_CHARACTERS]
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        raise LinkError("The text in this link is damaged: it is not compressed text. Copy the whole link again.") from None


def is_reopened() -> bool:
    """Whether the browser went back or forward: the link decides again, whatever was chosen since."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def is_unread(key: str) -> bool:
    """Whether a choice must be taken from the link: at the start of a visit, and whenever the browser went back or forward."""
    return key not in st.session_state or is_reopened()


def linked(name: str, default: str) -> str:
    """A parameter of the link that no widget is bound to."""
    return st.query_params.get(name, default)


def whole(code: str, below: int) -> int | None:
    """A code of decimal digits as an integer from 0 up to, but not including, `below`; None if it is not one."""
    is_short = code.isascii() and code.isdecimal() and len(code) <= len(str(below))
    return int(code) if is_short and int(code) < below else None


def wholes(code: str, mark: str, below: int) -> list[int]:
    """The integers of a list such as "3.17.18", each less than `below`; anything else is left out."""
    values = (whole(part, below) for part in code.split(mark))
    return [value for value in values if value is not None]


def linked_whole(name: str, below: int) -> int | None:
    """An integer of the link, less than `below`; None if the link has none."""
    return whole(linked(name, ""), below)


def linked_range(name: str, most: int) -> tuple[int, int] | None:
    """A range "12-34" of the link: its first index and one past the last, at most `most`; None if the link has none."""
    first, mark, last = linked(name, "").partition("-")
    start, stop = whole(first, most), whole(last, most + 1)
    return (start, stop) if mark and start is not None and stop is not None and start < stop else None


def of_range(selection: tuple[int, int] | None) -> str:
    """A range as `linked_range` reads it; empty if there is none."""
    return "-".join(map(str, selection)) if selection else ""


def linked_index(name: str, count: int, default: int = 0) -> int:
    """An index of the link into a list of `count` items; the default if the link has no valid one."""
    index = linked_whole(name, count)
    return default if index is None else index


def linked_choices(name: str, options: Iterable[str]) -> tuple[str, ...]:
    """The options that the link names, in the order of `options`; `link` writes them separated by commas."""
    chosen = linked(name, "").split(",")
    return tuple(option for option in options if option in chosen)


def linked_text(name: str, most: int) -> str | None:
    """The packed text of the link, cut after `most` characters; None if there is none, or if it is damaged, which shows an error."""
    if code := linked(name, ""):
        with guard(stop=False):
            return unpacked(code)[:most]
    return None


def link_text(name: str, text: str, default: str | None) -> bool:
    """Write a text into the link, packed, unless it is the default; False if it is too long and was left out."""
    code = packed(text) if text != default else ""
    fits = len(code) <= LINK_CHARACTERS
    link(name, code if fits else "", "")
    return fits


def link(name: str, value: str, default: str) -> None:
    """Write a parameter into the link; a default value is left out."""
    st.session_state.setdefault(WRITTEN, {})[name] = value
    if value != default and st.query_params.get(name) != value:
        st.query_params[name] = value
    if value == default and name in st.query_params:
        del st.query_params[name]
