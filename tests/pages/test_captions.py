"""The page of captions in process: it draws for any network and picture, hides what was clicked, and its link restores it."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from models import checkpoint, family
from models.captioning import occlusion
from models.scenes.data import DEV
from pages._captions import export, gallery, mistakes, multiples, pictures, state
from pages._captions import own_model as own_network
from pages._captions.compute import View
from pages._components import picture_view
from pages._ui import uploads
from tests.models.captioning.tiny_captions import save_tiny_captioner, save_tiny_scenes, tiny_scenes
from tests.pages.app import as_read, sound
from tests.pages.captions_page import drawn, markdown, open_page, opened_bare, run_of, without
from tests.pages.test_hidden_states_own import own_checkpoint

PANELS = ["All words", "Other captions", "Compare", "When it is wrong", "Your own network", "Export and link", "The network"]
FIRST = View("scenes-soft", state.FIRST)
pytestmark = pytest.mark.usefixtures("opened")


def save_networks(folder: Path) -> None:
    """Four tiny captioners."""
    for attention in ("soft", "none"):
        save_tiny_scenes(folder / f"scenes-{attention}.safetensors", attention=attention)
        save_tiny_captioner(folder / f"caption-{attention}.safetensors", attention=attention)


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    """Few scenes are captioned."""
    monkeypatch.setattr(mistakes, "CAPTIONED", 4)


def jpeg(size=(300, 200), mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def test_it_opens_on_a_scene_of_dev_and_sends_words_and_maps(monkeypatch):
    sent = drawn(monkeypatch)
    page = sound(open_page())
    run, data = run_of(FIRST), sent[-1]
    assert page.selectbox(key=state.MODEL).value == "scenes-soft" and f"scene:{DEV}" == state.FIRST
    assert data["words"] == list(run.words) and data["grid"] == [14, 14] and data["hidden"] == []
    np.testing.assert_allclose(data["values"][0], run.alignment.weights, rtol=6e-3, atol=1e-9)
    np.testing.assert_allclose(data["values"][1], run.needed, rtol=6e-3, atol=1e-9)
    assert data["word"] == int(np.argmax(run.needed[: len(run.words) - 1].max(1)))  # the last is "</s>"
    assert all(len(masks) == len(run.words) for masks in data["masks"])
    assert f"gain from the picture {run.visual[0]:+z.1f} nats" in data["notes"][0] and "gate" in data["notes"][0]


def test_it_opens_on_the_dog_and_a_link_without_a_picture_that_says_more_on_a_scene():
    page = sound(opened_bare())
    assert page.session_state[state.PICTURE] == state.DOG == "photo:dog" and page.selectbox(key=state.MODEL).value == "caption-soft"
    assert "captions.picture" not in page.query_params
    page.button(key="captions.gesture").click().run()
    assert sound(page).query_params["captions.picture"] in ("photo:dog", ["photo:dog"])  # once the link says more, it names the dog
    page.segmented_control(key=state.SOURCE).set_value(gallery.SCENE).run()
    assert sound(page).query_params["captions.picture"] in (state.FIRST, [state.FIRST])
    for query in ({"model": "scenes-none"}, {"word": "1"}, {"hidden": "90"}):
        assert sound(open_page(**query)).session_state[state.PICTURE] == state.FIRST


@pytest.mark.parametrize("name", ["scenes-soft", "scenes-none"])
def test_smoke_every_panel_draws_for_scenes(name: str):
    page = sound(open_page(model=name))
    for panel in PANELS:
        page.session_state["captions.panel"] = panel
        sound(page.run())


def test_both_files_of_all_words_name_the_same_places(monkeypatch):
    files = {}
    monkeypatch.setattr(multiples, "save", lambda figure, key, name, data: files.update({name: data}))
    monkeypatch.setattr(multiples, "show", lambda figure, key, name, data: files.update({name: data}))
    sound(open_page(panel="All words"))
    looked, needed = (files[name].set_index("word") for name in ("attention", "needed"))
    assert list(looked) == list(needed) and list(needed)[15] == "row 2, column 2"
    np.testing.assert_allclose(needed, run_of(FIRST).needed, atol=1e-9)


@pytest.mark.parametrize("name", ["caption-soft", "caption-none"])
def test_photographs_are_shown_with_their_author(name: str):
    page = sound(open_page(model=name, picture="photo:flower", panel="The network"))
    assert any("vultilion" in caption.value and "CC BY 2.0" in caption.value for caption in page.caption)
    assert "unlike anything it was trained on" in markdown(page)


def test_six_photographs_from_outside_show_what_their_words_depend_on():
    page = sound(open_page(model="caption-soft", picture="photo:flower", panel="When it is wrong"))
    lines = [part.value for part in page.markdown if part.value.startswith("The picture shows")]
    assert len(lines) == sum(not photo.thing for photo in gallery.PHOTOS.values()) == 6
    view = View("caption-soft", "photo:coffee")
    run = run_of(view)
    words = run.text.split()
    (line,) = [part for part in lines if "a cup of coffee" in part]
    gains = [float(gain) for gain in run.visual[: len(words)]]
    most = int(np.argmax([max(row) for row in run.needed.tolist()[: len(words)]]))
    assert f"For {sum(gain < np.log(2) for gain in gains)} of {len(words)} words" in line
    assert f"“{words[most]}” depends most on a single region. Gain from the whole picture: {gains[most]:+z.1f} nats" in line
    cell = divmod(int(run.alignment.weights[most].argmax()), run.grid[1])
    shown = without(view.of(hidden=occlusion.around(cell, run.grid, state.default_hole(run.grid))))
    assert f"**{shown.says[most]}** (log probability {shown.change[0, most]:+z.1f} with grey pixels" in line


def test_another_kind_of_picture_brings_its_own_network():
    page = sound(open_page())
    page.segmented_control(key=state.SOURCE).set_value(gallery.PHOTO).run()
    assert sound(page).selectbox(key=state.MODEL).value == "caption-soft"
    page.segmented_control(key=state.SOURCE).set_value(gallery.SCENE).run()
    assert sound(page).selectbox(key=state.MODEL).value == "scenes-soft"
    page.button(key="captions.another").click().run()
    assert sound(page).session_state[state.PICTURE] == f"scene:{DEV + 1}"


def test_hiding_the_attended_regions_shows_the_new_costs_and_can_be_undone(monkeypatch):
    sent = drawn(monkeypatch)
    page = sound(open_page())
    view = FIRST.of(word=sent[-1]["word"])
    run = run_of(view)
    cell = divmod(int(run.alignment.weights[view.word].argmax()), 14)
    page.button(key="captions.gesture").click().run()
    hidden = occlusion.around(cell, (14, 14), 3)
    assert sound(page).session_state[state.HIDDEN] == hidden == tuple(sent[-1]["hidden"])
    shown = without(view.of(hidden=hidden))
    assert any(f"”: {shown.change[0, view.word]:+z.1f} with grey pixels" in caption.value for caption in page.caption)
    table = next(part.value for part in page.dataframe if "verdict" in part.value)
    assert table["verdict"].tolist() == list(shown.says) and table["word"].tolist() == list(run.words)
    assert page.query_params["captions.hidden"] in (".".join(map(str, hidden)), [".".join(map(str, hidden))])
    page.button(key="captions.gesture").click().run()
    assert sound(page).session_state[state.HIDDEN] == () and "whole picture:" not in markdown(page)


def test_a_heat_map_is_drawn_by_choice_and_stands_in_the_link(monkeypatch):
    sent = drawn(monkeypatch)
    page = sound(open_page(picture=state.FIRST, look="heat map"))
    assert page.selectbox(key=state.LOOK).value == "heat map"
    heated = sent[-1]["masks"]
    page.selectbox(key=state.LOOK).set_value("dimmed").run()
    assert sound(page).query_params.get(state.LOOK) is None and all(a != b for a, b in zip(sent[-1]["masks"], heated, strict=True))


def test_a_link_restores_picture_network_word_and_hidden_places(monkeypatch):
    sent = drawn(monkeypatch)
    page = sound(open_page(model="scenes-none", picture="scene:5", word="1", hidden="3.17.195"))
    assert page.selectbox(key=state.MODEL).value == "scenes-none" and page.session_state[state.PICTURE] == "scene:5"
    assert (sent[-1]["word"], sent[-1]["hidden"]) == (1, [3, 17, 195])
    assert sent[-1]["masks"][0] is None and sent[-1]["masks"][1]  # no attention, and still what is needed


@pytest.mark.parametrize(
    "query",
    [
        {"picture": "own:0123"}, {"picture": "../../etc"}, {"picture": "scene:x"}, {"word": "999"}, {"word": "-1"}, {"word": "²"},
        {"hidden": "9999.x.-4"}, {"hidden": "1" * 5_000}, {"model": "none"}, {"fill": "x"}, {"hole": "7"}, {"panel": "x"},
    ],
)  # fmt: skip
def test_smoke_no_link_breaks_the_page(query: dict):
    sound(open_page(**query))


def test_a_square_of_regions_is_cut_at_the_edge_and_a_second_click_shows_it_again():
    assert occlusion.around((0, 13), (14, 14), 3) == (12, 13, 26, 27) and occlusion.around((3, 2), (7, 7), 1) == (23,)
    st.session_state[state.HIDDEN], st.session_state[state.HOLE] = (), 3
    state.hide((0, 13), (14, 14))
    assert st.session_state[state.HIDDEN] == (12, 13, 26, 27)
    state.hide((1, 12), (14, 14))  # hidden: its square is shown again
    assert st.session_state[state.HIDDEN] == ()
    assert state.hidden_of("3.17.3.999") == (3, 17)


def test_what_the_browser_says_is_not_trusted():
    for choice, word in (({"word": 2}, 2), ({"word": -1}, None), ({"word": "2"}, None), ({"word": True}, None), (None, None)):
        st.session_state["view"] = choice
        assert picture_view.chosen_word("view") == word
    for choice, cell in (
        ({"place": {"row": 3, "column": 2}}, (3, 2)),
        ({"place": {"row": 7, "column": 0}}, None),
        ({"place": [1, 2]}, None),
    ):
        st.session_state["view"] = choice
        assert picture_view.clicked_region("view", (7, 7)) == cell


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    page.segmented_control(key=state.SOURCE).set_value(gallery.OWN).run()
    assert "Upload a picture above" in sound(page).info[0].value
    page.file_uploader(key=state.FILE).set_value((name, content, "image/jpeg")).run()
    return page


def test_a_picture_of_ones_own_is_turned_as_it_was_held_and_stays_out_of_the_link(monkeypatch):
    sent = drawn(monkeypatch)
    turned = Image.Exif()
    turned[0x0112] = 6  # held upright
    page = sound(upload(open_page(model="caption-soft"), "mine.jpg", jpeg((300, 200), exif=turned)))
    assert sent[-1]["size"] == [200, 300] and page.session_state[state.PICTURE].startswith("own:")
    assert "captions.picture" not in page.query_params and any("not part of the link" in caption.value for caption in page.caption)


def test_what_the_uploader_takes_is_what_the_page_promises():
    page = open_page()
    page.segmented_control(key=state.SOURCE).set_value(gallery.OWN).run()
    taken = sound(page).file_uploader(key=state.FILE).proto
    assert taken.max_upload_size_mb == 10 and "at most 10 MB" in page.info[0].value
    assert {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".avif", ".gif", ".tif", ".bmp"} <= set(taken.type)


BOMB = jpeg((8, 8)).replace(b"\x00\x08\x00\x08", b"\xff\xff\xff\xff", 1)  # promises 65,535 x 65,535


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty"), (b"GIF89a", "is not a readable picture"), (b"Dear diary", "is not a readable picture"),
     (jpeg()[:3_000], "truncated"), (BOMB, "pixels; expected at most 40 megapixels"),
     (b"\xff\xd8" + bytes(10_000_001), "larger than 10 MB")],
)  # fmt: skip
def test_files_that_are_no_picture_get_a_sentence_and_change_nothing(content: bytes, sentence: str):
    page = upload(open_page(), "bad.jpg", content)
    assert not page.exception and sentence in as_read(page.error[0]) and "bad.jpg" in as_read(page.error[0])
    assert page.session_state[state.PICTURE] == gallery.OWN


def test_a_long_map_can_be_stopped_and_started_again():
    page = open_page()
    page.session_state[state.STOPPED] = True
    page.run()
    page.button(key=f"{pictures.KEY}.start").click().run()
    assert not sound(page).session_state[state.STOPPED]


def test_a_captioner_of_ones_own_opens_and_its_claims_are_left_out(tmp_path):
    loaded = tiny_scenes(seed=4)
    checkpoint.save(loaded.module, loaded.card | {"scores": {"true_captions": 1.0}}, tmp_path / "mine.own")
    page = open_page(panel="Your own network")
    page.file_uploader(key="captions.own.file").set_value(("my net.safetensors", (tmp_path / "mine.own").read_bytes(), "")).run()
    name = sound(page).selectbox(key=state.MODEL).value
    assert name.startswith("my-net-") and uploads.card_of(name)["scores"] == {}
    page.file_uploader(key="captions.own.file").set_value(("lm.safetensors", own_checkpoint(tmp_path / ".."), "")).run()
    assert "of kind 'char_lm'; this page opens 'captioner' and 'scenes'" in as_read(page.error[0])


def test_the_notebooks_lines_compute_what_the_page_shows(capsys):
    view = FIRST.of(hidden=(3, 4))
    exec(export.notebook(view), {})
    printed = capsys.readouterr().out
    assert printed.startswith(run_of(FIRST).text)
    last = [float(digits) for digits in re.findall(r"-?\d+\.\d*", printed.splitlines()[-1])]
    np.testing.assert_allclose(last[-len(run_of(view).words) :], without(view).change[1], atol=0.0051)
    for name in ("temple", "coffee"):  # of scikit-learn's, and of ours
        lines = export.notebook(View("caption-soft", f"photo:{name}"))
        exec(lines, {})
        assert str(gallery.HERE.parent.parent.parent) not in lines and "site-packages" not in lines  # no folder of the server


def test_the_lines_of_the_panel_of_ones_own_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(own_network.SAVE, {})
    assert uploads.keep("mine.safetensors", (tmp_path / "mine.safetensors").read_bytes(), *family.emitting(*state.EMITS)).startswith(
        "mine-"
    )
    exec(own_network.RECORD, {})
    assert "(2, 49)" in capsys.readouterr().out and (tmp_path / "attention.html").stat().st_size > 100_000


def test_the_size_of_a_hole_is_that_of_the_regions_it_is_made_of(folder, monkeypatch):
    sent = drawn(monkeypatch)
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    save_tiny_captioner(folder / "caption-soft.safetensors", view="late")
    page = sound(open_page())
    page.button(key="captions.gesture").click().run()
    assert len(sound(page).session_state[state.HIDDEN]) in (4, 6, 9)  # 3 x 3 of 14 x 14, less at an edge
    page.segmented_control(key=state.SOURCE).set_value(gallery.PHOTO).run()
    weights = run_of(View("caption-soft", state.DOG)).alignment.weights[sent[-1]["word"]]
    page.button(key="captions.gesture").click().run()
    hidden = list(sound(page).session_state[state.HIDDEN])
    assert weights[hidden].sum() >= 0.5 > weights[hidden].sum() - weights[hidden].min()  # the fewest of 7 x 7 that hold half
