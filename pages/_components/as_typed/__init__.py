"""A text box that tells its text while it is typed. Streamlit's own tells it at Enter or when it is left."""

from pathlib import Path

from streamlit.components.v2 import component


def send_as_typed(key: str) -> None:
    """Let a text box of the page tell its text a moment after each letter.

    Args:
        key: Of the `st.text_input`. Set its value only where it is another than the box has: what was typed meanwhile is lost else.
    """
    script = (Path(__file__).parent / "view.js").read_text(encoding="utf-8")
    # Registered with the server that runs; registering the same again changes nothing.
    component("as_typed", js=script)(key=f"{key}.as_typed", data={"box": f".st-key-{key.replace('.', '-')}"}, height=0)
