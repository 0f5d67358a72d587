"""Short texts and tables: the folded explanation of a figure, escaped Markdown, probabilities, marked changes."""

import difflib
from typing import Any

import pandas as pd
import streamlit as st

from pages._ui.show import scrolling


def how_to_read(explanation: str, what: str = "this") -> None:
    """Fold an explanation away, so that no wall of text stands above a figure; a figure has one line beside it at most.

    Args:
        explanation: Markdown, none of it from outside data.
        what: "this page" for the explanation of a whole page.
    """
    with st.expander(f"How to read {what}"):
        st.markdown(explanation)


def plain(text: str) -> str:
    """Text with its Markdown characters escaped."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|<>~$:" else sign for sign in text)


def share(p: float) -> str:
    """A probability with two decimal places."""
    return f"{p:.2f}" if p >= 0.005 else "< 0.005"


def count(amount: int, what: str) -> str:
    """A number and what it counts, in the singular for 1: "1 unit", "12 units"."""
    return f"{amount:,} {what}{'' if amount == 1 else 's'}"


def marked(before: str, after: str) -> str:
    """The new text with the words that are new in bold."""
    old, new = before.split(), after.split()
    parts = []
    for kind, _, _, start, stop in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if words := plain(" ".join(new[start:stop])):
            parts.append(words if kind == "equal" else f"**{words}**")
    return " ".join(parts)


def table(frame: pd.DataFrame, key: str, name: str) -> None:
    """Draw a table that scrolls sideways on its own, with a button for its CSV, which also lets a keyboard scroll it.

    Args:
        frame: The table; numbers get three significant digits, missing values become "–".
        key: `page.thing`, unlike any other.
        name: Name of the CSV file.
    """
    with scrolling(key.replace(".", "-")):
        st.markdown(in_markdown(frame))
        content = frame.to_csv(index=False)
        st.download_button("CSV", content, f"{name}.csv", "text/csv", key=f"{key}.csv", icon=":material/download:", on_click="ignore")


def grid(frame: pd.DataFrame, key: str, **options: Any) -> Any:
    """Draw a table whose rows can be sorted, searched, and saved as CSV: the file holds what is on screen.

    Args:
        frame: The table. Missing values are shown as "–", numbers without a format of their own with four significant digits.
        key: `page.thing`, unlike any other.
        options: As for `st.dataframe`.
    """
    formatted = options.get("column_config", {})
    rounded = {name: frame[name].map(_four) for name in frame.select_dtypes("float").columns if name not in formatted}
    return st.dataframe(frame.assign(**rounded), hide_index=True, key=key, placeholder="–", **options)


def _four(value: float) -> float:
    return float(f"{value:.4g}")


def in_markdown(frame: pd.DataFrame) -> str:
    """A table as Markdown. Only its first column may wrap, so that a narrow screen breaks no number."""
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join([first, *(cell.replace(' ', chr(0xA0)) for cell in rest)])} |" for first, *rest in rows)


def _cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value))
