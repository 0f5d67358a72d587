"""The row of wrong captions: what was measured for this network, each opens, and nothing for another network."""

import json

import pytest

from models.checkpoint import fingerprint
from pages._captions import failures, gallery, state
from pages._ui import networks
from tests.models.captioning.tiny_captions import save_tiny_captioner
from tests.pages import app
from tests.pages.app import sound
from tests.pages.captions_page import markdown

ANSWER = {
    "caption": "two dogs are playing", "word": 1, "said": "dogs", "right": False, "p": 0.6, "on": 0.6, "area": 0.2, "regions": 5,
    "pixels": "two dogs", "mean": "a cat", "verdict": "stays", "alone": 0.1, "guess": "men", "training_said": 700, "training_names": 45,
}  # fmt: skip


@pytest.fixture
def measured(folder):
    """A tiny captioner, and a measurement of it."""
    save_tiny_captioner(folder / "caption-soft.safetensors")
    pig = ANSWER | {"said": "dog", "training_names": 0, "on": 0.3, "verdict": "cannot tell", "guess": "dog", "caption": "dog dog"}
    photographs = {"dog": ANSWER | {"right": True, "said": "dog"}, "cow": ANSWER, "pig": pig, "unicorn": ANSWER}
    values = {"pictures": 6_000, "captions": 30_000, "weights": fingerprint(networks.loaded("caption-soft")), "photographs": photographs}
    (folder / "caption-soft-photographs.json").write_text(json.dumps(values))
    return values


def test_each_wrong_caption_is_shown_with_its_reason_and_opens(measured):
    page = sound(app.open_page("captions"))
    assert "30,000 captions 700 name a dog, but only 45 a cow and none a pig." in markdown(page) and "two **dogs** are playing" in markdown(
        page
    )
    captions = [caption.value for caption in page.caption]
    assert "It looked mostly at the cow. With that place hidden, “dogs” stays. The previous words alone suggest “men”." in captions
    unclear = "It looked more at the pig than elsewhere. With that place hidden, the result is unclear."
    assert f"{unclear} The previous words alone suggest “dog” too." in captions
    buttons = {button.key.rsplit(".", 1)[1]: button for button in page.button if (button.key or "").startswith(failures.KEY)}
    assert list(buttons) == ["cow", "pig"] and not any(button.disabled for button in buttons.values())
    buttons["cow"].click().run()
    assert sound(page).session_state[state.PICTURE] == "photo:cow" and page.query_params["captions.picture"] in ("photo:cow", ["photo:cow"])
    assert page.button(key=f"{failures.KEY}.cow").disabled
    assert f"Photograph: {gallery.PHOTOS['cow'].credit}." in [caption.value for caption in page.caption]


@pytest.mark.parametrize("changed", [{"weights": "0" * 16}, {"pictures": "many"}, {"photographs": {}}])
def test_no_row_without_a_measurement_of_these_weights(measured, folder, changed):
    (folder / "caption-soft-photographs.json").write_text(json.dumps(measured | changed))
    page = sound(app.open_page("captions"))
    assert not [button for button in page.button if (button.key or "").startswith(failures.KEY)] and "Where it fails" not in markdown(page)
