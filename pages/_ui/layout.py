"""Controls that fold into one button on a narrow screen."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

# The server cannot know the width, so both are sent and the style sheet hides one.
STYLE = """<style>
@media (max-width: 640px) {{ .st-key-{page}-folded {{ display: none; }} }}
@media (min-width: 641px) {{ .st-key-{page}-change {{ display: none; }} }}
</style>"""


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
    st.html(STYLE.format(page=page))


def _fold(page: str) -> None:
    st.session_state[f"{page}.open"] = not st.session_state[f"{page}.open"]
