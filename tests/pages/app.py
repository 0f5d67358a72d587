"""A page in process: opened with its own query, checked for errors, and with nothing cached from another test."""

import re
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from pages._captions import compute
from pages._hidden_states.compute import ngram
from pages._ui import networks
from pages._ui.cache import forget_shared

ROOT = Path(__file__).parents[2]


def open_page(name: str, **query: str) -> AppTest:
    """A page as a visitor opens it, with these parameters in the link; their names go without the page's."""
    page = AppTest.from_file(str(ROOT / f"pages/{name}.py"), default_timeout=120)
    for key, value in query.items():
        page.query_params[f"{name}.{key}"] = value
    return page.run()


def sound(page: AppTest) -> AppTest:
    """The page, without an exception or an error on it; a test that asks nothing else is called test_smoke_."""
    assert not page.exception, [e.value for e in page.exception]
    assert not page.error, [e.value for e in page.error]
    return page


def as_read(part: Any) -> str:
    """What a visitor reads of an element, or of Markdown, that shows everything as it is."""
    return re.sub(r"\\(.)", r"\1", getattr(part, "value", part)).replace("\u2060", "")


def forget() -> None:
    """Forget every network and answer; what was read from lists and folders stays."""
    st.cache_data.clear()
    networks._shipped.clear()
    networks.loaded.clear()
    forget_shared()
    compute._eye.clear()
    ngram.clear()
