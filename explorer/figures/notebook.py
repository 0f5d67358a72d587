"""explorer.show: the figure of a record, which displays itself in a notebook and can be saved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.analysis.attribution import Attribution
from explorer.analysis.ordering import IN_WORDS, order, orders
from explorer.analysis.quantities import check_layer, quantities, quantity, variance
from explorer.analysis.rank import Ranking
from explorer.errors import FigureError
from explorer.figures.characters import columns_of
from explorer.records import Alignment, ConfusionMatrix, GradientFlow, Trace

# The libraries that draw. They are imported inside functions, so that `import explorer` needs none of them.
LIBRARIES = ("altair", "pandas", "vl_convert", "plotly")
INSTALL = 'pip install "recurrent-explorer[figures]"'
LONGEST = 2_000  # tokens that are drawn where no window is given
VEGA_LITE = "application/vnd.vegalite.v6+json"

Record = Trace | Alignment | GradientFlow | ConfusionMatrix | Ranking | Attribution


@dataclass(frozen=True)
class Choice:
    """What to draw of a record: the arguments of `show` after the record."""

    what: str | None = None
    layer: int | None = None
    unit: int | None = None
    window: tuple[int, int] | None = None
    dark: bool = False


def show(
    record: Record,
    what: str | None = None,
    layer: int | None = None,
    unit: int | None = None,
    window: tuple[int, int] | None = None,
    dark: bool = False,
) -> "Figure":
    """Draw a record as the pages of the app draw it. In a notebook the result displays itself; `save` writes it to a file.

    A record alone is enough. The tokens of a Trace decide how it is drawn: characters as coloured text, words at their width,
    the numbers of a time series as lines, each of several inputs on its own scale (tokens such as "0.5 12"). Below them is a map
    of all units.

    Args:
        record: A Trace, Alignment, GradientFlow, ConfusionMatrix, Ranking or Attribution.
        what: Of a Trace: one of its quantities, "tanh(cell)", "cell", "hidden" or a gate such as "forget"; or "gates", all
            gates of one unit. Of an Alignment: "matrix" or "lines". Of a GradientFlow: "state", "hidden" or "cell". Of a
            ConfusionMatrix: "share", "whole share" or "count". None takes the first of these that there is.
        layer: Layer of a Trace, counted from 0, the last if not given; of a GradientFlow, all layers if not given. In the figure
            layers are counted from 1, as on the pages.
        unit: Unit of a Trace, counted from 0. If not given, the one whose values vary most in the window.
        window: First token of a Trace to draw and one past the last. The first 2,000 tokens if not given, of gates 200.
        dark: Whether the figure has a dark background.

    Returns:
        A Figure: put it on the last line of a cell, or call `save("figure.svg")`.

    Raises:
        FigureError: a library that draws is not installed, the value is not a record, or the record cannot be drawn so.
        AnalysisError: the record has no such layer, unit or quantity, or is empty.

    Source: Karpathy, Johnson and Fei-Fei, "Visualizing and Understanding Recurrent Networks", 2015, for the coloured text.
    """
    draw = next((draw for kind, draw in _DRAW.items() if isinstance(record, kind)), None)
    if draw is None:
        known = ", ".join(kind.__name__ for kind in _DRAW)
        raise FigureError(f"explorer.show was given a {type(record).__name__}; expected one of {known}.")
    try:
        from explorer.figures import export  # noqa: F401, for its libraries: the figure is to be saved and displayed

        return Figure(draw(record, Choice(what, layer, unit, window, dark)), dark)
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        raise FigureError(f"explorer.show draws with {error.name}, which is not installed. Install it: {INSTALL}") from None


@dataclass(frozen=True, eq=False, repr=False)
class Figure:
    """A drawn record: displays itself in a notebook, describes itself when printed, and can be saved.

    Args:
        drawn: What explorer.figures made: an Altair chart, to be changed further, or a StateFigure.
        dark: Whether the ground is dark.
    """

    drawn: Any
    dark: bool = False

    def __repr__(self) -> str:
        return f"<Figure: {self}>"

    def __str__(self) -> str:
        from explorer.figures.export import alt_text

        return self.drawn.alt() if hasattr(self.drawn, "to_bytes") else alt_text(self.drawn)

    def to_svg(self) -> str:
        """The figure as SVG, which needs neither a browser nor a network."""
        from explorer.figures.export import to_svg

        return self.drawn.to_svg(dark=self.dark) if hasattr(self.drawn, "to_bytes") else to_svg(self._with_room())

    def save(self, path: str | Path) -> None:
        """Write the figure to a file; the ending decides the format: .svg, .png, .pdf or .html.

        Raises:
            FigureError: another ending.
            OSError: the file cannot be written.
        """
        from explorer.figures.export import svg_to_pdf, svg_to_png, to_html

        path, is_text = Path(path), hasattr(self.drawn, "to_bytes")
        formats: Mapping[str, Callable[[], bytes]] = {
            ".svg": lambda: self.to_svg().encode(),
            ".png": lambda: svg_to_png(self.to_svg()),
            ".pdf": lambda: svg_to_pdf(self.to_svg()),
            ".html": lambda: (self.drawn.to_html(dark=self.dark) if is_text else to_html(self._with_room())).encode(),
        }
        if path.suffix not in formats:
            raise FigureError(f"A figure cannot be saved as '{path.name}'; the name must end in {', '.join(formats)}.")
        path.write_bytes(formats[path.suffix]())

    def _with_room(self) -> Any:
        """The chart with room around it, most at the right: letters are measured in one font and may be drawn in a wider one."""
        return self.drawn.properties(padding={"left": 12, "top": 12, "right": 48, "bottom": 12})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """SVG for every viewer, Vega-Lite with tooltips for those that draw it, and a sentence for those that see no pictures."""
        from explorer.figures.export import specification, with_own_names

        bundle: dict[str, Any] = {"text/plain": str(self), "image/svg+xml": with_own_names(self.to_svg())}
        if not hasattr(self.drawn, "to_bytes"):
            bundle[VEGA_LITE] = specification(self._with_room())
        return bundle


def bundle_of(record: Record) -> dict[str, Any]:
    """What a record displays in a notebook: its figure; its three lines where it cannot be drawn, or nothing that draws is installed."""
    from explorer.errors import ExplorerError

    try:
        return show(record)._repr_mimebundle_() | {"text/plain": str(record)}
    except ExplorerError:
        return {"text/plain": str(record)}


def _refuse(record: Record, choice: Choice, *taken: str) -> None:
    """Refuse arguments that mean nothing for this record."""
    for name in ("what", "layer", "unit", "window"):
        if getattr(choice, name) is not None and name not in taken:
            options = " and ".join((*taken, "dark"))
            raise FigureError(f"{name} is {getattr(choice, name)!r}, which does not apply to {type(record).__name__}: it takes {options}.")


def _one_of(choice: Choice, words: tuple[str, ...]) -> str:
    """What was asked for, the first word if nothing was."""
    if choice.what is not None and choice.what not in words:
        raise FigureError(f"what is {choice.what!r}; expected one of {', '.join(words)}.")
    return choice.what or words[0]


def _window(trace: Trace, window: tuple[int, int] | None, longest: int) -> tuple[int, int]:
    time = len(trace.tokens)
    if not time:
        raise FigureError("The trace is empty: there is nothing to draw.")
    start, stop = window or (0, min(time, longest))
    if not 0 <= start < stop <= time:
        raise FigureError(f"window is ({start}, {stop}); expected 0 <= first < last <= {time}, the number of tokens.")
    return start, stop


def _trace(trace: Trace, choice: Choice) -> Any:
    """Text and map, or lines and map; or the gates of one unit."""
    words = (*quantities(trace), "gates")
    what = _one_of(choice, words)
    layer = trace.hidden.shape[1] - 1 if choice.layer is None else choice.layer
    check_layer(trace, layer)
    start, stop = _window(trace, choice.window, 200 if what == "gates" else LONGEST)
    name = quantities(trace)[0] if what == "gates" else what
    values = quantity(trace, name, layer)
    unit = int(variance(values[start:stop]).argmax()) if choice.unit is None else choice.unit
    if not 0 <= unit < values.shape[1]:
        raise FigureError(f"unit is {unit}; expected 0 to {values.shape[1] - 1}: layer={layer} has {values.shape[1]} units.")
    if what == "gates":
        from explorer.figures.unit import gates_and_ledger

        return gates_and_ledger(trace, layer, unit, (start, stop), choice.dark)
    return _states(trace, layer, name, unit, (start, stop), choice.dark)


def _states(trace: Trace, layer: int, name: str, unit: int, window: tuple[int, int], dark: bool) -> Any:
    from explorer.figures.scales import scale_of
    from explorer.figures.series import over_time
    from explorer.figures.states import StateFigure

    start, stop = window
    values, by = quantity(trace, name, layer), orders(trace)[0]
    part = "" if (start, stop) == (0, len(trace.tokens)) else f", tokens {start:,} to {stop - 1:,} of {len(trace.tokens):,}"
    figure = StateFigure(
        tokens=trace.tokens[start:stop],
        values=values[start:stop],
        quantity=name,
        unit=unit,
        order=order(trace, layer, by, name),
        order_name=IN_WORDS[by],
        scale=scale_of(name, values),
        start=start,
        carried=trace.carried[start:stop],
        title=f"{trace.source or 'trace'}, layer {layer + 1}{part}",
    )
    return figure if figure.inputs is None else over_time(figure, dark)


def _alignment(alignment: Alignment, choice: Choice) -> Any:
    from explorer.figures import alignment as figures
    from explorer.figures.region_maps import maps

    _refuse(alignment, choice, "what")
    words = ("matrix", "lines") if alignment.grid is None else ("maps", "matrix", "lines")
    what = _one_of(choice, words)
    if what == "maps":
        return maps(alignment, choice.dark)
    if what == "lines":
        return figures.lines(alignment, dark=choice.dark)
    chart: Any = figures.matrix(alignment, dark=choice.dark)
    columns = len(alignment.source)
    if columns <= figures.MANY:  # the names stand upright: each column as wide as the longest
        chart = chart.properties(width=max(chart.width, columns * (10 + 7 * max(columns_of(word) for word in alignment.source))))
    return chart


def _flow(flow: GradientFlow, choice: Choice) -> Any:
    """Decay over distance where the loss is at one step, a line for each layer; else the norms along the text."""
    from explorer.analysis.gradients import REVERSE, curve
    from explorer.figures.gradient_decay import Curve, Felt, summed
    from explorer.figures.gradient_decay import flow as decay

    _refuse(flow, choice, "what", "layer")
    what = _one_of(choice, ("state", "hidden", *(() if flow.cell_log10 is None else ("cell",))))
    norms: np.ndarray = getattr(flow, f"{what}_log10")
    layers = range(norms.shape[1]) if choice.layer is None else [choice.layer]
    if not all(0 <= layer < norms.shape[1] for layer in layers):
        raise FigureError(f"layer is {choice.layer}; expected 0 to {norms.shape[1] - 1}.")
    if flow.loss_at is None:
        return summed({f"layer {layer + 1}": norms[:, layer] for layer in layers}, flow.tokens, dark=choice.dark)
    curves = [Curve(f"layer {layer + 1}", curve(flow, layer, what), float(norms[flow.loss_at, layer])) for layer in layers]
    span = slice(flow.loss_at, None) if flow.source.endswith(REVERSE) else slice(flow.loss_at + 1)
    tokens, felt = flow.tokens[span], norms[span, layers[-1]]
    if flow.source.endswith(REVERSE):
        tokens, felt = tokens[::-1], felt[::-1]
    return decay(curves, Felt(tokens, felt, None, f"gradient to {what}"), dark=choice.dark)


def _matrix(matrix: ConfusionMatrix, choice: Choice) -> Any:
    from explorer.analysis.confusion import order as of_classes
    from explorer.figures import confusion

    _refuse(matrix, choice, "what")
    return confusion.matrix(matrix, of_classes(matrix), by=_one_of(choice, confusion.BY), dark=choice.dark)


def _ranking(ranking: Ranking, choice: Choice) -> Any:
    from explorer.figures import unit

    _refuse(ranking, choice)
    return unit.ranking(ranking, dark=choice.dark)


def _attribution(attribution: Attribution, choice: Choice) -> Any:
    from explorer.figures.attribution import row

    _refuse(attribution, choice)
    return row(attribution, dark=choice.dark)


_DRAW: Mapping[type, Callable[[Any, Choice], Any]] = {
    Trace: _trace,
    Alignment: _alignment,
    GradientFlow: _flow,
    ConfusionMatrix: _matrix,
    Ranking: _ranking,
    Attribution: _attribution,
}
