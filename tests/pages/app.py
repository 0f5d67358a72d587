"""A page in process: opened with a query of its own, sound, and with nothing remembered of another test."""

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from pages._captions import compute
from pages._ui import networks
from pages._ui.cache import shared_cache

ROOT = Path(__file__).parents[2]


def open_page(name: str, **query: str) -> AppTest:
    """A page; what a visitor sees first unless the query says otherwise. Parameters of the query go without the page's name."""
    page = AppTest.from_file(str(ROOT / f"pages/{name}.py"), default_timeout=120)
    for key, value in query.items():
        page.query_params[f"{name}.{key}"] = value
    return page.run()


def sound(page: AppTest) -> AppTest:
    """The page, without an exception or an error on it; a test that asks nothing else is called test_smoke_."""
    assert not page.exception, [e.value for e in page.exception]
    assert not page.error, [e.value for e in page.error]
    return page


def forget() -> None:
    """Forget every network and answer; what was read from lists and folders stays."""
    st.cache_data.clear()
    networks.loaded.clear()
    shared_cache.clear()
    compute._eye.clear()
