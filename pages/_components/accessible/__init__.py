"""Component that gives Streamlit's own parts of a page what a keyboard and a screen reader need."""

from pathlib import Path

from streamlit.components.v2 import component


def make_accessible() -> None:
    """Blocks of code can be scrolled by keyboard, boxes for files are no decoration, headings of tables have a name.

    And a figure that is read from its end opens there.
    """
    script = (Path(__file__).parent / "view.js").read_text(encoding="utf-8")
    # Registered with the running server; registering it again changes nothing.
    component("accessible", js=script)(key="accessible", height=0)
