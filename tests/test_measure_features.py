"""Which map to look at: a row for each view, of the network that was trained; written into the cards of captioners alone."""

import json
import sys

import pytest

from models import checkpoint
from models.recipes import RECIPES
from tests import measure_features
from tests.models.captioning.tiny_captions import collection, save_tiny_captioner, save_tiny_scenes


def test_each_view_is_trained_once_and_stands_in_the_cards_of_captioners(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "checkpoints").mkdir()
    loaded = save_tiny_captioner(tmp_path / "checkpoints" / "caption-soft.safetensors")
    save_tiny_scenes(tmp_path / "checkpoints" / "scenes-soft.safetensors")
    monkeypatch.setitem(RECIPES, "caption-soft", RECIPES["caption-soft"] | {"at_least": 1})
    monkeypatch.setattr(measure_features, "SMALLER", {"units": 8, "embedding": 6, "width": 4})
    arguments = ["--data", str(collection(tmp_path / "flickr")), "--folder", str(tmp_path / "runs"), "--pictures", "9", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["measure_features", *arguments, "--views", "late", "middle"])
    for _ in range(2):  # a second run reads what is there
        measure_features.main()
    told = checkpoint.read_card(tmp_path / "checkpoints" / "caption-soft.safetensors")
    rows = told.pop("features")
    assert [(row["view"], row["regions"], row["channels"]) for row in rows["views"]] == [
        ("late", "7 x 7", 1280),
        ("middle", "14 x 14", 112),
    ]
    assert all(0 <= row["bleu_4"] <= 100 for row in rows["views"]) and (rows["pictures"], rows["dev_pictures"]) == (9, 6)
    assert told.items() >= json.loads(json.dumps(loaded.card)).items()
    assert "features" not in checkpoint.read_card(tmp_path / "checkpoints" / "scenes-soft.safetensors")
    assert capsys.readouterr().out.count("written into the card of caption-soft") == 2


def test_a_training_as_long_as_the_networks_own_stands_beside_it(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    curve = [{"stage": 1, "bleu_4": 1.0}, {"stage": 1, "bleu_4": 2.0}, {"stage": 1, "bleu_4": 3.0}, {"stage": 2, "bleu_4": 4.0}]
    save_tiny_captioner(tmp_path / "caption-soft.safetensors")
    checkpoint.update_card(tmp_path / "caption-soft.safetensors", curve=curve, features={"views": [{"view": "late"}]})
    small = {"at_least": 1, "arguments": RECIPES["caption-soft"]["arguments"] | measure_features.SMALLER | {"units": 8}}
    monkeypatch.setitem(RECIPES, "caption-soft", RECIPES["caption-soft"] | small)
    monkeypatch.setitem(RECIPES, "caption-both", {})  # forgotten afterwards
    arguments = ["--data", str(collection(tmp_path / "flickr")), "--folder", str(tmp_path / "runs"), "--whole", "both", "--epochs"]
    for epochs in (1, 2, 2):  # what was begun goes on, and what is there is read
        monkeypatch.setattr(sys, "argv", ["measure_features", *arguments, str(epochs)])
        measure_features.main()
        told = checkpoint.read_card(tmp_path / "caption-soft.safetensors")["features"]
        assert told["views"] == [{"view": "late"}] and told["whole"]["ships"] == [1.0, 2.0][:epochs]
        assert told["whole"]["view"] == "both" and len(told["whole"]["bleu_4"]) == epochs
    assert not (tmp_path / "runs" / "caption-both.pt").exists()  # the second training was not begun


def test_a_view_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure_features", "--views", "early"])
    with pytest.raises(SystemExit):
        measure_features.main()
    assert "invalid choice: 'early'" in capsys.readouterr().err
