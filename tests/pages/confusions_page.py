"""The page of confusions with tiny classifiers, its texts and its drawn tables."""

from pathlib import Path

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from tests.models.names.tiny_names import save_tiny_namer
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
