"""Which feature map to read: one trained network and one row for each view, written into the cards of captioners alone."""

import json

import pytest

from models import checkpoint
from models.captioning import FAMILY
from models.captioning.experiments import encoder_views
from tests.models.captioning.tiny_captions import collection, save_tiny_captioner, save_tiny_scenes
from tests.models.command_line import call


@pytest.fixture(autouse=True)
def own_recipes(monkeypatch):
    """Removes the recipes made for the views after each test."""
    before = dict(FAMILY.recipes)
    yield
    monkeypatch.undo()
    FAMILY.recipes.clear()
    FAMILY.recipes.update(before)


def test_each_view_is_trained_once_and_listed_in_the_cards_of_captioners(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "checkpoints").mkdir()
    loaded = save_tiny_captioner(tmp_path / "checkpoints" / "caption-soft.safetensors")
    save_tiny_scenes(tmp_path / "checkpoints" / "scenes-soft.safetensors")
    monkeypatch.setitem(FAMILY.recipes, "caption-soft", FAMILY.recipes["caption-soft"] | {"at_least": 1})
    monkeypatch.setattr(encoder_views, "SMALLER", {"units": 8, "embedding": 6, "width": 4})
    arguments = ["--data", str(collection(tmp_path / "flickr")), "--folder", str(tmp_path / "runs"), "--pictures", "9", "--epochs", "1"]
    for _ in range(2):  # a second run reads what is there
        code, out, err = call(capsys, "measure", "caption-soft", "features", *arguments, "--views", "late", "--views", "middle")
        assert (code, len(out.splitlines()), err.count("Written: ")) == (0, 2, 1)
    card = checkpoint.read_card(tmp_path / "checkpoints" / "caption-soft.safetensors")
    rows = card.pop("features")
    assert [(row["view"], row["regions"], row["channels"]) for row in rows["views"]] == [
        ("late", "7 x 7", 1280),
        ("middle", "14 x 14", 112),
    ]
    assert all(0 <= row["bleu_4"] <= 100 for row in rows["views"]) and (rows["pictures"], rows["dev_pictures"]) == (9, 6)
    assert card.items() >= json.loads(json.dumps(loaded.card)).items()
    assert "features" not in checkpoint.read_card(tmp_path / "checkpoints" / "scenes-soft.safetensors")


def test_a_training_as_long_as_the_networks_own_is_listed_beside_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    curve = [{"stage": 1, "bleu_4": 1.0}, {"stage": 1, "bleu_4": 2.0}, {"stage": 1, "bleu_4": 3.0}, {"stage": 2, "bleu_4": 4.0}]
    save_tiny_captioner(tmp_path / "caption-soft.safetensors")
    checkpoint.update_card(tmp_path / "caption-soft.safetensors", curve=curve, features={"views": [{"view": "late"}]})
    small = {"at_least": 1, "arguments": FAMILY.recipes["caption-soft"]["arguments"] | encoder_views.SMALLER | {"units": 8}}
    monkeypatch.setitem(FAMILY.recipes, "caption-soft", FAMILY.recipes["caption-soft"] | small)
    monkeypatch.setitem(FAMILY.recipes, "caption-both", FAMILY.recipes["caption-soft"])  # forgotten afterwards
    arguments = ["--data", str(collection(tmp_path / "flickr")), "--folder", str(tmp_path / "runs"), "--whole", "both", "--epochs"]
    for epochs in (1, 2, 2):  # what was begun goes on, and what is there is read
        call(capsys, "measure", "captioning", *arguments, epochs)
        card = checkpoint.read_card(tmp_path / "caption-soft.safetensors")["features"]
        assert card["views"] == [{"view": "late"}] and card["whole"]["ships"] == [1.0, 2.0][:epochs]
        assert card["whole"]["view"] == "both" and len(card["whole"]["bleu_4"]) == epochs
    assert not (tmp_path / "runs" / "caption-both.pt").exists()  # the second training was not begun


def test_an_unknown_view_is_refused(capsys):
    code, out, err = call(capsys, "measure", "captioning", "features", "--views", "early")
    assert code == 1 and not out and "No view of a picture is called 'early'. Known: late, " in err
