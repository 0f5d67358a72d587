"""Every public figure of Altair: valid, told, on both grounds, exported; what no example reaches fails the walk."""

import importlib
import inspect
import io
import itertools
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

import explorer.figures
from explorer.errors import ExplorerError
from explorer.figures.export import alt_text, as_drawn, svg_to_png, to_html, to_pdf, to_png, to_svg, unchecked
from explorer.figures.gradient_decay import Curve, Felt, flow
from explorer.figures.scales import GROUND, css, scale_of
from explorer.figures.states import StateFigure
from explorer.figures.theme import DARK_KINDS, KINDS, kind_of, kind_style, spread, themed
from explorer.figures.unit import histogram
from tests.explorer.figures.figure_examples import EXAMPLES


@pytest.fixture(scope="module", autouse=True)
def checked_once() -> Iterator[None]:
    """Altair checks a whole figure when it is made into a dict, which happens here to all of them, and not each part before as well."""
    with unchecked():
        yield


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
    assert spec["background"] == GROUND[dark], "of the page: letters in the colours of one ground cannot be read on another"
    assert spec["config"]["axis"]["labelColor"] == ("#e6e6ea" if dark else "#31333f")
    assert alt_text(figure) == spec["description"] and alt_text(figure).endswith(".") and len(alt_text(figure)) > 40
    drawn = to_svg(figure)
    assert drawn.startswith("<svg") and nameless(drawn) == []
    if not dark:
        pixels = np.asarray(Image.open(io.BytesIO(to_png(figure, scale=1.0))).convert("RGBA"))
        assert (pixels[..., 3] == 255).all() and pixels[0, 0].tolist() == [255] * 4, "where it is transparent, pale colours become grey"


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_a_line_of_their_colour(dark: bool):
    """A name on a dotted line of its own colour could not be read: under it stands the same name, wider, in the colour of the ground."""
    for name in ("bleu.by_length", "bits.bits", "bracket_gap.gap", "unit.ranking", "training_curve.progress", "generalisation.beyond"):
        figure = EXAMPLES[name](dark)
        groups = re.findall(r'<g class="mark-text role-mark[^>]*>(.*?)</g>', to_svg(figure))
        words = [re.findall(r">([^<>]+)</text>", group) for group in groups]
        is_under = [f'stroke="{GROUND[dark]}"' in group for group in groups]
        assert any(is_under), name
        for below, above, under in zip(words, words[1:], is_under, strict=False):
            assert not under or below == above, name
        assert sum(is_under) * 2 == len(groups), f"{name}: words without a ground of their own"


def test_an_axis_over_tiny_values_has_labels_that_differ():
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 3e-7]})
    drawn = to_svg(themed(alt.Chart(frame).mark_line().encode(x="x:Q", y="y:Q"), "A line."))
    labels = re.findall(r">([^<>]+)</text>", drawn)
    assert "0.0000000" not in labels and len(set(labels)) == len(labels) - 1, "0 stands on both axes"
    assert {"1e-7", "3e-7"} <= set(labels)


def nameless(svg: str) -> list[str]:
    """Marks that are a picture to a screen reader and have no name: those of a layer without rows."""
    pictures = re.findall(r'<g class="mark-[^>]*role="graphics-symbol"[^>]*>', svg)
    return [picture for picture in pictures if "aria-label" not in picture and "aria-hidden" not in picture]


def test_no_figure_has_an_empty_layer():
    assert nameless(to_svg(histogram(np.linspace(-1, 1, 9), "hidden of unit 1"))) == []


def test_a_pale_band_has_the_colour_of_its_line():
    """Drawn without a ground, the band around an orange line was grey."""
    assert "#d55e00" in to_svg(EXAMPLES["gradient_decay.flow"](False))
    picture = Image.open(io.BytesIO(to_png(EXAMPLES["gradient_decay.flow"](False), scale=1.0))).convert("RGB")
    pale = [round(255 + 0.16 * (part - 255)) for part in (0xD5, 0x5E, 0x00)]
    assert (abs(np.asarray(picture, int) - pale).max(2) <= 2).sum() > 1_000


def test_letters_of_a_strip_are_saved_at_the_width_of_a_page():
    """200 characters in 860 pixels have no room for their letters; a page is wider, and so is what is saved of it."""
    felt = Felt(tuple("ab" * 100), np.linspace(-3, 0, 200), None)
    figure = flow([Curve("wiki-lstm", -0.01 * np.arange(200))], felt)
    letters = re.findall(r'font-family="monospace"[^>]*opacity="(\d)"', to_svg(as_drawn(figure, 1150)))
    assert len(letters) == 200 and set(letters) == {"1"}


def test_several_figures_are_saved_as_one_picture():
    names = ("unit.histogram", "jacobian_lab.bounds", "alignment.matrix", "unit.ranking")
    figures = [EXAMPLES[name](True) for name in names]
    alone, joined = [to_svg(figure) for figure in figures], to_svg(*figures)
    drawing = ElementTree.fromstring(joined)
    parts = drawing.findall("{http://www.w3.org/2000/svg}svg")
    boxes = [[float(part.get(name, 0)) for name in ("x", "y", "width", "height")] for part in parts]
    assert len(parts) == 4 and max(x + width for x, _, width, _ in boxes) < 1500
    for (x, y, width, height), (left, top, across, down) in itertools.combinations(boxes, 2):
        assert x + width <= left or left + across <= x or y + height <= top or top + down <= y, "one lies on another"
    kinds = [r"mark-\w+ role-[\w-]+", r">([^<>]+)</text>", r'fill="(#\w{6})"']
    for kind in kinds:  # the ground once for all of them, too
        assert Counter(re.findall(kind, joined)) - Counter(re.findall(kind, "".join(alone))) <= Counter({GROUND[True]: 1})
        assert not Counter(re.findall(kind, "".join(alone))) - Counter(re.findall(kind, joined)) - Counter({GROUND[True]: 9})
    ids = re.findall(r'\bid="([^"]+)"', joined)
    assert len(set(ids)) == len(ids) and to_pdf(*figures).startswith(b"%PDF") and to_html(*figures).count("<svg") == 5


# theme, labels, export


def test_colours_are_written_by_one_function_and_fixed_positions_are_values():
    """For a position given by `alt.value` Altair has to find out the type of the channel, which takes time."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in Path(explorer.figures.__path__[0]).glob("*.py")}
    assert [name for name, source in sources.items() if "02x" in source] == ["scales.py"] and css(np.array([33, 0, 255])) == "#2100ff"
    assert not [name for name, source in sources.items() if re.search(r"\b[xy]2?=alt\.value\(", source)]


def test_kinds_are_told_from_names():
    assert [kind_of(n) for n in ("wiki-lstm", "wiki-gru", "wiki-rnn", "5-gram", "mine")] == ["lstm", "gru", "rnn", "n-gram", "lstm"]
    assert kind_style("wiki-gru") == ("#009e73", [2, 2]) and kind_style("wiki-gru", dark=True)[0] == DARK_KINDS["gru"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_an_untrained_network_is_told_from_every_trained_one_by_its_dashes():
    trained = [dash for _, dash in KINDS.values()]
    for kind in ("RNN", "GRU", "LSTM"):
        colour, dash = kind_style(f"untrained {kind}, forget bias 0")
        assert colour == kind_style(f"wiki-{kind.lower()}")[0] and dash not in trained


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


HOSTILE = "a < b </script><script>alert(1)</script><!--<script><img src=x onerror=alert(1)>"


class Parts(HTMLParser):
    """What a browser makes of a page: how many elements of each kind, and how many comments."""

    def __init__(self, page: str):
        super().__init__()
        self.counts = Counter()
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.counts[tag] += 1

    def handle_comment(self, data) -> None:
        self.counts["comment"] += 1


def page_of(kind: str, text: str) -> str:
    """A figure that holds a text wherever it can, saved as HTML."""
    chart = alt.Chart(pd.DataFrame({"name": [text]})).mark_bar().encode(x=alt.X("name:N", title=text), y="name:N")
    chart = chart.properties(description=text, title=text, background="#ffffff")
    if kind == "plotly":
        return to_html(go.Figure(go.Scatter(x=[text], y=[1], name=text), layout={"meta": text, "title": text}))
    if kind == "states":
        values = np.zeros((len(text), 2), np.float32)
        scale = scale_of("hidden", values)
        return StateFigure(list(text), values, "hidden", 0, np.arange(2), text, scale, title=text).to_html()
    return to_html(chart) if kind == "one" else to_html(chart, chart)


@pytest.mark.parametrize("kind", ["one", "several", "plotly", "states"])
def test_a_text_in_a_saved_page_is_never_markup(kind: str):
    page, plain = (page_of(kind, text) for text in (HOSTILE, "x" * len(HOSTILE)))
    hostile, harmless = Parts(page).counts, Parts(plain).counts
    assert {tag: hostile[tag] for tag in ("script", "img", "comment")} == {tag: harmless[tag] for tag in ("script", "img", "comment")}
    assert "<script>alert(1)" not in page
