"""What is pressed or typed into is at least 44 pixels high where a finger does it."""

import streamlit as st

STYLE = """<style>
@media (max-width: 640px), (pointer: coarse) {
  [data-testid=stMain] :is(button, summary):is([data-testid^=stBaseButton], [data-testid=stPopoverButton], [data-baseweb=tab], summary),
  [data-testid=stMain] :is([data-testid=stTextInputRootElement], [data-testid=stNumberInputContainer], [data-baseweb=select] > div) {
    min-height: 44px;
  }
}
</style>"""


def touchable() -> None:
    """Make room for fingers, on every page."""
    st.html(STYLE)
