"""The list of tokens of a network in a file: the file's own, a known alphabet, a visitor's file, or one that is typed."""

import hashlib
from collections.abc import Sequence

import streamlit as st

from models.foreign.experiments.behaviour import best_list
from models.foreign.given import content_of, given
from models.foreign.layout import Choice
from models.foreign.listed import ENDINGS, Listed, read_list
from models.foreign.opening import Opened, fitting, rows
from models.foreign.tokens import typed_tokens
from pages._ui.cache import shared_cache
from pages._ui.progress import guard
from pages._ui.text import plain

KEY = "your_model.weights"
FILE, TYPED = f"{KEY}.tokens", f"{KEY}.typed"
LONGEST = 20_000  # characters of a typed list
TYPED_NAME = "your typed list"


def pick(label: str, options: Sequence[str], default: str, key: str) -> str:
    """A menu of the page."""
    return st.selectbox(label, options, options.index(default) if default in options else 0, key=f"{KEY}.{key}", width=180)


def of_network(what: tuple, opened: Opened, chosen: Choice) -> Listed | None:
    """The list of tokens; None, and a sentence, if there is none.

    Args:
        what: The network among the tensors and what is assumed of it, for caches.
        opened, chosen: The file, and the network.
    """
    many = rows(opened, chosen) or 0
    given_list, first = _given_list(), st.container(width="content")
    own = _own_lists(many)
    lists = {listed.source: listed for listed in reversed([*own, *given_list, *fitting(opened, many)])}
    names = list(reversed(lists))
    if not lists:
        listed = ", ".join(f"{name} has {len(tokens):,}" for name, tokens in opened.weights.tokens.items())
        none = f"No list of tokens in the file has {many:,} ({listed})" if listed else "The file lists no tokens"
        st.warning(plain(f"{none}, and no known alphabet has {many:,}. Upload or type the list to see the network read."))
        return None
    likely = names[0]
    if len(names) > 1 and not own and not given_list:
        best = shared_cache("rows", 16).get(("list", *what), lambda: best_list(opened, chosen, what[-1]))
        likely = names[0] if best is None else best[0].source
    with first:
        return lists[pick(f"Its {many:,} tokens are", names, likely, f"list.{len(names)}.{names[0]}")]


def _own_lists(many: int) -> list[Listed]:
    """What the visitor brought: a typed list, a file."""
    with st.popover("Upload a list of tokens", icon=":material/list:", width="content"):
        st.caption(
            f"{many:,} tokens in the order of their ids: JSON (a list, or a table of tokens and ids), one token per line, a vocabulary of "
            "torchtext or Keras, a tokenizer.json, or a SentencePiece model."
        )
        file = st.file_uploader("List of tokens", type=list(ENDINGS), key=FILE)
        with st.form(f"{KEY}.typed_form", border=False):
            typed = st.text_area("Or type it: all characters in one line, or one token per line", key=TYPED, max_chars=LONGEST, height=120)
            st.caption("`\\n` stands for the end of a line, `\\t` for a tab.")
            st.form_submit_button("Use these tokens")
    lists = []
    if typed:
        with guard(stop=False):
            lists.append(Listed(TYPED_NAME, typed_tokens(typed), True))
    if file is not None:
        with guard(stop=False):
            lists.append(_read_list(file.getvalue(), file.name))
    return lists


def _given_list() -> list[Listed]:
    """The list of tokens with which the server was started."""
    path = given().vocabulary
    return [] if path is None else [_read_list(content_of(path), path.name)]


def _read_list(content: bytes, name: str) -> Listed:
    """The list of a file, read once."""
    return shared_cache("lists", 64).get((hashlib.sha256(content).hexdigest(), name), lambda: read_list(content, name))
