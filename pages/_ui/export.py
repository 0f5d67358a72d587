"""Panel "Export and link": downloads, and the Python that computes the same values again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st


@dataclass(frozen=True)
class Download:
    """A file that is made only when its button is clicked.

    Args:
        key: Of its button, after that of the panel.
        label: Of its button.
        file_name: Name of the file.
        make: Returns the content; runs outside the visitor's session, so it must not read session state.
        mime: Type of the file.
    """

    key: str
    label: str
    file_name: str
    make: Callable[[], bytes]
    mime: str = "text/csv"


def csv(key: str, label: str, name: str, make: Callable[[], pd.DataFrame]) -> Download:
    """A table as a CSV file; arguments as for `Download`, the name without its ending."""
    return Download(key, label, f"{name}.csv", lambda: make().to_csv(index=False).encode())


def panel(key: str, restores: str, files: Sequence[Download], lines: str) -> None:
    """What the link restores, the downloads, and Python code that computes the same.

    Args:
        key: Of the panel, `page.export`.
        restores: A sentence on the link.
        files: To download.
        lines: Python that computes what the page shows, without Streamlit.
    """
    st.caption(restores)
    downloads(key, files)
    notebook(lines)


def downloads(key: str, files: Sequence[Download]) -> None:
    """A row with one button per file."""
    with st.container(horizontal=True):
        for file in files:
            st.download_button(file.label, file.make, file.file_name, file.mime, key=f"{key}.{file.key}", on_click="ignore")


def notebook(lines: str) -> None:
    """Lines of Python to copy."""
    st.markdown("**The same in Python**, run from the folder of this project:")
    st.code(lines, language="python", wrap_lines=True)
