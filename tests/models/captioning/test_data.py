"""Files of captioning: the cache of encoded pictures, checkpoints, collections, and a sentence for each faulty one."""

import numpy as np
import pytest
import torch
from PIL import Image

import models
from models.captioning import caption, feature_cache
from models.captioning import data as captioning_data
from models.captioning.caption import log_probabilities
from models.captioning.feature_cache import FeatureCache
from models.corpora import DataError
from tests.models.captioning.tiny_captioning import colours, quick, train
from tests.models.captioning.tiny_captions import WORDS, collection, field, save_tiny_captioner
from tests.models.command_line import call


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    quick(monkeypatch, tmp_path)


def test_encoding_can_be_stopped_and_resumed_and_is_cached_by_content(tmp_path, monkeypatch):
    data = captioning_data.read(collection(tmp_path / "flickr", 12, 2))
    files = data.files(tuple(data.captions))
    asked = []
    monkeypatch.setattr(feature_cache, "regions", lambda encoder, seen, view: asked.append(len(seen)) or colours(encoder, seen, view))
    cache = FeatureCache(files, "tiny", tmp_path / "kept", mirrored=True)

    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.run(stop)
    assert asked == [8]
    reports = []
    FeatureCache(files, "tiny", tmp_path / "kept", mirrored=True).run(lambda done, total: reports.append((done, total)))
    assert sum(asked) == 28 and reports[-1] == (20, 20)
    FeatureCache(files, "tiny", tmp_path / "kept", mirrored=True).run()
    assert sum(asked) == 28
    plain, turned = cache.read(files), cache.read(files, mirrored=True)
    assert plain.shape == (14, 9, 3) and plain.dtype == torch.float16
    expected = colours(None, [feature_cache.squashed(feature_cache.opened(file)) for file in files], "tiny")
    torch.testing.assert_close(plain.float(), expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(turned.view(14, 3, 3, 3).float(), expected.view(14, 3, 3, 3).flip(2), atol=0.05, rtol=0.05)
    assert not list((tmp_path / "kept").rglob("*.partial*"))
    files[0].rename(files[0].with_name("renamed.jpg"))  # content, not name
    assert torch.equal(cache.read([files[0].with_name("renamed.jpg")])[0], plain[0])
    path = cache.path_of(files[1])
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=f"{files[1].name}. Delete it"):
        cache.read(files[1:2])


def test_what_is_saved_comes_back_and_needs_its_own_encoder(tmp_path, monkeypatch):
    saved = save_tiny_captioner(tmp_path / "x.safetensors")
    loaded = models.checkpoint.load(tmp_path / "x.safetensors")
    assert loaded.vocab == saved.vocab == WORDS and caption.grid(loaded) == (14, 14)
    features = torch.randn(2, 196, 112)
    target = WORDS.encode("a red ball")
    np.testing.assert_allclose(
        log_probabilities(loaded.module, features, target), log_probabilities(saved.module, features, target), atol=1e-6
    )
    monkeypatch.undo()
    picture = np.asarray(field("red", "blue", "left", (224, 224)))
    assert caption.feature_extractor(loaded)([picture]).shape == (1, 196, 112)
    for change, sentence in (
        ({"sha256": "0" * 64}, "was not trained with the encoder"),
        ({"view": "far"}, "names no view of an encoder"),
    ):
        damaged = models.checkpoint.update_card(tmp_path / "x.safetensors", encoder=saved.card["encoder"] | change)
        assert damaged["encoder"] != saved.card["encoder"]
        with pytest.raises(models.checkpoint.CheckpointError, match=sentence):
            caption.feature_extractor(models.checkpoint.load(tmp_path / "x.safetensors"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vocabulary": ["a", "b"]}, "starts with <pad>"),
        ({"arguments": {"vocab_size": len(WORDS), "attention": "hard", "cells": 196, "channels": 112}}, "attention is 'hard'"),
        ({"arguments": {"vocab_size": len(WORDS), "attention": "soft", "cells": 10**6, "channels": 10**6}}, "its card promises"),
        (
            {"arguments": {"vocab_size": len(WORDS), "attention": "soft", "cells": -1, "channels": 112}},
            "is not a valid captioner configuration",
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
        ("broken", "003.jpg is not a readable picture"),
    ],
)
def test_a_faulty_folder_gets_a_sentence(tmp_path, capsys, how: str, sentence: str):
    damage(collection(tmp_path / "flickr", 3, 1), how)
    code, out, err = train(capsys, tmp_path, "states")
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["caption", "nothing", "a.png"], "No checkpoint is called 'nothing'."),
        (["caption", "letters", "a.png"], "letters is of kind char_lm; expected a captioner"),
        (["caption", "tiny", "none.png"], "none.png does not exist. Expected a picture, such as a JPEG"),
        (["caption", "tiny", "text.png"], "text.png is not a readable picture"),
        (["evaluate", "tiny", "--data", "none"], "none is not a folder"),
        (["evaluate", "letters", "--data", "text.png", "--beam", "3"], "which does not use beam search. Omit --beam."),
        (["compare", "letters", "tiny"], "letters is of kind char_lm; expected one of seq2seq, captioner"),
        (["train", "caption-soft", "--data", "none"], "none is not a folder"),
        (
            ["fetch", "caption-soft"],
            "non-commercial research and teaching only; the photographs belong to their authors: download it yourself",
        ),
    ],
)
def test_a_failure_is_a_sentence_on_stderr(tmp_path, capsys, monkeypatch, arguments: list[str], sentence: str):
    from tests.models.tiny import save_tiny

    save_tiny_captioner(tmp_path / "checkpoints/tiny.safetensors")
    save_tiny(tmp_path / "checkpoints/letters.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    code, out, err = call(capsys, *arguments)
    assert code == 1 and out == "" and sentence in err and "Traceback" not in err


def test_a_collection_is_looked_for_where_the_others_are(tmp_path, monkeypatch):
    monkeypatch.setattr(captioning_data, "folders", lambda: [tmp_path])
    with pytest.raises(DataError, match="download it yourself from https"):
        captioning_data.find("flickr8k")
    collection(tmp_path / "flickr8k", 2, 1)
    assert captioning_data.find("flickr8k") == tmp_path / "flickr8k"
    assert captioning_data.read(tmp_path / "flickr8k").missing == 1
