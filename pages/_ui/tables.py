"""Tables of words, small enough to be read aloud."""

import pandas as pd
import streamlit as st

from pages._ui.show import scrolling
from pages._ui.text import plain


def table(frame: pd.DataFrame, key: str, name: str) -> None:
    """A table in a frame of its own, with its CSV: by that button a keyboard gets into the frame, and the arrows scroll it.

    Args:
        frame: A row for each line; what is missing is written as "–".
        key: Unlike those of all others, `page.thing`.
        name: Of the file.
    """
    with scrolling(key.replace(".", "-")):
        st.markdown(in_markdown(frame))
        content = frame.to_csv(index=False)
        st.download_button("CSV", content, f"{name}.csv", "text/csv", key=f"{key}.csv", icon=":material/download:", on_click="ignore")


def in_markdown(frame: pd.DataFrame) -> str:
    """The lines of a table; only its first column may be broken: a narrow screen scrolls it, and breaks no number."""
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join([first, *(each.replace(' ', chr(0xA0)) for each in rest)])} |" for first, *rest in rows)


def _cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value))
