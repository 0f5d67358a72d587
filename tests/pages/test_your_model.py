"""The page "Your model": a checkpoint of any kind leads to the rooms that show it; what is none gets a sentence."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages._ui import uploads
from pages._your_model import opening
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.test_bare_weights import saved
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages.app import as_read, open_page, sound

KINDS = {
    "hidden_states": save_tiny,
    "attention": save_tiny_translator,
    "captions": save_tiny_scenes,
    "confusions": save_tiny_namer,
}


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(uploads, "_folder", lambda: tmp_path / "kept")


def uploaded(content: bytes) -> AppTest:
    page = sound(open_page("your_model"))
    return page.file_uploader(key=opening.FILE).set_value(("mine.safetensors", content, "application/octet-stream")).run()


@pytest.mark.parametrize("room", KINDS)
def test_a_checkpoint_is_opened_in_the_room_that_shows_its_kind(room: str, tmp_path: Path):
    file = tmp_path / "mine.safetensors"
    KINDS[room](file)
    (said,) = sound(uploaded(file.read_bytes())).success
    links = re.findall(r"\[\*\*[^]]+\*\*\]\(\./([^)]+)\)", said.value)
    assert [urlsplit(link).path for link in links] == [room]
    name = parse_qs(urlsplit(links[0]).query)[f"{room}.model"][0]
    page = sound(open_page(room, model=name))
    assert page.selectbox(key=f"{room}.model").value == name


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x08" + b"\0" * 7 + b"{}      "])
def test_what_is_no_checkpoint_gets_a_sentence_and_changes_nothing(content: bytes):
    page = uploaded(content)
    (said,) = page.error
    assert as_read(said).endswith("Nothing was changed.") and "mine.safetensors" in as_read(said) and not page.success


def test_an_error_goes_with_its_file(tmp_path: Path):
    """The visitor brings a wrong file, a good one in a room, and comes back: the field is empty, and so is what is below it."""
    page = uploaded(b"no checkpoint")
    page.session_state[opening.FILE] = None
    assert not page.run().error
    save_tiny(tmp_path / "mine.safetensors")
    room = open_page("hidden_states", panel="Your own network")
    room.session_state["hidden_states.own.error"] = "of an upload whose run was ended before it was drawn"
    good = ("mine.safetensors", (tmp_path / "mine.safetensors").read_bytes(), "application/octet-stream")
    assert not room.file_uploader(key="hidden_states.own.file").set_value(good).run().error


def test_weights_without_a_card_get_code_that_records_them():
    page = uploaded(saved(torch.nn.LSTM(4, 8, num_layers=2)))
    assert "without a card" in as_read(page.error[0])
    assert any("an LSTM with 2 layers of 8 units that reads 4 numbers per step" in part.value for part in page.markdown)
    assert "torch.nn.LSTM(4, 8, num_layers=2)" in page.code[0].value and "'mine.safetensors'" in page.code[0].value
    page = page.file_uploader(key=opening.FILE).set_value(("x.safetensors", b"", "application/octet-stream")).run()
    assert len(page.code) == 1 and "is empty" in as_read(page.error[0])  # the code for any module stays
