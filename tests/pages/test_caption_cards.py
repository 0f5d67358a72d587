"""What the page of captions takes from the card of a network: its scene and its scores, and nothing malformed."""

from models import checkpoint
from models.scenes.data import DEV, scene
from pages._captions import state
from pages._captions.gallery import SCENE
from pages._ui import cards
from tests.models.captioning.tiny_captions import tiny_captioner, tiny_scenes
from tests.pages.app import forget, sound
from tests.pages.captions_page import drawn, markdown, open_page, opened_bare


def test_it_opens_on_the_scene_of_its_card_and_says_what_to_look_for(folder, monkeypatch):
    tiny, sent = tiny_scenes(), drawn(monkeypatch)
    row = {"scene": DEV + 8, "word": 1, "kind": "changes", "says": "a ring", "pixels": "a star", "mean": "a cross", "change": 2.0}
    others = [row | {"scene": DEV + 9, "word": 0, "kind": "stays"}, row | {"scene": "7"}, row | {"word": 2}, row | {"kind": "x"}, 7]
    checkpoint.save(tiny.module, tiny.card | {"examples": [row, *others]}, folder / "scenes-soft.safetensors")
    page = sound(opened_bare())
    assert page.session_state[state.PICTURE] == f"scene:{DEV + 8}" and sent[-1]["word"] == 1
    assert "and the word disappears" in markdown(page) and "captions.picture" not in page.query_params
    page.session_state["captions.tries"] = True  # the menu is opened
    page.run()
    assert [button.label for button in page.button if "captions.try" in (button.key or "")] == ["“ring” disappears", "“a” stays"]
    page.button(key=f"captions.try.{DEV + 9}.0").click().run()
    assert "and the word stays" in markdown(sound(page)) and sent[-1]["word"] == 0
    assert page.query_params["captions.picture"] in (f"scene:{DEV + 9}", [f"scene:{DEV + 9}"])


def test_without_a_captioner_the_page_says_how_to_train_one(folder):
    assert "python -m models train scenes-soft" in sound(open_page()).info[0].value


def test_a_card_of_the_wrong_form_is_shown_without_it(folder):
    for loaded, file in ((tiny_scenes(), "scenes-soft"), (tiny_captioner(), "caption-soft")):
        claims = {"scores": {"true_captions": "all", "beams": {"1": 3}}, "data": [], "parameters": "many", "curve": 7}
        checkpoint.save(loaded.module, loaded.card | claims, folder / f"{file}.safetensors")
        page = sound(open_page(model=file, panel="The network"))
        assert any("holds no scores" in info.value for info in page.info)


def test_scores_of_the_card_are_used_where_they_are_complete(folder):
    loaded = tiny_scenes()
    row = {"n": 90, "attention": 0.8, "centre": 0.1, "brightest": 0.2, "another_word": 0.15, "another_picture": None}
    scores = {"true_captions": 0.91, "named_right": 0.95, "scenes": 1_000, "pointing": {"all": row}}
    checkpoint.save(loaded.module, loaded.card | {"scores": scores}, folder / "scenes-soft.safetensors")
    page = sound(open_page(panel="The network"))
    assert "**91.0%** of the captions of 1,000 held-out scenes are true" in markdown(page)
    assert page.dataframe[0].value["attention of the word"].tolist() == [0.8]
    whole = {"bleu": [60.0, 40, 30, 20], "without_brevity_penalty": [61.0, 41, 31, 21], "cider_d": 0.5, "images": 1_000}
    card = tiny_captioner().card | {"scores": {"beams": {"1": whole}}}
    assert cards.believed(card)["scores"] and not cards.believed(card | {"scores": {"beams": {"1": whole | {"bleu": [1]}}}})["scores"]
    assert cards.believed(card | {"arguments": {"attention": "hard"}}) is None


def test_the_card_shows_people_beside_the_network_and_what_was_tried(folder):
    whole = {"bleu": [60.0, 40, 30, 20], "without_brevity_penalty": [61.0, 41, 31, 21], "cider_d": 0.5, "images": 1_000}
    people = {"bleu": [50.0, 30, 20, 10], "images": 1_000}
    claims = {"scores": {"beams": {"3": whole}, "against_four": {"people": people, "3": whole, "1": {"bleu": "high"}}}}
    claims["features"] = {"pictures": 2_000, "epochs": 6.0, "views": [{"view": "late", "bleu_4": 14.2}, {"view": "middle"}]}
    claims["features"]["whole"] = {"view": "both", "bleu_4": [1.5, 2.5], "ships": [1, 3.5]}
    loaded = tiny_captioner()
    checkpoint.save(loaded.module, loaded.card | claims, folder / "caption-soft.safetensors")
    page = sound(open_page(panel="The network"))
    _, four, tried, whole = (table.value for table in page.dataframe[:4])
    assert whole["both"].tolist() == [1.5, 2.5] and whole["chosen map"].tolist() == [1, 3.5]
    wrong = claims["features"] | {"whole": {"view": "both", "bleu_4": [1.5], "ships": [1, 3.5]}}
    assert cards.believed(loaded.card | claims | {"features": wrong})["features"]["whole"] == {}
    assert four["captions"].tolist() == ["human captions", "this network, beam width 3"] and four["BLEU-4"].tolist() == [10, 20]
    assert tried["feature map"].tolist() == ["late"] and any("67.0 / 44.8 / 29.9 / 19.5" in caption.value for caption in page.caption)
    checkpoint.save(loaded.module, loaded.card | claims | {"features": {"views": 3}}, folder / "caption-soft.safetensors")
    forget()
    assert len(sound(open_page(panel="The network")).dataframe) == 4  # scores, people, recipe, curve


def test_drawn_scenes_open_on_the_first_example_by_day_and_on_the_first_where_all_are_by_night():
    day, night = (next(n for n in range(DEV, DEV + 40) if scene(n).is_by_day is wanted) for wanted in (True, False))
    assert state.opening({"examples": [{"scene": night}, {"scene": day}]}) == f"{SCENE}{day}"
    assert state.opening({"examples": [{"scene": night}]}) == f"{SCENE}{night}" and state.opening({}) == state.FIRST
