"""explorer.show: each kind of record with nothing else said, characters, words and numbers, what is refused, what a notebook is given."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import explorer
from explorer.errors import AnalysisError, ExplorerError, FigureError
from explorer.figures import notebook
from explorer.figures.scales import GROUND
from explorer.figures.states import StateFigure
from tests.explorer.figures.facts import says
from tests.explorer.figures.figure_examples import ALIGNED, COUNTED, REGIONS, SCORED, planted
from tests.explorer.traces import gru_trace, lstm_trace, rnn_trace

ROOT = Path(__file__).parent.parent.parent.parent
TRACE = lstm_trace(time=30, units=4)
WORDS = replace(lstm_trace(time=6, units=4), tokens=("the", "lighthouse", "guides", "ships", "at", "night"))
SERIES = replace(gru_trace(time=6, units=4), tokens=("0.25", "-1", "2", "0.5", "0.125", "3"), source="gru")
STEPS = replace(SERIES, tokens=tuple(str(step) for step in range(5, 11)))
NORMS = np.array([[-4.0, -3.0], [-2.0, -1.5], [-1.0, 0.0]])
FLOW = explorer.GradientFlow(("the", "old", "harbour"), NORMS, None, NORMS, 2, "rnn")
RECORDS = [TRACE, WORDS, SERIES, STEPS, rnn_trace(), ALIGNED, REGIONS, FLOW, replace(FLOW, loss_at=None), COUNTED, planted(), SCORED]
VECTOR = "{http://www.w3.org/2000/svg}"


def chart(record, **choices) -> dict:
    """The Vega-Lite of a record's figure."""
    return explorer.show(record, **choices)._repr_mimebundle_()[notebook.VEGA_LITE]


def datasets(spec: dict) -> list[list[dict]]:
    return list(spec["datasets"].values())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@pytest.mark.parametrize("dark", [False, True])
def test_a_record_alone_is_drawn_and_displays_itself(record, dark: bool):
    bundle, own = explorer.show(record, dark=dark)._repr_mimebundle_(), record._repr_mimebundle_()
    assert {"text/plain", "image/svg+xml"} <= set(bundle) == set(own)
    for given in (bundle, own):
        assert ElementTree.fromstring(given["image/svg+xml"]).tag == f"{VECTOR}svg"
    assert own["text/plain"] == str(record) and len(bundle["text/plain"]) > 40
    ground = GROUND[dark]
    assert f'fill="{ground}"' in bundle["image/svg+xml"], "readable on a page of any colour"


def test_a_trace_shows_its_last_layer_and_the_unit_that_varies_most():
    figure = explorer.show(TRACE).drawn
    assert isinstance(figure, StateFigure) and TRACE.cell is not None
    values = np.tanh(TRACE.cell[:, 1])
    np.testing.assert_array_equal(figure.values, values)
    assert figure.unit == values.var(0).argmax() and figure.quantity == "tanh(cell)" and figure.order_name == "longest memory first"
    other = explorer.show(TRACE, "forget", layer=0, unit=3, window=(10, 15)).drawn
    np.testing.assert_array_equal(other.values, TRACE.gates["forget"][10:15, 0])
    assert (other.unit, other.start, other.tokens) == (3, 10, TRACE.tokens[10:15])
    assert other.title == "trace, layer 1, tokens 10 to 14 of 30"


def test_a_long_trace_shows_its_beginning():
    figure = explorer.show(rnn_trace(time=2_500)).drawn
    assert len(figure.tokens) == 2_000 and figure.title.endswith("tokens 0 to 1,999 of 2,500")


def test_words_stand_at_their_width():
    drawing = ElementTree.fromstring(explorer.show(WORDS).to_svg())
    lengths = {text.text: text.get("textLength") for text in drawing.iter(f"{VECTOR}text")}
    assert (lengths["lighthouse"], lengths["at"]) == ("100", "20")


def test_numbers_are_lines_above_the_map():
    spec = chart(SERIES, unit=2)
    series, line = ([row["value"] for row in rows] for rows in datasets(spec) if rows and set(rows[0]) == {"step", "value"})
    assert series == [0.25, -1, 2, 0.5, 0.125, 3]
    np.testing.assert_allclose(line, SERIES.hidden[:, 0, 2], rtol=1e-6)
    assert len(spec["vconcat"]) == 3 and "data:image/png;base64," in json.dumps(spec)
    assert len(chart(STEPS)["vconcat"]) == 2, "tokens that only count the steps are no series"
    pairs = replace(SERIES, tokens=tuple(f"{step} {10 * step}" for step in range(6)))
    first, second, _ = ([row["value"] for row in rows] for rows in datasets(chart(pairs)) if rows and set(rows[0]) == {"step", "value"})
    assert len(chart(pairs)["vconcat"]) == 4 and (first, second) == ([0, 1, 2, 3, 4, 5], [0, 10, 20, 30, 40, 50])
    assert chart(SERIES, window=(2, 5))["vconcat"][-1]["layer"][1]["encoding"]["x"]["scale"]["domain"] == [1.5, 4.5]


def test_gates_of_one_unit():
    spec = chart(TRACE, what="gates", unit=1, layer=0)
    gates = {row["series"] for rows in datasets(spec) for row in rows if row.get("series")}
    assert {"input", "forget", "candidate", "output", "kept", "written", "shown"} <= gates
    assert says(spec["description"], "1", "0", "29")


def test_a_gradient_has_a_line_for_each_layer_and_its_tokens_below():
    spec = chart(FLOW)
    values = {(row["series"], row["lag"]): row["value"] for rows in datasets(spec) for row in rows if "share" in row}
    assert values == {("layer 1", lag): -lag for lag in (0, 1)} | {("layer 1", 2): -3, ("layer 2", 0): 0, ("layer 2", 1): -1.5} | {
        ("layer 2", 2): -3
    }
    strip = next(rows for rows in datasets(spec) if rows and "fill0" in rows[0])
    assert [(row["character"], row["lag"]) for row in strip] == [("the", 2), ("old", 1), ("harbour", 0)]
    assert '"gradient to hidden"' in json.dumps(chart(FLOW, what="hidden", layer=0))
    backwards = replace(FLOW, loss_at=0, source="rnn[reverse]", state_log10=NORMS[::-1])
    strip = next(rows for rows in datasets(chart(backwards)) if rows and "fill0" in rows[0])
    assert [(row["character"], row["lag"]) for row in strip] == [("harbour", 2), ("old", 1), ("the", 0)]


def test_maps_of_regions_without_their_image():
    spec = chart(REGIONS)
    assert [panel["title"] for panel in spec["concat"]] == ["dog", "grass"] and says(spec["description"], "dog", "0", "2")
    assert "concat" not in chart(REGIONS, what="matrix")


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            lambda: explorer.show(TRACE, "reset"),
            "what is 'reset'; expected one of tanh(cell), cell, hidden, input, forget, candidate, outp",
        ),
        (lambda: explorer.show(TRACE, unit=4), "unit is 4; expected 0 to 3: layer=1 has 4 units."),
        (lambda: explorer.show(TRACE, layer=2), "There is no layer 2; this record has 2 layers, 0 to 1."),
        (lambda: explorer.show(TRACE, window=(5, 31)), "window is (5, 31); expected 0 <= first < last <= 30, the number of tokens."),
        (lambda: explorer.show(lstm_trace(time=0)), "The trace is empty: there is nothing to draw."),
        (lambda: explorer.show(ALIGNED, unit=3), "unit is 3, which does not apply to Alignment: it takes what and dark."),
        (lambda: explorer.show(planted(), "r"), "what is 'r', which does not apply to Ranking: it takes dark."),
        (lambda: explorer.show(FLOW, "cell"), "what is 'cell'; expected one of state, hidden."),
        (lambda: explorer.show(FLOW, layer=2), "layer is 2; expected 0 to 1."),
        (
            lambda: explorer.show(TRACE).save("figure.gif"),
            "A figure cannot be saved as 'figure.gif'; the name must end in .svg, .png, .pdf, .html",
        ),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(act, sentence: str):
    with pytest.raises((FigureError, AnalysisError), match="^" + re.escape(sentence)):
        act()


def test_a_record_that_cannot_be_drawn_displays_its_three_lines():
    empty = lstm_trace(time=0)
    assert empty._repr_mimebundle_() == {"text/plain": str(empty)}


def test_a_figure_is_saved_in_three_formats(tmp_path: Path):
    for record in (TRACE, ALIGNED):
        for ending, start in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".html", b"<!")):
            explorer.show(record).save(tmp_path / f"figure{ending}")
            assert (tmp_path / f"figure{ending}").read_bytes().lstrip().lower().startswith(start.lower())


def test_two_figures_of_one_page_share_no_name():
    def names(svg: str) -> set[str]:
        own, used = set(re.findall(r'\bid="([^"]+)"', svg)), set(re.findall(r"url\(#([^)]+)\)", svg))
        assert used and used <= own, "every reference has its target"
        return own

    figures = [explorer.show(record) for record in (ALIGNED, replace(ALIGNED, weights=ALIGNED.weights[:, ::-1]))]
    # A library numbers the names of one process; a page may show figures of several, so each figure puts its own word before them.
    words = [{name.split("-")[0] for name in names(figure._repr_mimebundle_()["image/svg+xml"])} for figure in figures]
    assert [len(own) for own in words] == [1, 1] and words[0] != words[1]
    assert all(re.fullmatch("f[0-9a-f]{8}", word) for own in words for word in own)


def test_a_record_is_drawn_in_another_way():
    assert explorer.show(ALIGNED, "lines").drawn.to_dict()["description"].startswith("Lines from source words to target words")
    assert chart(COUNTED, what="share") == chart(COUNTED) != chart(COUNTED, what="count")


PROGRAM = """
import sys
{before}
import explorer
import numpy as np
show = explorer.show
print([name for name in ("torch", "altair", "pandas", "plotly", "vl_convert") if sys.modules.get(name)])
alignment = explorer.Alignment(("a", "b"), ("c",), np.array([[0.5, 0.5]]))
print(list(alignment._repr_mimebundle_()))
for record in ([1, 2], alignment):
    try:
        print(show(record))
    except explorer.ExplorerError as error:
        print(error)
"""


@pytest.mark.parametrize("library", ["", "altair", "pandas", "vl_convert"])
def test_what_draws_is_imported_when_it_draws_and_a_sentence_says_what_to_install(library: str):
    before = f"sys.modules[{library!r}] = None" if library else ""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(before=before)], cwd=ROOT, capture_output=True, text=True, check=False)
    loaded, displayed, refused, shown = done.stdout.splitlines() or [done.stderr] * 4
    assert loaded == "[]"
    assert (
        refused == "explorer.show was given a list; expected one of Trace, Alignment, GradientFlow, ConfusionMatrix, Ranking, Attribution."
    )
    if library:
        assert displayed == "['text/plain']"
        assert shown == f'explorer.show draws with {library}, which is not installed. Install it: pip install "recurrent-explorer[figures]"'
    else:
        assert displayed == f"['text/plain', 'image/svg+xml', '{notebook.VEGA_LITE}']" and "0.50" in shown


def test_a_figure_describes_itself():
    assert str(explorer.show(WORDS)).startswith("trace, layer 2: 6 words of text") and repr(explorer.show(COUNTED)).startswith(
        "<Figure: Conf"
    )
    assert issubclass(FigureError, ExplorerError)
