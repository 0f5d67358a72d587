"""The page of confusions with tiny classifiers, its texts and its drawn tables."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from models.names.network import after_each_letter
from tests.models.names.tiny_names import save_tiny_namer, tiny_namer
from tests.pages import app

ABSENT = {"corpus": "names18", "sha256": "none"}


def save_classifiers(folder: Path) -> None:
    """Five tiny classifiers, one of them of names that are not here."""
    for cell in ("gru", "lstm", "rnn", "linear"):
        save_tiny_namer(folder / f"names-{cell}.safetensors", cell=cell)
    save_tiny_namer(folder / "names18-gru.safetensors", data=ABSENT)


def open_page(**query: str) -> AppTest:
    return app.open_page("confusions", **query)


def text_of(page: AppTest) -> str:
    """All text of the page."""
    return " ".join(part.value for part in (*page.markdown, *page.caption)).replace("\\", "")


def drawn(page: AppTest, fields: set[str]):
    """The first table with these fields that a chart of the page was given."""
    for chart in page.main.get("vega_lite_chart"):
        for dataset in chart.proto.datasets:
            frame = pa.ipc.open_stream(dataset.data.data).read_pandas()
            if fields <= set(frame.columns):
                return frame
    raise AssertionError(f"no chart holds {fields}")


def given_to_the_network(text: str) -> list[str]:
    """The row of the 1 in each vector that the recurrent layer of the tiny classifier really gets."""
    loaded, inputs = tiny_namer(), []
    module: Any = loaded.module
    with module.rnn.register_forward_pre_hook(lambda module, args: inputs.append(args[0][0])):
        after_each_letter(loaded, text[:100])
    assert (inputs[0].sum(1) == 1).all() and (inputs[0].max(1).values == 1).all()
    names = {" ": "space", "-": "hyphen"}
    return [names.get(token, token) for token in (str(loaded.vocab.tokens[row]) for row in inputs[0].argmax(1))]
