"""Nothing from outside is Markdown: one marked string in every link, card field, vocabulary, label and file name, sought on every page."""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from pages._captions import gallery, mistakes
from pages._captions import state as captions_state
from pages._confusions import state as confusions_state
from pages._ui.link import packed
from pages._ui.text import code, plain
from tests.models.tiny import save_tiny
from tests.pages import marks
from tests.pages.app import ROOT, open_page
from tests.pages.marks import FILE, MARK, PIECES, unescaped

pytestmark = pytest.mark.usefixtures("opened", "without_lists")
LINKS = [row["address"] for row in json.loads((ROOT / "tests/pages/links.json").read_text())["addresses"]]
PAGES = ("hidden_states", "attention", "captions", "confusions", "gradient_flow", "one_step", "glossary")
DOORS = (".panel", ".view", ".part")  # parameters that open a part of a page
TEXT = packed(f"{MARK} {MARK}")
PLACES: list[str] = []  # where the mark stands in the networks


def save_networks(folder: Path) -> None:
    PLACES[:] = marks.save_networks(folder)


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    """Few scenes are captioned."""
    monkeypatch.setattr(mistakes, "CAPTIONED", 2)


def parameters(page: str) -> set[str]:
    """What a link of a page can hold beside its doors."""
    known = {name for address in LINKS for name in parse_qs(urlsplit(address).query)}
    return {name.removeprefix(f"{page}.") for name in known if name.startswith(f"{page}.") and not name.endswith(DOORS)}


def text_alone(page: AppTest) -> AppTest:
    """The page, which shows the mark as nothing but text."""
    assert not page.exception, [error.value for error in page.exception]
    assert unescaped(page) == []
    return page


def doors(page: AppTest) -> Iterator[tuple[str, str]]:
    """The parts that a page offers, each with the key that opens it."""
    for group in page.main.get("button_group"):
        if (group.key or "").endswith(DOORS):
            yield from ((group.key, option.content) for option in group.proto.options)


def walk(page: AppTest) -> set[tuple[str, str]]:
    """Open every part of a page in turn; returns those that were opened."""
    todo, done = list(doors(text_alone(page))), set()
    while todo:
        door = todo.pop()
        page.session_state[door[0]] = door[1]
        text_alone(page.run())
        done.add(door)
        todo += [other for other in doors(page) if other not in done and other not in todo]
    return done


@given(st.text(st.sampled_from("\\`*_{}[]()#+-.!|<>~$:&;=^@/ abmw1\n\t\"'")))
def test_a_text_that_is_plain_comes_out_of_markdown_as_it_went_in(text: str):
    shown = re.sub(r"\s+", " ", f"x{text}x")
    wanted = f"<p>{escape(shown, quote=False)}</p>\n".replace('"', "&quot;")
    assert MarkdownIt("js-default").render(plain(f"x{text}x")).replace("\u2060", "") == wanted


def test_the_mark_is_unescaped_until_it_is_plain():
    assert all(piece in MARK for piece in PIECES)
    assert not any(piece in text for text in (plain(MARK), marks.CODE.sub("", code(MARK))) for piece in PIECES)


@pytest.mark.parametrize("name", PAGES)
def test_the_mark_in_every_parameter_and_every_field_of_a_card_is_text(name: str):
    link = dict.fromkeys(parameters(name), MARK)
    walk(open_page(name, **link | ({"text": TEXT} if "text" in link else {})))


def test_a_damaged_text_of_a_link_is_text():
    for name in ("hidden_states", "attention", "gradient_flow"):
        page = text_alone(open_page(name, text=MARK))
        assert "damaged" in page.error[0].value


VALID = [
    ("hidden_states", {"panel": "This unit", "unit.silence": "true", "cursor": "3", "text": TEXT}),
    ("hidden_states", {"panel": "Find a unit", "find.way": "a regular expression", "find.pattern": f"{MARK}("}),
    ("hidden_states", {"panel": "Compare", "compare.way": "another text", "compare.text": MARK}),
    ("hidden_states", {"unit": "3", "weights": MARK}),
    ("attention", {"text": TEXT, "edits": "0l0.1w265", "row": "1", "units": "pieces"}),
    ("attention", {"edits": "0l0", "panel": "Step through", "steps.step": "30"}),
    ("attention", {"text": packed("a b"), "panel": "Replace a word", "replace.word": "1", "replace.by": MARK}),
    ("captions", {"hidden": "17.18.31", "word": "1"}),
    ("captions", {"picture": "photo:cat", "hidden": "17.18.31", "panel": "All words"}),
    ("one_step", {"view": "LSTM and GRU, a real unit", "text": TEXT, "at": "0", "hold": "held at 1"}),
]


@pytest.mark.parametrize(("name", "link"), VALID, ids=[f"{name} {' '.join(link)}" for name, link in VALID])
def test_the_mark_in_a_view_that_a_link_asks_for_is_text(name: str, link: dict[str, str]):
    text_alone(open_page(name, **link))


def test_a_cell_of_marked_labels_and_names_of_ones_own_are_text():
    page = open_page("confusions", text=f"a{MARK}", panel="Your own names")
    page.text_area(key="confusions.own.paste").set_value(f"name,language,{MARK}\n{MARK},{MARK}0\n{MARK},{MARK}\n17,{MARK}1\n")
    page.button(key="FormSubmitter:confusions.own.form-Classify these").click().run()
    assert text_alone(page).selectbox(key=confusions_state.PART).value == "your own names"
    page.session_state[confusions_state.CELL] = (f"{MARK}0", f"{MARK}1")
    text_alone(page.run())
    page.text_area(key="confusions.own.paste").set_value(f"{MARK},{MARK}\n")
    text_alone(page.button(key="FormSubmitter:confusions.own.form-Classify these").click().run())


def bring(page: AppTest, key: str, content: bytes, ending: str) -> str:
    """Upload a file whose name holds the mark; returns the error that the page shows."""
    text_alone(page.file_uploader(key=key).set_value((f"{FILE}.{ending}", content, "")).run())
    return " ".join(error.value for error in page.error)


def test_the_name_of_an_uploaded_file_is_text(tmp_path: Path):
    name = plain(FILE)[:40]
    page = open_page("hidden_states", panel="Export and link")
    assert name in bring(page, "hidden_states.export.upload", b"[1]", "json")
    page.session_state["hidden_states.panel"] = "Your own network"
    assert name in bring(page.run(), "hidden_states.own.file", b"PK", "safetensors")
    loaded = save_tiny(tmp_path / "mine.safetensors")
    assert bring(page, "hidden_states.own.file", (tmp_path / "mine.safetensors").read_bytes(), "safetensors") == "", loaded.name
    assert name in bring(open_page("confusions", panel="Your own names"), "confusions.own.file", b"\xff\xfe\x00", "csv")
    page = open_page("captions")
    page.segmented_control(key=captions_state.SOURCE).set_value(gallery.OWN).run()
    assert name in bring(page, captions_state.FILE, b"GIF", "png")


def test_a_typed_answer_is_text():
    page = open_page("one_step", lesson="1")
    answers = [field for field in page.text_input if ".answer." in field.key] or [field for field in page.radio if ".answer." in field.key]
    assert answers
    if hasattr(answers[0], "input"):
        text_alone(answers[0].input(MARK).run())


def test_the_networks_hold_the_mark_everywhere():
    assert len(PLACES) > 250 and len(set(PLACES)) > 150
