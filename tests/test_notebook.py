"""docs/first-tour.ipynb runs from the first cell to the last, and its output cells hold the figures; as a program it stores what they show.

`python -m tests.test_notebook` runs the notebook and writes it back with its outputs: needed when a cell or a figure has changed.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

from explorer.figures.notebook import VEGA_LITE

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "docs" / "first-tour.ipynb"
SVG, TEXT = "image/svg+xml", "text/plain"


def read() -> nbformat.NotebookNode:
    return nbformat.read(TOUR, as_version=4)


@cache
def executed() -> nbformat.NotebookNode:
    """The notebook as a fresh kernel of this Python runs it, on one thread."""
    tour, resources = read(), {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(tour, timeout=120, kernel_name="python3", resources=resources, record_timing=False)
    return client.execute(env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})


def outputs(tour: nbformat.NotebookNode) -> list[tuple[str, list[Any]]]:
    """Source and outputs of each code cell."""
    return [(cell.source, cell.outputs) for cell in tour.cells if cell.cell_type == "code"]


def kinds(tour: nbformat.NotebookNode) -> list[list[list[str]]]:
    """Of each output of each code cell its name, or the mimetypes that it offers."""
    return [[sorted(one.get("data", {one.get("name", ""): ""})) for one in cell] for _, cell in outputs(tour)]


def output_of(source: str) -> dict[str, Any]:
    """What the cell that ends with this line displays."""
    displayed = [cell for code, cell in outputs(executed()) if code.endswith(source)]
    assert len(displayed) == 1, source
    return displayed[0][-1]["data"]


def printed() -> str:
    return "".join(one["text"] for _, cell in outputs(executed()) for one in cell if one.get("name") == "stdout")


def rows(spec: dict[str, Any], *fields: str) -> list[dict]:
    """The first data set of a chart that has all of these fields."""
    return next(rows for rows in spec["datasets"].values() if rows and set(fields) <= set(rows[0]))


@pytest.fixture(scope="module", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory):
    """Neither the settings of whoever runs the tests are read, nor anything is left in their home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


def test_every_cell_runs_and_the_stored_outputs_are_of_this_notebook():
    fresh, stored = executed(), read()
    assert [one for _, cell in outputs(fresh) for one in cell if one.output_type == "error" or one.get("name") == "stderr"] == []
    assert kinds(stored) == kinds(fresh), "run python -m tests.test_notebook"
    figures = [data for cell in kinds(fresh) for data in cell if SVG in data]
    assert len(figures) == 9 and sum(VEGA_LITE in data for data in figures) == 6


def test_a_trace_prints_as_three_lines():
    first, second, third = printed().split("\nTrace of ")[1].splitlines()[:3]
    assert first.startswith("'lstm', an LSTM: 1 layer of 6 units over 400 tokens, '")
    assert second == "hidden [400, 1, 6], cell [400, 1, 6] = [time, layer, unit]; gates input, forget, candidate, output"
    assert third.startswith("Next: explorer.show(trace) draws it")


def test_the_model_learnt_a_unit_tracks_brackets_and_interventions_show():
    accuracies = {what: float(value) for what, value in re.findall(r"^(.+): accuracy ([\d.]+)", printed(), flags=re.MULTILINE)}
    assert accuracies["unchanged"] > 0.97 and accuracies["all forget gates at 0"] < 0.8
    assert min(accuracies[f"unit {unit} at 0"] for unit in range(6)) < 0.95
    assert re.search(r"^Unit \d tracks it", printed(), flags=re.MULTILINE)


@pytest.mark.parametrize("source", ["explorer.show(trace, window=(0, 160))", 'explorer.show(trace, "forget", unit=best, window=(0, 160))'])
def test_a_text_is_a_picture_of_its_characters_and_all_units(source: str):
    data = output_of(source)
    drawing = ElementTree.fromstring(data[SVG])
    tags = [element.tag.rpartition("}")[2] for element in drawing.iter()]
    assert tags.count("text") >= 160 and tags.count("image") == 2
    assert data[TEXT].startswith("lstm, layer 1, tokens 0 to 159 of 400: 160 characters of text and a map of 6 units")


def test_words_attention_and_confusions():
    words = output_of("explorer.show(recording.trace(words))")
    assert "11 words of text" in words[TEXT] and ">lighthouse</text>" in words[SVG]
    weights = {row["source"]: row["weight"] for row in rows(output_of("explorer.show(alignment)")[VEGA_LITE], "source", "weight")}
    assert max(weights, key=lambda word: weights[word]) == "lighthouse"
    matrix = output_of("confusion(labels.numpy(), answers.numpy(), LABELS)")
    assert matrix[TEXT].startswith("Confusion matrix of 3 classes:") and matrix[TEXT].count("\n") == 2
    assert sum(row["count"] for row in rows(matrix[VEGA_LITE], "true", "predicted", "count")) == 300


def test_gradients_and_numbers():
    flow = output_of("explorer.show(flow)")
    strip = rows(flow[VEGA_LITE], "fill0", "lag")
    assert len(strip) == 60 and flow[SVG].startswith("<svg")
    series = output_of("explorer.show(recording.trace(series))")
    assert len(rows(series[VEGA_LITE], "step", "value")) == 240 and "240 steps" in series[TEXT]


if __name__ == "__main__":
    nbformat.write(executed(), TOUR)
