"""A visitor's own network on a page: the uploader, and what is wrong with files that do not open."""

from collections.abc import Callable

import streamlit as st

from explorer.errors import ExplorerError
from pages._ui import networks, uploads


def opener(key: str, kinds: tuple[str, ...], opened: Callable[[str], None]) -> None:
    """The uploader of a page, and the damaged files of the folder.

    Args:
        key: Of the panel, `page.own`.
        kinds: What the page can show, keys of models.checkpoint.KINDS.
        opened: Called with the name under which an uploaded network opens.
    """
    st.file_uploader("Open a checkpoint of your own", type="safetensors", key=f"{key}.file", on_change=_open, args=(key, kinds, opened))
    if error := st.session_state.pop(f"{key}.error", None):
        st.error(error, icon=":material/error:")
    st.caption(
        "It stays on this server for as long as that runs, is seen by nobody without its name, and nothing in it is executed: "
        "a file is parsed and compared with what it promises."
    )
    if damaged := networks.damaged():
        st.markdown("**Files in `checkpoints/` that do not open**")
        for name, sentence in damaged.items():
            st.warning(f"{name}: {sentence}", icon=":material/broken_image:")


def in_lines(made: str, save: str, recorded: str, record: str) -> None:
    """Lines of Python that are tested: one part makes such a file, the other records a network without this page."""
    for column, title, lines in zip(st.columns(2), (made, recorded), (save, record), strict=True):
        column.markdown(title)
        column.code(lines, language="python")


def _open(key: str, kinds: tuple[str, ...], opened: Callable[[str], None]) -> None:
    file, state = st.session_state[f"{key}.file"], st.session_state
    if file is None:
        return
    try:
        name = uploads.keep(file.name, file.getvalue(), *kinds)
    except ExplorerError as error:
        state[f"{key}.error"] = f"{error} Nothing was changed."
        return
    uploads.remember(name)
    opened(name)
