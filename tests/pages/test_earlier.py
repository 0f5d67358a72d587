"""A link that names a unit says which weights the number belongs to, and the page says where those are no longer the network's."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import earlier, networks
from tests.models.tiny import save_tiny
from tests.pages.app import open_page, sound

PAGES = {"hidden_states": {}, "one_step": {"view": "LSTM and GRU, a real unit"}}


pytestmark = pytest.mark.usefixtures("opened")


def save_networks(folder: Path) -> None:
    save_tiny(folder / "wiki-lstm.safetensors", cell="lstm")


def notices(page: AppTest) -> list[str]:
    return [info.value for info in sound(page).info if "earlier" in info.value]


def weights_in(page: AppTest, name: str) -> str:
    return page.query_params.get(f"{name}.weights", "")


@pytest.mark.parametrize("name", PAGES)
def test_a_link_of_other_weights_says_so_until_another_unit_is_chosen(name: str):
    page = open_page(name, unit="3", weights="00000000", **PAGES[name])
    assert notices(page) == ["This link was made with an earlier version of wiki-lstm, whose units had other numbers."]
    assert weights_in(page, name) == "00000000"
    assert notices(page.run())
    page.session_state[f"{name}.unit"] = 2
    assert notices(page.run()) == []
    assert weights_in(page, name) == networks.fingerprint("wiki-lstm")[:8]


@pytest.mark.parametrize("name", PAGES)
def test_a_link_without_a_checksum_was_made_with_the_first_weights(name: str, monkeypatch: pytest.MonkeyPatch):
    now = networks.fingerprint("wiki-lstm")[:8]
    assert notices(open_page(name, unit="3", **PAGES[name])), "a tiny network is no wiki-lstm of version 0.1.0"
    monkeypatch.setitem(earlier.FIRST, "wiki-lstm", now)
    page = open_page(name, unit="3", **PAGES[name])
    assert notices(page) == [] and weights_in(page, name) == now


@pytest.mark.parametrize("name", PAGES)
def test_a_link_without_a_unit_names_no_weights(name: str):
    page = open_page(name, **PAGES[name])
    assert notices(page) == [] and weights_in(page, name) == ""
