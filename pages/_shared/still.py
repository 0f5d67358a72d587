"""A place on the page that keeps its height, so that what stands below it stays under the pointer."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def still(key: str, wide: int, narrow: int, **options: Any) -> DeltaGenerator:
    """A container at least so high, whatever stands in it: a sentence that comes late or grows longer moves nothing.

    Args:
        key: Of the container, without points.
        wide, narrow: Least height on a wide screen and on a narrow one, pixels.
        options: As for `st.container`.
    """
    css = f".st-key-{key} {{ min-height: {wide}px; }} @media (max-width: 640px) {{ .st-key-{key} {{ min-height: {narrow}px; }} }}"
    st.html(f"<style>{css}</style>")
    return st.container(key=key, **options)
