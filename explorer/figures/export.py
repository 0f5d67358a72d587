"""Export of a figure as SVG, PNG, PDF or a self-contained HTML page, and its text alternative."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import altair as alt
import vl_convert
from altair.utils import schemapi

from explorer.errors import ExplorerError
from explorer.figures.theme import sentence_of

_SETTINGS = threading.Lock()  # how Altair hands on data is one setting for all threads
MARGIN, WIDEST = 12, 1400  # pixels around each figure of a picture, and of a row of several


def is_still(figure: Any) -> bool:
    """Whether a figure can become a still picture without a browser: Altair's can, Plotly's cannot."""
    return isinstance(figure, alt.TopLevelMixin)


def to_svg(*figures: Any) -> str:
    """Altair figures as SVG; several as one picture, from left to right and then in the next row.

    Raises:
        ExplorerError: one is no Altair figure.
    """
    drawn = [vl_convert.vegalite_to_svg(specification(figure), allowed_base_urls=[]) for figure in figures]  # type: ignore[union-attr]
    if len(drawn) == 1:
        return drawn[0]
    ground = figures[0].background
    return _together(drawn, ground if isinstance(ground, str) else "none")


def to_png(*figures: Any, scale: float = 2.0) -> bytes:
    """Altair figures as PNG, `scale` pixels for each of the screen's.

    Raises:
        ExplorerError: one is no Altair figure.
    """
    return svg_to_png(to_svg(*figures), scale)


def to_pdf(*figures: Any) -> bytes:
    """Altair figures as PDF.

    Raises:
        ExplorerError: one is no Altair figure.
    """
    return svg_to_pdf(to_svg(*figures))


def svg_to_png(svg: str, scale: float = 2.0) -> bytes:
    """Any SVG as PNG, for figures that are no Altair charts."""
    return vl_convert.svg_to_png(svg, scale=scale)


def svg_to_pdf(svg: str) -> bytes:
    """Any SVG as a PDF of one page of its size; letters stay letters."""
    return vl_convert.svg_to_pdf(svg)


def to_html(*figures: Any) -> str:
    """A whole page that draws a figure without a network: the library is inside. Altair and Plotly figures; several of Altair as a picture.

    Raises:
        ExplorerError: it is neither.
    """
    figure = figures[0]
    if len(figures) > 1:
        says = " ".join(map(alt_text, figures))
        head = f'<meta charset="utf-8"><style>body{{background:{figure.background}}}svg{{max-width:100%;height:auto}}</style>'
        picture = to_svg(*figures).replace("<svg ", f'<svg role="img" aria-label="{escape(says)}" ', 1)
        return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{picture}</body></html>'
    if isinstance(figure, alt.TopLevelMixin):
        return _page(specification(figure))
    if hasattr(figure, "to_html"):
        return figure.to_html(include_plotlyjs=True, full_html=True)
    raise ExplorerError(f"A {type(figure).__name__} is no figure; expected one of Altair or Plotly.")


def _page(spec: dict[str, Any]) -> str:
    """A page that draws a specification; a text in it such as "</script>" stays a text."""
    mark = hashlib.sha256(json.dumps(spec).encode()).hexdigest()
    # vl-convert writes the strings of a specification into a script as they are; \u003c is a "<" in a string of JavaScript.
    return vl_convert.vegalite_to_html(_over_strings(spec, lambda text: text.replace("<", mark)), bundle=True).replace(mark, "\\u003c")


def _over_strings(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its strings changed, names too."""
    if isinstance(value, dict):
        return {change(key): _over_strings(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_over_strings(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def _together(svgs: Sequence[str], ground: str) -> str:
    """Pictures in rows, with a margin in the colour of the ground."""
    parts, (x, y), (width, row) = [], (MARGIN, MARGIN), (0.0, 0.0)
    for svg in svgs:
        across, down = (float(side) for side in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
        if x > MARGIN and x + across > WIDEST:
            (x, y), row = (MARGIN, y + row + MARGIN), 0.0
        parts.append(with_own_names(svg).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" ', 1))
        x, row = x + across + MARGIN, max(row, down)
        width = max(width, x)
    box = f'width="{width:g}" height="{y + row + MARGIN:g}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {y + row + MARGIN:g}" {box}>'
    return f'{start}<rect {box} fill="{ground}"/>{"".join(parts)}</svg>'


def with_own_names(svg: str) -> str:
    """An SVG whose ids no other figure of the same page has: two of one name would take each other's colours."""
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    return re.sub(r'\bid="|url\(#|href="#', lambda match: f"{match.group()}{prefix}-", svg)


def alt_text(figure: Any) -> str:
    """One sentence that says what a figure shows, for `alt=` and screen readers; empty where it has none.

    Each figure writes its own from its numbers; a Plotly figure keeps it as `layout.meta`.
    """
    if isinstance(figure, alt.TopLevelMixin):
        return sentence_of(figure)
    sentence = getattr(getattr(figure, "layout", None), "meta", "")
    return sentence if isinstance(sentence, str) else ""


def specification(figure: Any) -> dict[str, Any]:
    """The Vega-Lite of an Altair figure, with all its data: Altair itself refuses more than 5,000 rows.

    It is not checked against the schema of Vega-Lite a second time: Altair checked each part when the figure was built, or its tests did.

    Raises:
        ExplorerError: it is no Altair figure.
    """
    with _SETTINGS, alt.data_transformers.enable("default", max_rows=None):
        return _altair(figure).to_dict(validate=False)


class _Unchecked:
    """How many threads build figures without checks, and what Altair's switch was before the first of them."""

    lock, inside, before = threading.Lock(), 0, True


@contextmanager
def unchecked() -> Iterator[None]:
    """While this lasts, Altair does not check each part of a figure against its schema, which takes a third of the time of building one.

    The tests of the figures do that. Altair's switch is one for the whole process: the first thread in turns it off, the last one out
    turns it on again.
    """
    with _Unchecked.lock:
        _Unchecked.inside += 1
        if _Unchecked.inside == 1:
            _Unchecked.before, schemapi.DEBUG_MODE = schemapi.DEBUG_MODE, False
    try:
        yield
    finally:
        with _Unchecked.lock:
            _Unchecked.inside -= 1
            if _Unchecked.inside == 0:
                schemapi.DEBUG_MODE = _Unchecked.before


def with_packed_data(figure: Any, pack: Callable[[Any], bytes]) -> dict[str, Any]:
    """The Vega-Lite of an Altair figure, with each of its tables packed once, under a name made of its content.

    It is not checked against the schema of Vega-Lite, which takes longer than all the rest: the tests of the figures do that.

    Args:
        figure: The figure.
        pack: Makes bytes of a table.

    Raises:
        ExplorerError: it is no Altair figure.
    """
    tables: dict[str, bytes] = {}

    def keep(table: Any) -> dict[str, str]:
        packed = pack(table)
        name = hashlib.sha256(packed).hexdigest()[:16]
        tables[name] = packed
        return {"name": name}

    with _SETTINGS:
        alt.data_transformers.register("packed", keep)
        with alt.data_transformers.enable("packed"), alt.theme.enable("none"):
            return _altair(figure).to_dict(validate=False) | {"datasets": tables}


def _altair(figure: Any) -> alt.TopLevelMixin:
    if not isinstance(figure, alt.TopLevelMixin):
        raise ExplorerError(f"A {type(figure).__name__} cannot be drawn without a browser; take to_html.")
    return figure


def as_drawn(figure: Any, width: int | None = None) -> Any:
    """A figure with the sizes that it has on a page: Streamlit fits labels and legends into the width and height that it is given.

    Args:
        figure: An Altair figure; any other is left as it is.
        width: Of the page, for a figure that fills it.
    """
    if not is_still(figure):
        return figure
    sizes: dict[str, Any] = {"padding": {"left": MARGIN, "right": MARGIN, "top": MARGIN, "bottom": 20}}
    if figure.autosize is alt.Undefined:
        sizes["autosize"] = {"type": "fit", "contains": "padding"}
        own = {name: getattr(figure, name, None) for name in ("width", "height")}  # Streamlit's own padding is at the bottom alone
        sizes |= {name: side + room for (name, side), room in zip(own.items(), (2 * MARGIN, MARGIN), strict=True) if isinstance(side, int)}
    return figure.properties(**sizes | ({} if width is None else {"width": width}))
