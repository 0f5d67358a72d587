"""Old links: addresses that the pages wrote before the move into folders, and broken ones, each opening the view that it opened then.

The table was written by the pages as they were. A view is what identifies it: widgets, link, and numbers of charts, tables and
components; not its sentences, which may be worded anew.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import streamlit as st
from altair.utils.schemapi import debug_mode
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from pages._start.lectures import Topic, lectures
from pages._ui import show
from pages._ui.glossary import entries
from tests.pages.app import ROOT, forget
from tests.pages.labels import PLAIN, Seen, finds, seen, terms_in
from tests.pages.on_screen import is_like, view_of
from tests.pages.readable import KEY, RAW, unreadable

TABLE = json.loads((Path(__file__).parent / "links.json").read_text(encoding="utf-8"))
ROWS = TABLE["addresses"]
SEEN: dict[str, Seen] = {}  # what was on each page that was opened, by its address
UNSAVED: dict[str, set[str]] = {}  # keys of the figures on it that no Save menu saves
UNREADABLE: dict[str, list[str]] = {}
# The same as another figure, for narrow screens.
TWINS = {"attention.matrix.lines", "one_step.hello.folded"}
TOPICS = [topic for lecture in lectures() for topic in lecture.topics]
PANELS = [  # that neither the table nor the glossary opens
    "/",
    "/attention?attention.panel=Your%20own%20network",
    "/attention?attention.panel=Your%20own%20pairs",
    "/captions?captions.panel=When%20it%20is%20wrong",
    "/captions?captions.panel=Your%20own%20network",
    "/captions?captions.panel=Export%20and%20link",
    "/confusions?confusions.panel=What%20it%20depends%20on",
    "/confusions?confusions.panel=Your%20own%20names",
    "/gradient_flow?gradient_flow.panel=The%20gap",
    "/gradient_flow?gradient_flow.panel=Does%20it%20learn%3F&gradient_flow.learn.part=More%20parameters%3F",
    "/your_model",
]


def files() -> dict[str, str]:
    """The file of each page by its path in an address, as app.py lists them; the default page has the path "/"."""
    calls = [node for node in ast.walk(ast.parse((ROOT / "app.py").read_text())) if isinstance(node, ast.Call)]
    pages = [call for call in calls if ast.unparse(call.func) == "st.Page" and all(word.arg != "visibility" for word in call.keywords)]
    paths = ["" if any(word.arg == "default" for word in page.keywords) else Path(page.args[0].value).stem for page in pages]
    return {f"/{path}": page.args[0].value for path, page in zip(paths, pages, strict=True)}


def asked(address: str) -> dict[str, Any]:
    """The parameters of an address; a list where one stands there several times."""
    given = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return {key: values if len(values) > 1 else values[0] for key, values in given.items()}


def path_of(address: str) -> str:
    """The path of the page that opens: "/" was the address of Hidden states, and still is that of its views."""
    parts = urlsplit(address)
    return "/hidden_states" if parts.path == "/" and parts.query.startswith("hidden_states.") else parts.path


def opened(address: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / files()[path_of(address)]), default_timeout=120)
    page.query_params.update(asked(address))
    drawn, saved, draws, saves = [], [], st.altair_chart, show.kinds_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "altair_chart", lambda figure, key, **more: drawn.append((figure, key)) or draws(figure, key=key, **more))
        patch.setattr(show, "kinds_of", lambda figures, stretch: saved.extend(figures) or saves(figures, stretch))
        SEEN[address] = seen(page.run())
    UNREADABLE[address] = unreadable(page)
    UNSAVED[address] = {key for figure, key in drawn if not any(figure is other for other in saved)}
    return page


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
    agrees(view_of(opened(row["address"])), row)


def agrees(view: dict[str, Any], row: dict[str, Any]) -> None:
    opens = TABLE["opens"][path_of(row["address"])]
    gone = row.get("gone", [])
    widgets = {key: value for key, value in (opens["widgets"] | row.get("widgets", {})).items() if key not in gone}
    assert {key: view["widgets"].get(key, "is not on the page") for key in widgets} == widgets
    assert not set(gone) & set(view["widgets"])
    link = {key: value for key, value in view["link"].items() if not key.endswith(".weights")}  # came later: see test_earlier.py
    assert link == row.get("link", asked(row["address"]))
    assert view["says"] == row.get("says", {})
    wanted = row.get("columns", opens["columns"])
    assert not [column for column in wanted if not any(is_like(column, other) for other in view["columns"])]


@pytest.mark.parametrize("path", sorted(TABLE["opens"]))
def test_back_and_forward_open_what_the_link_opens(path: str, monkeypatch: pytest.MonkeyPatch):
    rows = [row for row in ROWS if path_of(row["address"]) == path and not {"link", "says"} & set(row)]
    page = opened(rows[0]["address"])
    monkeypatch.setattr(local_script_runner, "RerunData", partial(RerunData, is_history_navigation=True))
    for row in [*rows[1:], rows[0]]:
        page.query_params.clear()
        page.query_params.update(asked(row["address"]))
        view = view_of(page.run())
        view["columns"].append([1, 1.0, 1.0])  # the state view counts what is asked of the browser
        agrees(view, row)


def test_the_table_has_addresses_of_every_page():
    paths = [path_of(row["address"]) for row in ROWS]
    pages = set(files()) - {"/", "/your_model"}  # younger than the table
    assert len(paths) >= 45 and set(paths) == pages and all(paths.count(path) >= 7 for path in pages)
    assert sum(urlsplit(row["address"]).path == "/" for row in ROWS) >= 20


@pytest.fixture(scope="module")
def walked(shipped: None) -> dict[str, Seen]:
    """Every panel of every page: the pages that the addresses above have opened, and those that they have not."""
    addresses = (*(row["address"] for row in ROWS), *(entry.see for entry in entries().values()), *PANELS)
    for address in addresses:
        if address not in SEEN:
            opened(address)
    return {address: SEEN[address] for address in addresses if urlsplit(address).path != "/glossary"}


def test_the_walk_opens_every_panel(walked: dict[str, Seen]):
    offered, opened = (
        {(path_of(address), door) for address, page in walked.items() for door in getattr(page, name)} for name in ("doors", "open")
    )
    assert offered - opened == set()


def test_what_is_drawn_is_what_is_saved(walked: dict[str, Seen]):
    """A figure that is made anew for its file, or left out of the file of those beside it, is not what is on screen."""
    unsaved = {address: keys - TWINS for address, keys in UNSAVED.items() if keys - TWINS}
    assert unsaved == {} and len(UNSAVED) > len(ROWS)


def test_tables_and_charts_show_words_and_short_numbers(walked: dict[str, Seen]):
    assert {address: rows for address, rows in UNREADABLE.items() if rows} == {}
    labels = {label for page in walked.values() for label in page.labels}
    assert {label for label in labels if KEY.match(label) or RAW.search(label)} == set()


def test_a_word_on_screen_is_plain_or_has_an_entry(walked: dict[str, Seen]):
    labels = {label for page in walked.values() for label in page.labels}
    assert {word: label for label in sorted(labels) for word in terms_in(label)[1]} == {}


def test_a_term_is_explained_on_the_page_where_it_stands(walked: dict[str, Seen]):
    missing = {
        (address, name): label
        for address, page in walked.items()
        if page.doors  # else there is nothing to show, and the page says why
        for label in page.labels - page.doors
        for name in terms_in(label)[0] - page.explained
    }
    assert missing == {}


def test_a_page_uses_every_entry(walked: dict[str, Seen]):
    assert set(entries()) - {name for page in walked.values() for name in page.explained} == set()


def test_an_entry_links_to_a_view_that_shows_it(walked: dict[str, Seen]):
    for name, entry in entries().items():
        page = walked[entry.see]
        assert page.is_sound and page.link == asked(entry.see), f"{name}: the page does not take the address {entry.see}"
        assert finds(name, *entry.also).search(page.says), f"{name} is not to be seen at {entry.see}"


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
def test_a_topic_of_the_lectures_links_to_a_view_that_shows_it(topic: Topic):
    if topic.see not in SEEN:
        opened(topic.see)
    page = SEEN[topic.see]
    panels = {value for name, value in asked(topic.see).items() if name.endswith((".panel", ".view", ".part"))}
    link = {name: value for name, value in asked(topic.see).items() if not name.endswith(".weights")}
    assert page.is_sound and page.link == link and panels <= page.open
    assert "earlier version" not in page.says, "the unit of this link is of earlier weights"
    assert [words for words in topic.shows if words not in page.says] == []


def test_plain_words_are_used_and_are_no_terms(walked: dict[str, Seen]):
    used = {word.casefold() for page in walked.values() for label in page.labels for word in re.findall(r"(?<!\w)[^\W\d_][\w'’]*", label)}
    assert {word for word in PLAIN if word not in {part.removesuffix("'s") for part in used}} == set()
    assert {word for word in PLAIN if terms_in(word)[0]} == set()
