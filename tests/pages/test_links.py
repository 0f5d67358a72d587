"""Old links: addresses that the pages wrote before the move into folders, and broken ones, each opening the view that it opened then.

The table was written by the pages as they were. A view is what identifies it: widgets, link, and numbers of charts, tables and
components; not its sentences, which may be worded anew.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from altair.utils.schemapi import debug_mode
from streamlit.testing.v1 import AppTest

from tests.pages.app import ROOT, forget
from tests.pages.on_screen import is_like, view_of

TABLE = json.loads((Path(__file__).parent / "links.json").read_text(encoding="utf-8"))
ROWS = TABLE["addresses"]


def files() -> dict[str, str]:
    """The file of each page by its path in an address, as app.py lists them; the default page has the path "/"."""
    calls = [node for node in ast.walk(ast.parse((ROOT / "app.py").read_text())) if isinstance(node, ast.Call)]
    pages = [call for call in calls if ast.unparse(call.func) == "st.Page"]
    paths = ["" if any(word.arg == "default" for word in page.keywords) else Path(page.args[0].value).stem for page in pages]
    return {f"/{path}": page.args[0].value for path, page in zip(paths, pages, strict=True)}


def asked(address: str) -> dict[str, Any]:
    """The parameters of an address; a list where one stands there several times."""
    given = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return {key: values if len(values) > 1 else values[0] for key, values in given.items()}


def opened(address: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / files()[urlsplit(address).path]), default_timeout=120)
    page.query_params.update(asked(address))
    return page.run()


@pytest.fixture(scope="module", autouse=True)
def shipped() -> Iterator[None]:
    """The networks of the project. That figures fit the schema of charts is checked elsewhere: here it would cost a third of the time."""
    with pytest.MonkeyPatch.context() as patch, debug_mode(False):
        patch.delenv("EXPLORER_CHECKPOINTS", raising=False)
        forget()
        yield
        forget()


@pytest.mark.parametrize("row", ROWS, ids=[row["about"] for row in ROWS])
def test_an_old_link_opens_the_view_that_it_opened(row: dict[str, Any]):
    view, opens = view_of(opened(row["address"])), TABLE["opens"][urlsplit(row["address"]).path]
    gone = row.get("gone", [])
    widgets = {key: value for key, value in (opens["widgets"] | row.get("widgets", {})).items() if key not in gone}
    assert {key: view["widgets"].get(key, "is not on the page") for key in widgets} == widgets
    assert not set(gone) & set(view["widgets"])
    link = {key: value for key, value in view["link"].items() if not key.endswith(".weights")}  # came later: see test_earlier.py
    assert link == row.get("link", asked(row["address"]))
    assert view["says"] == row.get("says", {})
    wanted = row.get("columns", opens["columns"])
    assert not [column for column in wanted if not any(is_like(column, other) for other in view["columns"])]


def test_the_table_has_addresses_of_every_page():
    paths = [urlsplit(row["address"]).path for row in ROWS]
    assert len(paths) >= 45 and set(paths) == set(files()) and all(paths.count(path) >= 7 for path in files())
