"""Component that shows nothing: Back undoes one gesture and opens whole views, and charts survive a change of the address."""

from pathlib import Path

from streamlit.components.v2 import component

KEY = "address"


def watch_address() -> None:
    """Keep one entry of the browser's history for each gesture, and the colour bars of charts when the address changes."""
    script = (Path(__file__).parent / "view.js").read_text(encoding="utf-8").replace("export function", "function")
    # Registered with the running server; registering it again changes nothing.
    component("address", js=script)(key=KEY, height=0)
