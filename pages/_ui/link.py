"""What a copied link restores: bound widgets by themselves, a text in compressed form."""

import base64
import binascii
import zlib

import streamlit as st

from explorer.errors import ExplorerError

LINK_CHARACTERS = 8_000
TEXT_CHARACTERS = 100_000


class LinkError(ExplorerError):
    """A link or a view file holds something that is no text of ours."""


def packed(text: str) -> str:
    """A text as letters that a link can hold: deflated, then base64 without padding."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).rstrip(b"=").decode()


def unpacked(code: str) -> str:
    """The text of `packed`.

    Raises:
        LinkError: the code was cut or changed, or holds more than 100,000 characters.
    """
    try:
        raw = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
        inflate = zlib.decompressobj()
        # A tiny code can unfold to gigabytes: read no more than the longest text a page takes.
        data = inflate.decompress(raw, 4 * TEXT_CHARACTERS + 4)
        if not inflate.eof:
            raise LinkError(f"The text in this link is cut short or longer than {TEXT_CHARACTERS:,} characters. Copy the whole link.")
        return data.decode("utf-8")[:TEXT_CHARACTERS]
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        raise LinkError("The text in this link is damaged: it is no compressed text. Copy the whole link once more.") from None


def linked(name: str, default: str) -> str:
    """A parameter of the link that no widget is bound to."""
    return st.query_params.get(name, default)


def linked_place(name: str, places: int, default: int = 0) -> int:
    """A place in a list of so many, from the link; the default where the link holds none that exists."""
    code = linked(name, "")
    return int(code) if code.isascii() and code.isdecimal() and len(code) < 6 and int(code) < places else default


def link(name: str, value: str, default: str) -> None:
    """Write an unbound parameter into the link; a default leaves the link short."""
    if value != default and st.query_params.get(name) != value:
        st.query_params[name] = value
    if value == default and name in st.query_params:
        del st.query_params[name]
