"""Short texts and tables: the folded explanation of a figure, escaped Markdown, probabilities, marked changes."""

import difflib
import re
from typing import Any

import pandas as pd
import streamlit as st

from pages._ui.show import scrolling

HARMLESS = re.compile(r"[^\W_][\w-]*(?: [^\W_][\w-]*)*")  # words, of which no Markdown is made
SPACES = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
SPECIAL = re.compile(r"[\\`*_{}\[\]()#+\-.!|<>~$:&=^]")
# The start of what Streamlit searches for: "http://", ":emoji:", ":material/icon:", "www.", "name@host", and an arrow or sign alone.
SEARCHED = re.compile(r":(?=//|material/|[\w+-]+:)|www(?=\.)|@(?=[\w-])|(?<!\S)[<>~-](?=(?:->|>|-|=)(?!\S))", re.IGNORECASE)
BREAK = "\\g<0>\u2060"


def how_to_read(explanation: str, what: str = "this") -> None:
    """Fold an explanation away, so that no wall of text stands above a figure; a figure has one line beside it at most.

    Args:
        explanation: Markdown, none of it from outside data.
        what: "this page" for the explanation of a whole page.
    """
    with st.expander(f"How to read {what}"):
        st.markdown(explanation)


def plain(text: object) -> str:
    """Markdown that shows a text as it is, on one line: the only way of anything from outside onto a page.

    Backslashes do for Markdown. Streamlit also searches the parsed text for addresses, emoji, icons and arrows; an invisible
    character (U+2060) breaks those. Spaces and line breaks in a row become one space, as in any paragraph. Words alone stay as they are,
    so that a bound choice called by a network has the same name in its link.

    Args:
        text: A value of a link or a card, the name of a file, a typed or generated text; any other value as `str` gives it.
    """
    line = SPACES.sub(" ", str(text))
    return line if HARMLESS.fullmatch(line) else SPECIAL.sub(r"\\\g<0>", SEARCHED.sub(BREAK, line))


def code(text: str) -> str:
    """A text of one line in letters of equal width, as it is; a backtick, which would end it, becomes a similar sign."""
    return "`" + text.replace("`", "ˋ").replace(":material/", ":\u2060material/") + "`"


def failure(error: object) -> None:
    """Show an error, or its sentence. It may quote anything from outside, so nothing in it is Markdown."""
    st.error(plain(error), icon=":material/error:")


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
    rows = [list(map(plain, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join([first, *(cell.replace(' ', chr(0xA0)) for cell in rest)])} |" for first, *rest in rows)


def _cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value))
