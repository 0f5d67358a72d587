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
    at = f".st-key-{key}"
    css = f"{at} {{ min-height: {wide}px; }} {at} > :first-child {{ display: none; }}"
    css += f"@media (max-width: 640px) {{ {at} {{ min-height: {narrow}px; }} }}"
    place = st.container(key=key, **options)
    place.html(f"<style>{css}</style><i></i>")  # more than a style, and inside: a container with nothing in it is not on the page
    return place
