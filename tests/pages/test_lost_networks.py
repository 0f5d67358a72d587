"""A link to an uploaded network that the server no longer has: the page says so and shows nothing in its place."""

import pytest

from pages._one_step import cell
from pages._ui import uploads
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages.app import open_page, sound

LOST = "mine-0123abcd"
PAGES = {
    "hidden_states": ("wiki-lstm", save_tiny, {}),
    "attention": ("en-fr-additive", save_tiny_translator, {}),
    "captions": ("scenes-soft", save_tiny_scenes, {}),
    "one_step": ("wiki-lstm", save_tiny, {"view": cell.TITLE}),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_lost_network_is_said_and_no_other_is_shown_until_it_is_asked_for(page: str, folder):
    shipped, save, query = PAGES[page]
    save(folder / f"{shipped}.safetensors")
    opened = open_page(page, model=LOST, **query)
    (error,) = opened.error
    assert error.value.replace("\\", "").startswith(f"The network “{LOST}” is not on this server.")
    assert not opened.exception and not opened.selectbox and not opened.get("vega_lite_chart")
    assert not any(f"{page}.model" == box.key for box in opened.selectbox)
    opened = sound(opened.button(key=f"{page}.model.other").click().run())
    assert opened.selectbox(key=f"{page}.model").value == shipped


def test_a_network_that_is_removed_while_it_is_shown_is_said_too(folder, tmp_path):
    save_tiny(folder / "wiki-lstm.safetensors")
    save_tiny(tmp_path / "own.safetensors", seed=5)
    name = uploads.keep("mine.safetensors", (tmp_path / "own.safetensors").read_bytes(), "char_lm")
    page = sound(open_page("hidden_states", model=name))
    assert page.selectbox(key="hidden_states.model").value == name
    uploads.path_of(name).unlink()
    assert name in page.run().error[0].value.replace("\\", "") and not page.selectbox
