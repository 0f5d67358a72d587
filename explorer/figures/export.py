"""Export of a figure as SVG, PNG, PDF or a self-contained HTML page, and its text alternative."""

from typing import Any

import altair as alt
import vl_convert

from explorer.errors import ExplorerError
from explorer.figures.theme import sentence_of


def is_still(figure: Any) -> bool:
    """Whether a figure can become a still picture without a browser: Altair's can, Plotly's cannot."""
    return isinstance(figure, alt.TopLevelMixin)


def to_svg(figure: Any) -> str:
    """An Altair figure as SVG.

    Raises:
        ExplorerError: it is no Altair figure.
    """
    return vl_convert.vegalite_to_svg(specification(figure), allowed_base_urls=[])  # type: ignore[union-attr]


def to_png(figure: Any, scale: float = 2.0) -> bytes:
    """An Altair figure as PNG, `scale` pixels for each of the screen's.

    Raises:
        ExplorerError: it is no Altair figure.
    """
    return vl_convert.vegalite_to_png(specification(figure), scale=scale, allowed_base_urls=[])  # type: ignore[union-attr]


def svg_to_png(svg: str, scale: float = 2.0) -> bytes:
    """Any SVG as PNG, for figures that are no Altair charts."""
    return vl_convert.svg_to_png(svg, scale=scale)


def svg_to_pdf(svg: str) -> bytes:
    """Any SVG as a PDF of one page of its size; letters stay letters."""
    return vl_convert.svg_to_pdf(svg)


def to_html(figure: Any) -> str:
    """A whole page that draws the figure without a network: the library is inside. Altair and Plotly figures.

    Raises:
        ExplorerError: it is neither.
    """
    if isinstance(figure, alt.TopLevelMixin):
        return vl_convert.vegalite_to_html(specification(figure), bundle=True)
    if hasattr(figure, "to_html"):
        return figure.to_html(include_plotlyjs=True, full_html=True)
    raise ExplorerError(f"A {type(figure).__name__} is no figure; expected one of Altair or Plotly.")


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

    Raises:
        ExplorerError: it is no Altair figure.
    """
    with alt.data_transformers.enable("default", max_rows=None):
        return _altair(figure).to_dict()


def _altair(figure: Any) -> alt.TopLevelMixin:
    if not isinstance(figure, alt.TopLevelMixin):
        raise ExplorerError(f"A {type(figure).__name__} cannot be drawn without a browser; take to_html.")
    return figure
