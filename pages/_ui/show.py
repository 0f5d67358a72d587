"""Figures on a page: drawn with their text alternative, saved as a picture or as data."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from explorer.figures import export
from explorer.figures.export import is_still

WIDE = 1150  # pixels of a page in a window of 1,280
Data = pd.DataFrame | Callable[[], pd.DataFrame] | None
_KEPT: dict[int, dict[str, Any]] = {}  # specifications by the identity of the figures, as long as they live


def is_dark() -> bool:
    """Whether the visitor uses the dark theme."""
    return st.context.theme.type == "dark"


# Where the browser supports it, the fade at a cut edge follows the scrolling; a figure that fits has no fade.
# \3c is a "<", for which Streamlit would drop the whole sheet.
SCROLLING = """<style>
@property --cut-left { syntax: "\\3c length>"; inherits: false; initial-value: 0px; }
@property --cut-right { syntax: "\\3c length>"; inherits: false; initial-value: 0px; }
@keyframes cut { from { --cut-left: 0px; --cut-right: 40px; } to { --cut-left: 40px; --cut-right: 0px; } }
[class*="st-key-scrolling-"] {
  overflow-x: auto; animation: cut linear both; animation-timeline: scroll(self inline);
  mask-image: linear-gradient(to right, transparent, #000 var(--cut-left), #000 calc(100% - var(--cut-right)), transparent);
}
</style>"""


@contextmanager
def scrolling(name: str, from_end: bool = False) -> Iterator[None]:
    """A frame for a figure that may be wider than the page: the figure scrolls inside it, the page does not.

    Args:
        name: Its key, unlike any other.
        from_end: Whether a figure that is wider opens at its right end, see pages/_components/accessible/view.js.
    """
    with st.container(key=f"scrolling-{'end-' if from_end else ''}{name}"):
        yield
        st.html(SCROLLING)


def specification(figure: Any) -> dict[str, Any]:
    """What is sent of an Altair figure, made once; a figure must not change afterwards."""
    if id(figure) not in _KEPT:
        _KEPT[id(figure)] = export.with_packed_data(figure, convert_anything_to_arrow_bytes)
        weakref.finalize(figure, _KEPT.pop, id(figure), None)
    return _KEPT[id(figure)]


def show(figure: Any, key: str, name: str, data: Data = None, pick: str | None = None, stretch: bool = False) -> dict | None:
    """Draw an Altair figure with a Save menu: SVG, PNG, PDF, HTML and its data as CSV, each made when clicked.

    Args:
        figure: What to draw; its description is the text alternative.
        key: Of the figure, `page.thing`.
        name: Name of the files.
        data: Content of the CSV, or what makes it when the button is clicked.
        pick: Name of a selection in the figure; its first selected point is returned.
        stretch: Whether it fills the width; figures of several panels, or with labels outside, keep their own.
    """
    picked = draw(figure, key, pick, stretch)
    save(figure, key, name, data, stretch)
    return picked


def draw(figure: Any, key: str, pick: str | None = None, stretch: bool = False) -> dict | None:
    """Draw an Altair figure without the Save menu, for several that are saved as one. Arguments as for `show`."""
    options = {"key": key, "theme": None, "width": "stretch" if stretch else "content"}
    if pick is None:
        st.vega_lite_chart(spec=specification(figure), **options)
        return None
    event: Any = st.vega_lite_chart(spec=specification(figure), on_select="rerun", selection_mode=[pick], **options)
    points = event["selection"].get(pick) or []
    return points[0] if points else None


def draw_to_click(figure: Any, key: str, pick: str, act: Callable[[dict], None]) -> None:
    """Draw an Altair figure that reacts to clicks: `act(point)` is called before the page runs again.

    Args:
        figure, key: As `show`.
        pick: Name of a point selection in the figure.
        act: Gets the fields of the point that was clicked.
    """

    def clicked() -> None:
        if points := st.session_state[key]["selection"].get(pick):
            act(points[0])

    spec = specification(figure)
    st.vega_lite_chart(spec=spec, key=key, theme=None, width="content", on_select=clicked, selection_mode=[pick])


def draw_surface(figure: Any, key: str) -> None:
    """Draw a Plotly figure that can be rotated; its sentence is the text alternative."""
    config = {"displayModeBar": False, "scrollZoom": False}  # the wheel belongs to the page
    st.plotly_chart(figure, key=key, theme=None, config=config, alt=export.alt_text(figure))


def save(figure: Any, key: str, name: str, data: Data = None, stretch: bool = False) -> None:
    """The Save menu of a figure, or of a list of figures that are saved as one; one that can be rotated is saved only as HTML.

    A function that makes an Altair figure is called only when something is saved. Arguments otherwise as for `show`.
    """
    kinds = kinds_of(figure if isinstance(figure, list) else [figure], stretch)
    if data is not None:
        kinds.append(("CSV", lambda: (data() if callable(data) else data).to_csv(index=False), "text/csv"))
    save_menu(kinds, key, name)


def save_menu(kinds: Sequence[tuple[str, Callable[[], str | bytes], str]], key: str, name: str) -> None:
    """A menu of files, whose buttons are made when it is opened: made at every run, they would cost more than the figure.

    Args:
        kinds: Label, what makes it, type of each file.
        key: Of what is saved.
        name: Name of the files.
    """
    with st.popover("Save", icon=":material/download:", key=f"{key}.save", on_change="rerun") as menu:
        for label, make, mime in kinds if menu.open else ():
            st.download_button(label, make, f"{name}.{label.lower()}", mime, key=f"{key}.{label}", on_click="ignore", width="stretch")


def kinds_of(figures: list[Any], stretch: bool) -> list[tuple[str, Callable[[], str | bytes], str]]:
    """What figures can be saved as: name, what makes it, type of the file."""
    makes = [("SVG", export.to_svg, "image/svg+xml"), ("PNG", export.to_png, "image/png"), ("PDF", export.to_pdf, "application/pdf")]
    is_drawn = all(callable(figure) or is_still(figure) for figure in figures)
    makes = [*(makes if is_drawn else []), ("HTML", export.to_html, "text/html")]
    return [(label, partial(_made, make, figures, stretch), mime) for label, make, mime in makes]


def _made(make: Callable[..., str | bytes], figures: list[Any], stretch: bool) -> str | bytes:
    drawn = (figure() if callable(figure) else figure for figure in figures)
    return make(*(export.as_drawn(figure, WIDE if stretch else None) for figure in drawn))
