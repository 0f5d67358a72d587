"""What is pressed or typed into is at least 44 pixels high where a finger does it, and lies on nothing that is read."""

import streamlit as st

STYLE = """<style>
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


def touchable() -> None:
    """Make room for fingers, on every page."""
    st.html(STYLE)
