"""Component that sends the text of a text box while it is typed. Streamlit alone sends it at Enter or when the box loses focus."""

from pathlib import Path

from streamlit.components.v2 import component


def send_as_typed(key: str) -> None:
    """Send the text of a text box a moment after each keystroke.

    Args:
        key: Of the `st.text_input`. Set its value only if it differs from the text in the box, or letters typed meanwhile are lost.
    """
    script = (Path(__file__).parent / "view.js").read_text(encoding="utf-8")
    # Registered with the running server; registering it again changes nothing.
    component("as_typed", js=script)(key=f"{key}.as_typed", data={"box": f".st-key-{key.replace('.', '-')}"}, height=0)
