"""Every public figure of Altair: valid, told, on both grounds, exported; what no example reaches fails the walk."""

import importlib
import inspect
import pkgutil

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import explorer.figures
from explorer.errors import ExplorerError
from explorer.figures.export import alt_text, svg_to_png, to_html, to_png, to_svg
from explorer.figures.theme import DARK_KINDS, KINDS, kind_of, kind_style, spread
from tests.explorer.figures.figure_examples import EXAMPLES


def public_figures() -> set[str]:
    """Public functions of explorer.figures that give an Altair chart."""
    names = set()
    for module in pkgutil.iter_modules(explorer.figures.__path__):
        for name, function in inspect.getmembers(importlib.import_module(f"explorer.figures.{module.name}"), inspect.isfunction):
            here = function.__module__ == f"explorer.figures.{module.name}" and not name.startswith("_")
            if here and function.__annotations__.get("return") is alt.TopLevelMixin and name != "themed":
                names.add(f"{module.name}.{name}")
    return names


def test_the_walk_reaches_every_figure():
    assert public_figures() == set(EXAMPLES)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_is_valid_told_and_exported(name: str, dark: bool):
    figure = EXAMPLES[name](dark)
    spec = figure.to_dict()
    assert spec["background"] == "transparent"
    assert spec["config"]["axis"]["labelColor"] == ("#e6e6ea" if dark else "#31333f")
    assert alt_text(figure) == spec["description"] and alt_text(figure).endswith(".") and len(alt_text(figure)) > 40
    assert to_svg(figure).startswith("<svg")
    if not dark:
        assert to_png(figure, 1.0)[:8] == b"\x89PNG\r\n\x1a\n"


# theme, labels, export


def test_kinds_are_told_from_names():
    assert [kind_of(n) for n in ("wiki-lstm", "wiki-gru", "wiki-rnn", "5-gram", "mine")] == ["lstm", "gru", "rnn", "n-gram", "lstm"]
    assert kind_style("wiki-gru") == ("#009e73", [2, 2]) and kind_style("wiki-gru", dark=True)[0] == DARK_KINDS["gru"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize(("ground", "colours"), [("#ffffff", [c for c, _ in KINDS.values()]), ("#1e1e24", list(DARK_KINDS.values()))])
def test_lines_stand_out_from_their_ground(ground: str, colours: list):
    for colour in colours:
        light, dim = sorted((luminance(ground), luminance(colour)), reverse=True)
        assert (light + 0.05) / (dim + 0.05) >= 3, f"{colour} on {ground}"


def test_labels_are_spread_and_keep_their_order():
    assert spread([0.0, 5.0], 1.0) == [0, 5]
    placed = spread([1.0, 1.0, 0.9, 4.0], 1.0)
    assert np.diff(sorted(placed)).min() >= 1 - 1e-6
    assert np.argsort(placed, kind="stable").tolist() == [2, 0, 1, 3]


def test_html_is_whole_and_offline():
    page = to_html(EXAMPLES["unit.histogram"](False))
    assert page.lstrip().startswith("<!DOCTYPE html>") and len(page) > 400_000
    assert 'src="http' not in page and "import(" not in page.split("<body")[0]
    plotly = to_html(go.Figure(go.Scatter(x=[1], y=[2]), layout={"meta": "One point at 1, 2."}))
    assert len(plotly) > 1_000_000 and 'src="http' not in plotly
    assert alt_text(go.Figure(layout={"meta": "One point at 1, 2."})) == "One point at 1, 2." and alt_text(go.Figure()) == ""


def test_more_rows_than_altair_takes_are_exported():
    chart = alt.Chart(pd.DataFrame({"x": range(6000)})).mark_tick().encode(x="x:Q")
    assert to_svg(chart).startswith("<svg")
    with pytest.raises(alt.MaxRowsError):  # others that use Altair keep its limit
        chart.to_dict()


def test_export_refuses_what_is_no_figure():
    for export in (to_svg, to_png):
        with pytest.raises(ExplorerError, match="A Figure cannot be drawn without a browser"):
            export(go.Figure())
    with pytest.raises(ExplorerError, match="A str is no figure"):
        to_html("x")
    assert svg_to_png("<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>")[:4] == b"\x89PNG"
