"""Captions from a folder of pictures to a checkpoint, and the commands: looked at, trained, stopped, packed, scored, used."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import models
from models import captioning, captions, commands, describer, features
from models.captioning import mirrored, numbers
from models.data import DataError
from models.describer import describe_all, log_probabilities
from models.encoder import VIEWS, View
from models.features import Looking
from models.recipes import RECIPES, TrainingError
from models.train import Recipe
from tests.models.test_captioner import pictures
from tests.models.tiny_captions import WORDS, collection, field, network, save_tiny_captioner

TINY = {
    "kind": "captioner",
    "corpus": "flickr8k",
    "view": "tiny",
    "arguments": {"attention": "soft", "units": 32, "embedding": 16, "width": 16, "dropout": 0.1},
    "at_least": 2,
    "mirrored": True,
    "loss": {"smoothing": 0.05, "coverage": 0.5},
    "recipe": {"epochs": 24, "batch": 8, "learning_rate": 1e-2, "checks": 1, "patience": 40},
}


def colours(encoder, seen, view):
    """In place of the encoder: the mean colour of each of 3 x 3 cells."""
    table = np.stack([np.asarray(picture)[:222, :222].reshape(3, 74, 3, 74, 3).mean((1, 3)) for picture in seen])
    return torch.from_numpy(table.reshape(len(seen), 9, 3) / 128 - 1).float()


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Quick recipes, an encoder that sees colours, and folders of their own."""
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    monkeypatch.setitem(VIEWS, "tiny", View((3, 3), 3, 1))
    monkeypatch.setattr(features, "regions", colours)
    monkeypatch.setattr(describer, "regions", colours)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setattr("models.bleu.DRAWS", 20)
    monkeypatch.setattr(captioning.scored, "__defaults__", (20,))


def call(capsys, *arguments) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    with pytest.raises(SystemExit) as ended:
        commands.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return ended.value.code or 0, out, err


def train(capsys, tmp_path, state: str, *more: str, name: str = "tiny"):
    return call(capsys, "train", name, "--data", tmp_path / "flickr", "--folder", tmp_path / state, "--json", *more)


def test_fields_are_described_and_everything_is_told(tmp_path, capsys):
    collection(tmp_path / "flickr")
    code, out, err = train(capsys, tmp_path, "states")
    told = json.loads(out)
    assert code == 0 and told["bleu_4"] > 50 and "tiny-" in err  # the bar of the encoder's look
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
    assert red["visual"] > 0.3  # the mean picture would not have said it
    plain = call(capsys, "caption", "tiny", tmp_path / "a.png")[1]
    assert plain == first["caption"] + "\n"
    assert call(capsys, "list")[1].startswith(f"tiny: {card['parameters']:,} parameters, BLEU-4 {scores['bleu_4']:.1f} on dev")
    # evaluate on the dev pictures alone tells what the card tells
    dev = (tmp_path / "flickr/Flickr_8k.devImages.txt").read_text().split()
    (tmp_path / "dev/images").mkdir(parents=True)
    for name in dev:
        (tmp_path / "dev/images" / name).write_bytes((tmp_path / "flickr/images" / name).read_bytes())
    (tmp_path / "dev/Flickr8k.token.txt").write_text((tmp_path / "flickr/Flickr8k.token.txt").read_text())
    for width in ("1", "3"):
        code, out, _ = call(capsys, "evaluate", "tiny", "--data", tmp_path / "dev", "--beam", width, "--json")
        found = json.loads(out)
        assert code == 0 and found["images"] == 6 and found["missing"] == 25 and found["beam"] == int(width) and len(found["bleu"]) == 4
        assert found["bleu"] == pytest.approx(scores["beams"][width]["bleu"], abs=0.5)


def stopped(monkeypatch, owner, method: str, times: int):
    """Ctrl-C comes at the given call of a method."""
    import signal

    plain, count = getattr(owner, method), []

    def called(*args):
        count.append(1)
        if len(count) == times:
            signal.raise_signal(signal.SIGINT)
        return plain(*args)

    monkeypatch.setattr(owner, method, called)


def test_a_second_training_goes_on_from_the_best_of_the_first_and_both_stand_in_the_card(tmp_path, capsys, monkeypatch):
    then = {"epochs": 2, "batch": 8, "learning_rate": 1e-3, "checks": 1}
    monkeypatch.setitem(RECIPES, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 3}, "then": then, "samples": 3})
    collection(tmp_path / "flickr")
    with monkeypatch.context() as patch:
        stopped(patch, captioning.Trainer, "_step", 11)  # the second update of the second training
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
    monkeypatch.setitem(RECIPES, "tiny", TINY | {"arguments": arguments, "recipe": TINY["recipe"] | {"epochs": 4}})
    collection(tmp_path / "flickr")
    assert train(capsys, tmp_path, "whole")[0] == 0
    whole = models.load("tiny")
    with monkeypatch.context() as patch:
        stopped(patch, captioning.Trainer, "_step", 5)
        code, out, err = train(capsys, tmp_path, "parts")
        assert code == 130 and out == "" and "Stopped after 5 of 12 updates" in err
    with monkeypatch.context() as patch:
        patch.setattr(features, "regions", None)  # nothing is looked at twice
        assert train(capsys, tmp_path, "parts")[0] == 0
    for name, tensor in models.load("tiny").module.state_dict().items():
        assert torch.equal(tensor, whole.module.state_dict()[name]), name
    code, out, _ = call(capsys, "pack", "tiny", tmp_path / "parts/tiny.pt", "--data", tmp_path / "flickr", "--json")
    assert code == 0 and models.available()["tiny"]["scores"] == whole.card["scores"]
    assert "another recipe" in train(capsys, tmp_path, "parts", "--epochs", "9")[2]
    monkeypatch.setitem(RECIPES, "tiny", RECIPES["tiny"] | {"arguments": arguments | {"units": 16}})
    assert "cannot go on from" in train(capsys, tmp_path, "parts")[2]
    with pytest.raises(TrainingError, match="does not fit tiny"):
        captioning.finish("tiny", tmp_path / "parts/tiny.pt", captions.read(tmp_path / "flickr"), tmp_path / "x.safetensors")


def test_looking_is_stopped_and_goes_on_and_is_kept_by_content(tmp_path, monkeypatch):
    data = captions.read(collection(tmp_path / "flickr", 12, 2))
    files = data.files(tuple(data.captions))
    asked = []
    monkeypatch.setattr(features, "regions", lambda encoder, seen, view: asked.append(len(seen)) or colours(encoder, seen, view))
    looking = Looking(files, "tiny", tmp_path / "kept", mirrored=True)

    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        looking.run(stop)
    assert asked == [8]
    told = []
    Looking(files, "tiny", tmp_path / "kept", mirrored=True).run(lambda done, total: told.append((done, total)))
    assert sum(asked) == 28 and told[-1] == (20, 20)
    Looking(files, "tiny", tmp_path / "kept", mirrored=True).run()
    assert sum(asked) == 28
    plain, turned = looking.read(files), looking.read(files, mirrored=True)
    assert plain.shape == (14, 9, 3) and plain.dtype == torch.float16
    expected = colours(None, [features.squashed(features.opened(file)) for file in files], "tiny")
    torch.testing.assert_close(plain.float(), expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(turned.view(14, 3, 3, 3).float(), expected.view(14, 3, 3, 3).flip(2), atol=0.05, rtol=0.05)
    assert not list((tmp_path / "kept").rglob("*.partial*"))
    files[0].rename(files[0].with_name("renamed.jpg"))  # content, not name
    assert torch.equal(looking.read([files[0].with_name("renamed.jpg")])[0], plain[0])
    place = looking.place(files[1])
    place.write_bytes(place.read_bytes()[:50])
    with pytest.raises(DataError, match=f"{files[1].name}. Delete it"):
        looking.read(files[1:2])


def test_what_is_said_of_a_mirrored_picture():
    assert mirrored("A dog on the Left of two , right .") == "a dog on the right of two , left ."
    assert numbers(WORDS, [["on the left"]], True) == numbers(WORDS, [["on the right"]])


def test_dev_score_is_minus_bleu_4_of_greedy_captions():
    module, seen = network("soft", len(WORDS)), pictures(9)
    found = [each.text for each in describe_all(module, WORDS, [seen], captioning.GREEDY)]
    references = [[text.upper() + " .", "another"] for text in found[:5]] + [["a red ball"]] * 4
    score = captioning.dev_score(WORDS, seen, references)(module)
    assert score == pytest.approx(-captioning.bleu.bleu(found, [[text, "another"] for text in found[:5]] + [["a red ball"]] * 4))


def test_captioners_are_compared_and_the_others_cards_keep_it(tmp_path, capsys, monkeypatch):
    collection(tmp_path / "flickr")
    monkeypatch.setitem(RECIPES, "tiny", TINY | {"recipe": TINY["recipe"] | {"epochs": 1}})
    for name in ("tiny", "other"):
        monkeypatch.setitem(RECIPES, name, RECIPES["tiny"])
        assert train(capsys, tmp_path, "states", name=name)[0] == 0
    code, out, _ = call(capsys, "compare", "tiny", "other", "--data", tmp_path / "flickr", "--json")
    found = json.loads(out)
    assert code == 0 and {"against": "tiny"} | found == models.available()["other"]["paired"] and found["all"]["tiny"]["p"] is None
    assert found["all"]["other"]["p"] == 1  # the same network twice


def test_what_is_saved_comes_back_and_needs_its_own_encoder(tmp_path, monkeypatch):
    saved = save_tiny_captioner(tmp_path / "x.safetensors")
    loaded = models.checkpoint.load(tmp_path / "x.safetensors")
    assert loaded.vocab == saved.vocab == WORDS and describer.grid(loaded) == (14, 14)
    features = torch.randn(2, 196, 112)
    target = WORDS.encode("a red ball")
    np.testing.assert_allclose(
        log_probabilities(loaded.module, features, target), log_probabilities(saved.module, features, target), atol=1e-6
    )
    monkeypatch.undo()
    picture = np.asarray(field("red", "blue", "left", (224, 224)))
    assert describer.eye(loaded)([picture]).shape == (1, 196, 112)
    for change, sentence in (
        ({"sha256": "0" * 64}, "was trained with another encoder"),
        ({"view": "far"}, "names no view of an encoder"),
    ):
        damaged = models.checkpoint.update_card(tmp_path / "x.safetensors", encoder=saved.card["encoder"] | change)
        assert damaged["encoder"] != saved.card["encoder"]
        with pytest.raises(models.checkpoint.CheckpointError, match=sentence):
            describer.eye(models.checkpoint.load(tmp_path / "x.safetensors"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vocabulary": ["a", "b"]}, "starts with <pad>"),
        ({"arguments": {"vocab_size": len(WORDS), "attention": "hard", "cells": 196, "channels": 112}}, "attention is 'hard'"),
        ({"arguments": {"vocab_size": len(WORDS), "attention": "soft", "cells": 10**6, "channels": 10**6}}, "its card promises"),
        (
            {"arguments": {"vocab_size": len(WORDS), "attention": "soft", "cells": -1, "channels": 112}},
            "describes no captioner that can be built",
        ),
    ],
)
def test_a_damaged_checkpoint_gets_a_sentence(tmp_path, change: dict, sentence: str):
    save_tiny_captioner(tmp_path / "x.safetensors")
    models.checkpoint.update_card(tmp_path / "x.safetensors", **change)
    with pytest.raises(models.checkpoint.CheckpointError, match=sentence):
        models.checkpoint.load(tmp_path / "x.safetensors")


def damage(folder, how: str) -> None:
    tokens = folder / "Flickr8k.token.txt"
    if how == "form":
        tokens.write_text("no tab\n")
    if how == "outside":
        tokens.write_text("../x.jpg#0\tA dog .\n")
    if how == "pictures":
        for file in (folder / "images").iterdir():
            file.unlink()
    if how == "list":
        (folder / "Flickr_8k.devImages.txt").write_text("nobody.jpg\n")
    if how == "lists":
        (folder / "Flickr_8k.devImages.txt").unlink()
    if how == "broken":
        (folder / "images/003.jpg").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("form", "expected picture#number, a tab, and a caption"),
        ("outside", "Line 1 of"),
        ("pictures", "None of the 5 pictures of Flickr8k.token.txt is in"),
        ("list", "names nobody.jpg, which has no picture"),
        ("lists", "has 3 training and 0 dev pictures. Expected the lists"),
        ("broken", "003.jpg is no picture that can be read"),
    ],
)
def test_what_is_wrong_with_a_folder_is_a_sentence(tmp_path, capsys, how: str, sentence: str):
    damage(collection(tmp_path / "flickr", 3, 1), how)
    code, out, err = train(capsys, tmp_path, "states")
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["caption", "nothing", "a.png"], "No checkpoint is called 'nothing'."),
        (["caption", "letters", "a.png"], "letters is of kind char_lm; expected a captioner"),
        (["caption", "tiny", "none.png"], "none.png does not exist. Expected a JPEG"),
        (["caption", "tiny", "text.png"], "text.png is no picture that can be read"),
        (["evaluate", "tiny", "--data", "none"], "none is no folder"),
        (["evaluate", "letters", "--data", "text.png", "--beam", "3"], "which searches nothing. Leave --beam out."),
        (["compare", "letters", "tiny"], "letters is of kind char_lm; expected one of seq2seq, captioner"),
        (["train", "caption-soft", "--data", "none"], "none is no folder"),
        (["fetch", "caption-soft"], "non-commercial research and teaching only; the photographs belong to their authors: get it by hand"),
    ],
)
def test_what_goes_wrong_is_a_sentence_on_stderr(tmp_path, capsys, monkeypatch, arguments: list[str], sentence: str):
    from tests.models.tiny import save_tiny

    save_tiny_captioner(tmp_path / "checkpoints/tiny.safetensors")
    save_tiny(tmp_path / "checkpoints/letters.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    code, out, err = call(capsys, *arguments)
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


def test_a_collection_is_looked_for_where_the_others_are(tmp_path, monkeypatch):
    monkeypatch.setattr(captions, "folders", lambda: [tmp_path])
    with pytest.raises(DataError, match="get it by hand from https"):
        captions.find("flickr8k")
    collection(tmp_path / "flickr8k", 2, 1)
    assert captions.find("flickr8k") == tmp_path / "flickr8k"
    assert captions.read(tmp_path / "flickr8k").missing == 1


def test_the_recipes_differ_in_attention_alone():
    from models.captioner import Captioner

    rows = {name: RECIPES[name] for name in ("caption-soft", "caption-none")}
    for name, about in rows.items():
        assert name == f"caption-{about['arguments']['attention']}" and Recipe(**about["recipe"]).epochs > 0
        with torch.device("meta"):
            size = sum(p.numel() for p in Captioner(2_600, cells=49, channels=1280, **about["arguments"]).parameters())
        assert 2 * size < 11_000_000  # bytes; two of them and the encoder, 6.7 MB, stay below 30 MB
    rest = [about | {"arguments": {k: v for k, v in about["arguments"].items() if k != "attention"}} for about in rows.values()]
    assert rest[0] == rest[1]
