"""Component that shows nothing: Back undoes one gesture, charts survive a change of the address and follow a change of colours."""

from pathlib import Path

from streamlit.components.v2 import component

KEY = "address"


def watch_address() -> None:
    """Keep one entry of the browser's history for each gesture; run the page again when its theme changes, which draws its figures anew."""
    script = (Path(__file__).parent / "view.js").read_text(encoding="utf-8").replace("export function", "function")
    # Registered with the running server; registering it again changes nothing.
    component("address", js=script)(key=KEY, height=0, on_recoloured_change=lambda: None)
