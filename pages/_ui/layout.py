"""How a page lies on the screen: opened through app.py, room for fingers, controls that fold, containers that keep their height."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

TOUCH = """<style>
@media (max-width: 640px), (pointer: coarse) {
  [data-testid=stMain] :is(
    [data-testid^=stBaseButton]:not([data-testid$=Toolbar]), [data-testid=stPopoverButton], [data-testid=stButtonGroup] button,
    [data-testid=stExpander] summary, [data-testid=stTextInputRootElement], [data-testid=stNumberInputContainer],
    [data-testid=stSelectbox] div:has(> input)
  ) { min-height: 44px; }
}
/* Where nothing hovers a table's tools always stand above it, 44 pixels high, 16 of which are the gap between elements. */
@media (hover: none) { [data-testid=stElementContainer]:has([data-testid=stDataFrame]) { padding-top: 28px; } }
</style>"""
# The server cannot know the width, so both are sent and the style sheet hides one.
FOLDING = """<style>
@media (max-width: 640px) {{ .st-key-{page}-folded {{ display: none; }} }}
@media (min-width: 641px) {{ .st-key-{page}-change {{ display: none; }} }}
</style>"""


def through_app() -> None:
    """Run app.py instead, where a page was opened without it.

    Until `st.navigation` has been called once in a server, Streamlit takes a folder called pages for an app of its older
    kind, and opens a linked page alone: in a narrow column, beside a list of file names.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def touchable() -> None:
    """Make what is pressed or typed into at least 44 pixels high where a finger does it, on every page."""
    st.html(TOUCH)


@contextmanager
def folding(page: str) -> Iterator[None]:
    """A row of widgets that a screen of 640 pixels or less hides behind a button "Change".

    Args:
        page: What the keys of the page's widgets begin with.
    """
    is_open = st.session_state.setdefault(f"{page}.open", False)
    st.button("Change", key=f"{page}.change", icon=":material/tune:", on_click=_fold, args=(page,))
    key = f"{page}.{'open' if is_open else 'folded'}"
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small", width="content"):
        yield
    st.html(FOLDING.format(page=page))


def _fold(page: str) -> None:
    st.session_state[f"{page}.open"] = not st.session_state[f"{page}.open"]


def still(key: str, wide: int, narrow: int, **options: Any) -> DeltaGenerator:
    """A container with a least height: a sentence that comes late or grows longer moves nothing below it.

    Args:
        key: Of the container, without points.
        wide, narrow: Least height on a wide screen and on a narrow one, pixels.
        options: As for `st.container`.
    """
    at = f".st-key-{key}"
    css = f"{at} {{ min-height: {wide}px; }} {at} > :first-child {{ display: none; }}"
    css += f"@media (max-width: 640px) {{ {at} {{ min-height: {narrow}px; }} }}"
    frame = st.container(key=key, **options)
    frame.html(f"<style>{css}</style><i></i>")  # more than a style, and inside: a container with nothing in it is not on the page
    return frame
