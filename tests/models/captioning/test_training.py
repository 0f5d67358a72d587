"""Captions from a folder of pictures to a checkpoint, and the commands: trained, stopped, packed, scored, compared, used."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import models
from models.captioning import FAMILY, data, feature_cache, training
from models.captioning.caption import describe_all
from models.captioning.training import mirrored, numbers
from models.family import TrainingError
from models.training import Recipe
from tests.models.captioning.test_network import pictures
from tests.models.captioning.tiny_captioning import TINY, quick, train
from tests.models.captioning.tiny_captions import WORDS, collection, field, network
from tests.models.command_line import call, stopped


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    quick(monkeypatch, tmp_path)


def test_fields_are_described_and_the_scores_are_in_the_card(tmp_path, capsys):
    collection(tmp_path / "flickr")
    code, out, err = train(capsys, tmp_path, "states")
    printed = json.loads(out)
    assert code == 0 and printed["bleu_4"] > 50 and "tiny-" in err  # the progress bar of the encoder
    card = models.available()["tiny"]
    assert {"encoder", "data", "recipe", "seed", "commit", "parameters", "curve", "scores", "vocabulary"} <= card.keys()
    assert card["data"]["train_pictures"] == 24 and card["data"]["dev_pictures"] == 6
    assert card["recipe"]["loss"] == TINY["loss"] and card["curve"][-1]["bleu_4"] > card["curve"][0]["bleu_4"]
    scores = card["scores"]
    assert set(scores["beams"]) == {"1", "3"} and scores["bleu_4"] == scores["beams"]["3"]["bleu"][3]
    assert set(scores["against_four"]) == {"people", "1", "3"} and scores["against_four"]["people"]["images"] == 6
    assert scores["published"]["without_brevity_penalty"] == [67.0, 44.8, 29.9, 19.5]
    assert len(scores["beams"]["1"]["intervals"]) == 4 and scores["beams"]["1"]["cider_d"] > 0.5
    loaded = models.load("tiny")
    assert not torch.equal(loaded.module.average, torch.zeros(9, 3))
    field("red", "blue", "left", (90, 50)).save(tmp_path / "a.png")
    field("green", "red", "right").save(tmp_path / "b.jpg", quality=95)
    code, out, err = call(capsys, "caption", "tiny", tmp_path / "a.png", tmp_path / "b.jpg", "--json")
    first, second = map(json.loads, out.splitlines())
    assert code == 0 and "red field" in first["caption"]
    assert "green field" in second["caption"] and second["picture"].endswith("b.jpg")
    weights = np.array(first["attention"])
    assert first["grid"] == [3, 3] and weights.shape == (len(first["words"]), 9)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
    assert all({"word", "log_probability", "visual", "visual_gate"} == set(word) for word in first["words"])
    red = next(word for word in first["words"] if word["word"] == "red")
    assert red["visual"] > 0.3  # unlikely for the mean picture
    plain = call(capsys, "caption", "tiny", tmp_path / "a.png")[1]
    assert plain == first["caption"] + "\n"
    assert call(capsys, "list")[1].startswith(f"tiny: {card['parameters']:,} parameters, BLEU-4 {scores['bleu_4']:.1f} on dev")
    # evaluate on the dev pictures alone gives the scores of the card
    dev = (tmp_path / "flickr/Flickr_8k.devImages.txt").read_text().split()
    (tmp_path / "dev/images").mkdir(parents=True)
    for name in dev:
        (tmp_path / "dev/images" / name).write_bytes((tmp_path / "flickr/images" / name).read_bytes())
    (tmp_path / "dev/Flickr8k.token.txt").write_text((tmp_path / "flickr/Flickr8k.token.txt").read_text())
    for width in ("1", "3"):
        code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "dev", "--beam", width, "--json")
        printed = json.loads(out)
        assert code == 0 and printed["images"] == 6 and printed["missing"] == 25
        assert printed["beam"] == int(width) and len(printed["bleu"]) == 4
        assert printed["bleu"] == pytest.approx(scores["beams"][width]["bleu"], abs=0.5)


def test_a_second_training_goes_on_from_the_best_of_the_first_and_the_card_lists_both(tmp_path, capsys, monkeypatch):
    then = {"epochs": 2, "batch": 8, "learning_rate": 1e-3, "checks": 1}
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 3}, "then": then, "samples": 3})
    collection(tmp_path / "flickr")
    with monkeypatch.context() as patch:
        stopped(patch, training.Trainer, "_step", 11)  # the second update of the second training
        assert train(capsys, tmp_path, "states")[0] == 130
    second, first = (torch.load(tmp_path / "states" / f"{name}.pt", weights_only=True) for name in ("tiny", "tiny-forced"))
    assert (first["update"], second["update"]) == (9, 2)
    assert train(capsys, tmp_path, "states")[0] == 0
    card = models.available()["tiny"]
    assert [row["stage"] for row in card["curve"]] == [1, 1, 1, 2, 2]
    assert (card["recipe"]["epochs"], card["recipe"]["then"]["epochs"], card["recipe"]["then"]["samples"]) == (3, 2, 3)
    ended = torch.load(tmp_path / "states" / "tiny.pt", weights_only=True)
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.allclose(tensor, ended["best"][name], atol=2e-3), name
        assert not tensor.numel() > 100 or not torch.equal(ended["best"][name], first["best"][name])


@pytest.mark.parametrize("attention", ["soft", "none"])
def test_a_stopped_training_goes_on_and_ends_the_same(tmp_path, capsys, monkeypatch, attention: str):
    arguments = TINY["arguments"] | {"attention": attention}
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"arguments": arguments, "recipe": TINY["recipe"] | {"epochs": 4}})
    collection(tmp_path / "flickr")
    assert train(capsys, tmp_path, "whole")[0] == 0
    whole = models.load("tiny")
    with monkeypatch.context() as patch:
        stopped(patch, training.Trainer, "_step", 5)
        code, out, err = train(capsys, tmp_path, "parts")
        assert code == 130 and out == "" and "Stopped after 5 of 12 updates" in err
    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "regions", None)  # no picture is encoded twice
        assert train(capsys, tmp_path, "parts")[0] == 0
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.equal(tensor, whole.module.state_dict()[name]), name
    code, out, _ = call(capsys, "pack", "tiny", tmp_path / "parts/tiny.pt", "--data", tmp_path / "flickr", "--json")
    assert code == 0 and models.available()["tiny"]["scores"] == whole.card["scores"]
    assert "another recipe" in train(capsys, tmp_path, "parts", "--epochs", "9")[2]
    monkeypatch.setitem(FAMILY.recipes, "tiny", FAMILY.recipes["tiny"] | {"arguments": arguments | {"units": 16}})
    assert "cannot resume from" in train(capsys, tmp_path, "parts")[2]
    with pytest.raises(TrainingError, match="does not fit tiny"):
        training.finish("tiny", tmp_path / "parts/tiny.pt", data.read(tmp_path / "flickr"), tmp_path / "x.safetensors")


def test_captions_of_a_mirrored_picture_swap_left_and_right():
    assert mirrored("A dog on the Left of two , right .") == "a dog on the right of two , left ."
    assert numbers(WORDS, [["on the left"]], True) == numbers(WORDS, [["on the right"]])


def test_dev_score_is_minus_bleu_4_by_hand(monkeypatch):
    """Matches of 1- to 4-grams: 10 of 11, 7 of 9, 5 of 7, 3 of 5 of the captions; no caption is short."""
    captions = ["there is a cat on a mat", "go away now please"]
    monkeypatch.setattr(training, "SIDE_BY_SIDE", 1)

    def described(module, words, parts, search):
        assert (module, words, search.width) == ("module", WORDS, 1)
        return [SimpleNamespace(text=captions[int(part)]) for part in parts]

    monkeypatch.setattr(training, "describe_all", described)
    references = [["The cat is on the mat .", "There is a cat , on the mat ."], ["Go away now please !"]]
    score = training.dev_score(WORDS, torch.arange(2), references)("module")
    assert score == pytest.approx(-100 * (10 / 11 * 7 / 9 * 5 / 7 * 3 / 5) ** 0.25)


def test_dev_score_is_of_the_networks_own_greedy_captions():
    module, seen = network("soft", len(WORDS)), pictures(9)
    own = [[caption.text.upper() + " .", "another"] for caption in describe_all(module, WORDS, [seen], training.GREEDY)]
    assert training.dev_score(WORDS, seen, own)(module) == pytest.approx(-100)
    assert training.dev_score(WORDS, seen, own[:5] + [["a red ball"]] * 4)(module) > -100


def test_captioners_are_compared_and_the_result_is_in_the_cards_of_the_others(tmp_path, capsys, monkeypatch):
    collection(tmp_path / "flickr")
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 1}})
    for name in ("tiny", "other"):
        monkeypatch.setitem(FAMILY.recipes, name, FAMILY.recipes["tiny"])
        assert train(capsys, tmp_path, "states", name=name)[0] == 0
    code, out, _ = call(capsys, "compare", "tiny", "other", "--data", tmp_path / "flickr", "--json")
    printed = json.loads(out)
    assert code == 0 and {"against": "tiny"} | printed == models.available()["other"]["paired"] and printed["all"]["tiny"]["p"] is None
    assert printed["all"]["other"]["p"] == 1  # the same network twice


def test_the_recipes_differ_in_attention_alone():
    from models.captioning.network import Captioner

    rows = {name: FAMILY.recipes[name] for name in ("caption-soft", "caption-none")}
    for name, about in rows.items():
        assert name == f"caption-{about['arguments']['attention']}" and Recipe(**about["recipe"]).epochs > 0
        with torch.device("meta"):
            size = sum(p.numel() for p in Captioner(2_600, cells=49, channels=1280, **about["arguments"]).parameters())
        assert 2 * size < 11_000_000  # bytes; two of them and the encoder, 6.7 MB, stay below 30 MB
    rest = [about | {"arguments": {k: v for k, v in about["arguments"].items() if k != "attention"}} for about in rows.values()]
    assert rest[0] == rest[1]
