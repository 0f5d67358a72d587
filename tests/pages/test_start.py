"""The start page: its line, its three doors, the rooms and the map of the lectures, and where old links to "/" lead."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import models
from pages._start import line, ways
from pages._start.lectures import lectures
from tests.pages.app import ROOT, forget, open_page, sound

COLD = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("pages/start.py", default_timeout=120).run()
assert not page.exception and not page.error and not page.info
assert any(part.type == "bidi_component" and part.proto.WhichOneof("data") == "bytes" for part in page.main)
sys.exit("torch" in sys.modules)
"""
FOLDER_OF_PICTURES = 300_000  # bytes


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)


def figures(page: AppTest) -> list[bytes]:
    """What the page draws its line from."""
    parts = [part for part in page.main if part.type == "bidi_component"]
    return [part.proto.bytes for part in parts if part.proto.WhichOneof("data") == "bytes"]


def links(html: str) -> list[str]:
    return re.findall(r"href='([^']*)'", html)


def test_the_first_line_is_what_the_network_computes():
    computed, kept = line.measured(line.FIRST, models.available()[line.NETWORK]), line.kept()
    again = "make it anew: python -m tests.browser.start_page first_line"
    assert computed is not None and set(computed) == set(kept), again
    for name in ("values", "next_p", "bits"):
        assert np.allclose(computed[name], kept[name], atol=2e-3), again
    assert {name: kept[name] for name in ("card", "text", "sign")} == {name: computed[name] for name in ("card", "text", "sign")}, again
    assert [row[0] for row in kept["next_tokens"]] == [row[0] for row in computed["next_tokens"]], again


def test_the_neuron_is_on_inside_the_address_and_off_before_it_and_soon_after():
    on = line.kept()["sign"] * np.array(line.kept()["values"]) > 0
    start, stop = line.FIRST.index("://") + 1, line.FIRST.index(" to find")
    assert on[start:stop].all() and not on[: line.FIRST.index("://") - 2].any() and not on[stop + 10 :].any()


def test_the_first_line_is_drawn_without_torch():
    assert subprocess.run([sys.executable, "-c", COLD], cwd=ROOT, check=False).returncode == 0


def test_a_typed_line_is_read_by_the_network():
    page = sound(open_page("start"))
    before = figures(page)
    typed = line.FIRST.replace("http://", "")
    page.text_input(key=line.KEY).set_value(typed).run()
    read = line.measured(typed, models.available()[line.NETWORK])
    assert read is not None and figures(sound(page)) != before
    assert line.figure(read).to_bytes() == figures(page)[0][16:]
    assert not (read["sign"] * np.array(read["values"]) > 0)[: typed.index("/")].any()  # www alone does not begin an address
    page.text_input(key=line.KEY).set_value("  ").run()
    assert figures(sound(page)) == before


def test_without_its_network_the_page_says_so_and_keeps_its_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    page = open_page("start")
    forget()
    assert line.NETWORK in page.info[0].value and len(page.get("html")) == 3


def test_a_network_of_the_same_name_without_the_neuron_draws_nothing_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tests.models.tiny import save_tiny

    save_tiny(tmp_path / f"{line.NETWORK}.safetensors")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    page = open_page("start")
    forget()
    assert "names no neuron" in page.info[0].value and not figures(page)


def test_every_link_of_the_page_leads_to_a_page():
    page = sound(open_page("start"))
    offered = [link for part in page.get("html") for link in links(part.proto.body)]
    pages = {path.stem for path in (ROOT / "pages").glob("[!_]*.py")}
    assert {urlsplit(link).path.removeprefix("./") for link in offered if not link.startswith("#")} <= pages
    assert [link for link in offered if link.startswith("#")] == [f"#{ways.ANCHOR}"] and page.header[-1].proto.anchor == ways.ANCHOR
    assert {room.name for room in ways.ROOMS} <= {urlsplit(link).path.removeprefix("./") for link in offered}


def test_the_map_holds_each_topic_once():
    names = [topic.name for lecture in lectures() for topic in lecture.topics]
    assert len(set(names)) == len(names) >= 40 and all(topic.shows for lecture in lectures() for topic in lecture.topics)
    assert links(ways.lecture_map()).__len__() == len(names)


def test_each_room_has_its_pictures_and_all_are_small():
    files = list(ways.PICTURES.iterdir())
    assert {path.name for path in files} == {f"{room.name}-{scheme}.webp" for room in ways.ROOMS for scheme in ("light", "dark")}
    assert sum(path.stat().st_size for path in files) < FOLDER_OF_PICTURES
    assert ways.rooms(is_dark=True) != ways.rooms(is_dark=False)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "Recurrent networks, opened"),
        ("utm_source=mail", "Recurrent networks, opened"),
        ("start.line=A+[[link]]", "Recurrent networks, opened"),
        ("hidden_states.unit=3", "What does each neuron remember?"),
        ("hidden_states.panel=Your+own+network", "What does each neuron remember?"),
    ],
)
def test_an_old_link_to_the_first_page_opens_hidden_states(query: str, title: str):
    app: Any = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    asked = {key: values[0] for key, values in parse_qs(query).items()}
    app.query_params.update(asked)
    app.run()
    assert sound(app).title[0].value == title
    assert {key: [value] for key, value in asked.items()} == {key: np.atleast_1d(app.query_params[key]).tolist() for key in asked}
