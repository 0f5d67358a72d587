"""The page of attention, opened on one sentence with tiny translators, and its texts and drawn matrix."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from models.translation.translate import GREEDY, translate
from pages._ui.cache import forget_shared
from pages._ui.link import packed
from tests.models.translation.tiny_translation import save_tiny_translator, tiny_translator
from tests.pages import app
from tests.pages.app import sound

TEXT = "the red cat sees two dog."


def translators(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Path]:
    """A folder with three tiny translators, and nothing cached from another folder."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(folder))
    for name, attention in (("en-fr-additive", "additive"), ("en-fr-none", "none"), ("en-fr-uniform", "uniform")):
        save_tiny_translator(folder / f"{name}.safetensors", attention=attention)
    forget_everything()
    yield folder
    forget_everything()


def forget_everything() -> None:
    """Empty every cache."""
    st.cache_data.clear()
    st.cache_resource.clear()
    forget_shared()


def open_page(**query: str) -> AppTest:
    return app.open_page("attention", **query)


def reading(**query: str) -> AppTest:
    return sound(open_page(text=packed(TEXT), **query))


def text_of(page: AppTest) -> str:
    """All text of the page."""
    return " ".join(part.value for part in page.markdown)


def says_before(page: AppTest) -> bool:
    """Whether the page shows what was written before the visitor's edits, and after them."""
    is_shown = any(caption.value.startswith("before: ") for caption in page.caption)
    assert is_shown == page.markdown[1].value.startswith("after: ")
    return is_shown


def own(attention: str = "additive"):
    """The tiny network's own translation, without a page."""
    loaded = tiny_translator(attention)
    return loaded, translate(loaded.module, loaded.vocab, TEXT, GREEDY)


def matrix_of(page: AppTest) -> np.ndarray:
    """Weights of the drawn matrix, [out, in]."""
    chart = next(chart for chart in page.main.get("vega_lite_chart") if '"cell"' in chart.proto.spec)
    frame = pa.ipc.open_stream(chart.proto.datasets[0].data.data).read_pandas()
    return frame["weight"].to_numpy().reshape(1 + frame["row"].max(), -1)
