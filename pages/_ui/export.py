"""Take a view away: what its link restores, files to download, and the lines of Python that compute it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st


@dataclass(frozen=True)
class Download:
    """A file that is made only when it is asked for.

    Args:
        key: Of its button, after that of the panel.
        label: Of its button.
        file_name: Of the file.
        make: Gives the content; runs later, where no visitor's state is.
        mime: Its type.
    """

    key: str
    label: str
    file_name: str
    make: Callable[[], bytes]
    mime: str = "text/csv"


def csv(key: str, label: str, name: str, make: Callable[[], pd.DataFrame]) -> Download:
    """A table as a file; arguments as `Download`, the name without its ending."""
    return Download(key, label, f"{name}.csv", lambda: make().to_csv(index=False).encode())


def panel(key: str, restores: str, files: Sequence[Download], lines: str) -> None:
    """What the link restores, the downloads, and a notebook's worth of code that is tested.

    Args:
        key: Of the panel, `page.export`.
        restores: A sentence on the link.
        files: To download.
        lines: Python that computes what the page shows, with nothing of the page.
    """
    st.caption(restores)
    downloads(key, files)
    notebook(lines)


def downloads(key: str, files: Sequence[Download]) -> None:
    """A button for each file, in a row."""
    with st.container(horizontal=True):
        for file in files:
            st.download_button(file.label, file.make, file.file_name, file.mime, key=f"{key}.{file.key}", on_click="ignore")


def notebook(lines: str) -> None:
    """Lines of Python to copy."""
    st.markdown("**The same in a notebook**, in the folder of this project:")
    st.code(lines, language="python")
