"""A link to an uploaded network that the server no longer has: the page says so and shows nothing in its place."""

import pytest

from pages._gradient_flow.state import OWN
from pages._one_step import cell
from pages._ui import uploads
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.names.tiny_names import save_tiny_namer
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


# Every other parameter in which a link names networks.
OTHERS = {
    "gradient_flow.lines": (save_tiny, {"lines": ["wiki-lstm", LOST]}),
    "gradient_flow.felt": (save_tiny, {"felt": f"untrained {LOST}"}),
    "hidden_states.compare.model": (save_tiny, {"panel": "Compare", "compare.model": LOST}),
    "attention.compare.model": (save_tiny_translator, {"panel": "Compare", "compare.model": LOST}),
    "captions.compare.model": (save_tiny_scenes, {"panel": "Compare", "compare.model": LOST}),
    "confusions.compare.model": (save_tiny_namer, {"panel": "Compare", "compare.way": "another network", "compare.model": LOST}),
}
NAMES = {save_tiny: "wiki-{}", save_tiny_translator: "en-fr-{}", save_tiny_scenes: "scenes-{}", save_tiny_namer: "names-{}"}


@pytest.mark.parametrize("parameter", OTHERS)
def test_a_lost_network_that_is_one_of_several_is_said_alone(parameter: str, folder):
    save, query = OTHERS[parameter]
    for other in ("lstm", "two"):
        save(folder / f"{NAMES[save].format(other)}.safetensors")
    page = sound(open_page(parameter.split(".")[0], **query))
    (notice,) = [info.value.replace("\\", "") for info in page.info if "This link asks for something that is not here" in info.value]
    assert LOST in notice and "wiki-lstm" not in notice and "An uploaded network is removed" in notice


@pytest.mark.parametrize("parameter", [parameter for parameter in OTHERS if not parameter.startswith("confusions")])  # it takes no networks
def test_another_visitors_network_is_opened_in_whichever_parameter_a_link_names_it(parameter: str, folder, tmp_path):
    save, query = OTHERS[parameter]
    for other in ("lstm", "two"):
        save(folder / f"{NAMES[save].format(other)}.safetensors")
    save(tmp_path / "own.safetensors", seed=5)
    kind = {save_tiny: "char_lm", save_tiny_translator: "seq2seq", save_tiny_scenes: "scenes"}[save]
    name = uploads.keep("mine.safetensors", (tmp_path / "own.safetensors").read_bytes(), kind)
    if parameter.startswith("gradient_flow"):  # whose lines are of networks with one training text
        query = {key: LOST if key == "lines" else value for key, value in query.items()} | {"corpus": OWN}
    both = {key: value if isinstance(value, list) else [value] for key, value in query.items()}
    given = {key: [part.replace(LOST, name) for part in parts] for key, parts in both.items()}
    page = sound(open_page(parameter.split(".")[0], **given))
    assert not [info for info in page.info if "This link asks for something that is not here" in info.value]
    used = page.query_params[parameter]
    assert (used if isinstance(used, list) else [used]) == given[parameter.split(".", 1)[1]]
