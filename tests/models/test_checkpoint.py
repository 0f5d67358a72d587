"""Checkpoints: what is saved is loaded again; any other file gets a sentence, and nothing is unpickled."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as as_bytes

import models
from explorer.errors import CheckpointError
from models import checkpoint
from models.family import kinds
from tests.models.tiny import save_tiny, tiny

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("embedding", [0, 3])
def test_what_is_saved_comes_back(tmp_path, cell: str, embedding: int):
    saved = save_tiny(tmp_path / "tiny.safetensors", cell=cell, embedding=embedding)
    loaded = checkpoint.load(tmp_path / "tiny.safetensors")
    assert loaded.name == "tiny" and loaded.vocab == saved.vocab and loaded.card == {"format": 1} | saved.card
    assert not loaded.module.training and not any(p.requires_grad for p in loaded.module.parameters())
    for name, tensor in saved.module.state_dict().items():
        back = loaded.module.state_dict()[name]
        assert back.dtype == torch.float32 and torch.equal(back, tensor), name
    ids = torch.randint(len(saved.vocab), (1, 20))
    assert torch.equal(loaded.module(ids)[0], saved.module(ids)[0])


def test_weights_are_stored_as_float16_unless_they_would_overflow(tmp_path):
    loaded = tiny()
    loaded.module.readout.bias.data[0] = 1e6
    checkpoint.save(loaded.module, loaded.card, tmp_path / "x.safetensors")
    with (tmp_path / "x.safetensors").open("rb") as file:
        header, _ = checkpoint._header(file, tmp_path / "x.safetensors")
    assert header["rnn.weight_hh_l0"]["dtype"] == "F16" and header["readout.bias"]["dtype"] == "F32"
    assert checkpoint.load(tmp_path / "x.safetensors").module.readout.bias[0] == 1e6


def test_a_card_is_changed_without_touching_the_weights(tmp_path):
    path = tmp_path / "x.safetensors"
    saved = save_tiny(path)
    before = checkpoint.load(path).module.state_dict()
    card = checkpoint.update_card(path, units=[{"unit": 3, "track": "in [[ ]]"}], note="é" * 1001)
    assert (
        card == checkpoint.read_card(path) == {"format": 1} | saved.card | {"units": [{"unit": 3, "track": "in [[ ]]"}], "note": "é" * 1001}
    )
    for name, tensor in checkpoint.load(path).module.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_tiny(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.update_card(path, units=[])
    assert path.read_bytes() == before


def with_card(**changes) -> bytes:
    """A sound file whose card differs in some fields; None takes a field away."""
    loaded = tiny()
    card = {key: value for key, value in ({"format": 1} | loaded.card | changes).items() if value is not None}
    return as_bytes({k: v.half() for k, v in loaded.module.state_dict().items()}, {"card": json.dumps(card)})


def with_tensors(**changes) -> bytes:
    """A sound card over other tensors; None takes one away."""
    loaded = tiny()
    tensors = loaded.module.state_dict() | {key.replace("__", "."): value for key, value in changes.items()}
    return as_bytes({k: v for k, v in tensors.items() if v is not None}, {"card": json.dumps({"format": 1} | loaded.card)})


def arguments(**changes) -> dict:
    return tiny().card["arguments"] | changes


class Trap:
    """Unpickling it would leave a mark."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def torch_file() -> bytes:
    out = io.BytesIO()
    torch.save(Trap(), out)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", "b")
    return out.getvalue()


def header_of(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


SOUND = with_card()
BROKEN = {
    "nothing": (b"", "is empty"),
    "seven bytes": (b"1234567", "cut short"),
    "words": (b"This is a letter to my aunt, and no network at all.", "is not a safetensors file"),
    "a header of 2^60 bytes": (struct.pack("<Q", 1 << 60) + b"{}", "its header would have 1,152,921,504,606,846,976 bytes"),
    "a header of 64 MB": (struct.pack("<Q", 64 << 20) + b" " * (64 << 20), "its header would have 67,108,864 bytes"),
    "no JSON": (header_of(b"{]"), "damaged header"),
    "deep JSON": (header_of(b'{"a":' * 100_000), "damaged header"),
    "tensors a list": (header_of(b'{"a":[1]}'), "damaged header"),
    "not UTF-8": (header_of(b"{\xff\xfe\xfd}"), "damaged header"),
    "offsets of text": (header_of(b'{"a":{"dtype":"F16","shape":[1],"data_offsets":["x","y"]}}'), "damaged header"),
    "pickle 4": (pickle.dumps(Trap(), 4), "is a pickle; expected a .safetensors"),
    "pickle 2": (pickle.dumps(Trap(), 2), "is a pickle; expected a .safetensors"),
    "torch.save": (torch_file(), "is a zip archive, such as torch.save writes"),
    "zip": (zipped(), "is a zip archive"),
    "half of it": (SOUND[: len(SOUND) // 2], "its header promises"),
    "one byte short": (SOUND[:-1], "its header promises"),
    "one byte long": (SOUND + b"x", "its header promises"),
    "foreign": (as_bytes({"a": torch.zeros(2)}), "is a safetensors file without a card"),
    "foreign card": (as_bytes({"a": torch.zeros(2)}, {"card": "hello"}), "without a card"),
    "card a list": (as_bytes({"a": torch.zeros(2)}, {"card": "[1]"}), "without a card"),
    "no format": (with_card(format=None), "is of format None; this version reads 1 to 1"),
    "later format": (with_card(format=2), "is of format 2; this version reads 1 to 1. Update the project."),
    "other kind": (with_card(kind="lstm2"), f"is of kind 'lstm2'. Known kinds: {', '.join(sorted(kinds()))}."),
    "kind a list": (with_card(kind=["char_lm"]), r"is of kind \['char_lm'\]. Known kinds"),
    "no vocabulary": (with_card(vocabulary=None), "lists no vocabulary"),
    "vocabulary of numbers": (with_card(vocabulary=[1, 2]), "lists no vocabulary"),
    "vocabulary without mark": (with_card(vocabulary=["a"] * 13), "starts with the unknown mark"),
    "short vocabulary": (with_card(vocabulary=tiny().card["vocabulary"][:5]), "The sizes in the card of .* do not fit its vocabulary of 5"),
    "no arguments": (with_card(arguments=None), "do not fit its vocabulary"),
    "foreign argument": (with_card(arguments=arguments(colour="red")), "is not a valid char_lm configuration .*colour"),
    "unknown cell": (with_card(arguments=arguments(cell="qrnn")), "cell is 'qrnn'; expected one of rnn, lstm, gru"),
    "cell a list": (with_card(arguments=arguments(cell=[])), "is not a valid char_lm configuration"),
    "far too large": (with_card(arguments=arguments(units=10**9)), "has shape|is not a valid char_lm configuration"),
    "larger than an integer": (with_card(arguments=arguments(units=10**30)), "is not a valid char_lm configuration"),
    "a million layers": (with_card(arguments=arguments(layers=10**6)), "asks for 1000000 layers; the file holds 11 tensors"),
    "no whole number": (with_card(arguments=arguments(units=2.5)), "is not a valid char_lm configuration"),
    "other units": (with_card(arguments=arguments(units=7)), r"in .* has shape \[24, 4\]; its card promises \[28, 4\]"),
    "other cell": (with_card(arguments=arguments(cell="gru")), r"has shape \[24, 4\]; its card promises \[18, 4\]"),
    "fewer layers": (with_card(arguments=arguments(layers=1)), "holds rnn.bias_hh_l1, .* too; its card promises 7 tensors"),
    "one missing": (with_tensors(readout__bias=None), "lacks readout.bias; its card promises 11 tensors"),
    "one too many": (with_tensors(extra=torch.zeros(1)), "holds extra too"),
    "not a number": (with_tensors(readout__bias=torch.full((13,), torch.nan)), "values in readout.bias that are not finite numbers"),
    "whole numbers": (with_tensors(readout__bias=torch.zeros(13, dtype=torch.int32)), "is of type I32; expected"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_any_file_that_is_no_checkpoint_gets_a_sentence(tmp_path, monkeypatch, what: str):
    monkeypatch.chdir(tmp_path)
    content, sentence = BROKEN[what]
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        checkpoint.load(path)
    assert str(caught.value).endswith(".")
    assert not Path("unpickled").exists()
    assert set(models.available(tmp_path)) <= {"x"}
    with pytest.raises(CheckpointError):
        models.load("x", tmp_path)


def test_every_byte_of_the_header_may_be_wrong(tmp_path):
    """A flipped byte gives a sentence, or a network; never another exception."""
    path = tmp_path / "x.safetensors"
    length = 8 + struct.unpack("<Q", SOUND[:8])[0]
    refused = 0
    for at in np.random.default_rng(0).choice(length, 300, replace=False):
        path.write_bytes(SOUND[:at] + bytes([SOUND[at] ^ 0x15]) + SOUND[at + 1 :])
        try:
            checkpoint.load(path)
        except CheckpointError:
            refused += 1
    assert refused > 100


def test_a_missing_file_and_a_folder_get_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match=r"does not exist\. Expected a \.safetensors checkpoint\."):
        checkpoint.read_card(tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"cannot be read \(Is a directory\)"):
        checkpoint.load(tmp_path)


def test_a_card_that_could_not_be_loaded_is_not_saved(tmp_path):
    loaded = tiny()
    with pytest.raises(CheckpointError, match="The card lacks vocabulary"):
        checkpoint.save(loaded.module, {k: v for k, v in loaded.card.items() if k != "vocabulary"}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="is of kind 'x'; expected kind"):
        checkpoint.save(loaded.module, loaded.card | {"kind": "x"}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"^`load` would not open this card: A vocabulary starts with the unknown mark"):
        checkpoint.save(loaded.module, loaded.card | {"vocabulary": list("abc")}, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_networks_are_listed_in_the_order_of_the_recipes(tmp_path):
    for name in ("zebra", "shakespeare-lstm", "ant", "wiki-lstm"):
        save_tiny(tmp_path / f"{name}.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"words")
    checkpoint.write_arrays({"a": np.zeros(2)}, {"format": 1, "kind": "ngram"}, tmp_path / "wiki-ngram.safetensors")
    assert list(models.available(tmp_path)) == ["wiki-lstm", "shakespeare-lstm", "ant", "zebra"]
    assert list(models.damaged(tmp_path)) == ["bad"]
    assert models.load("ant", tmp_path).name == "ant"
    with pytest.raises(CheckpointError, match=r"called 'Ant'\. Available: wiki-lstm, shakespeare-lstm, ant, zebra\."):
        models.load("Ant", tmp_path)
    with pytest.raises(CheckpointError, match=r"No checkpoint is called '\.\./x'"):
        models.load("../x", tmp_path)


def test_the_folder_may_be_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    assert models.available() == {}
    with pytest.raises(CheckpointError, match="Available: none; train one"):
        models.load("wiki-lstm")
    save_tiny(tmp_path / "mine.safetensors")
    assert list(models.available()) == ["mine"]


def test_listing_and_counting_need_no_torch_and_opening_needs_no_compiler(tmp_path):
    save_tiny(tmp_path / "mine.safetensors")
    code = "import sys, models, models.corpora, models.ngram\n"
    code += "assert list(models.available(sys.argv[1])) == ['mine']; assert 'torch' not in sys.modules\n"
    code += "for name in ('wiki-gru', 'names-rnn', 'en-fr-additive', 'caption-soft', 'caption-encoder', 'scenes-soft'): models.load(name)\n"
    code += "assert 'torch' in sys.modules and 'torch._dynamo' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", sorted((ROOT / "checkpoints").glob("*.safetensors")), ids=lambda path: path.stem)
def test_shipped_files_open_and_say_what_they_are(path: Path):
    card = checkpoint.read_card(path)
    if card["kind"] == "encoder":  # trained elsewhere, and scored by what is made of it
        assert {"source", "licence", "address"} <= card["data"].keys()
        assert card["parameters"] == sum(p.numel() for p in checkpoint.load(path).module.parameters())
        return
    assert {"data", "recipe", "scores", "vocabulary"} <= card.keys()
    assert {"source", "licence", "sha256", "corpus"} <= card["data"].keys()
    assert card["scores"]["split"] == "dev"
    if card["kind"] in kinds():
        loaded = checkpoint.load(path)
        assert card["parameters"] == sum(p.numel() for p in loaded.module.parameters())
        assert card["curve"] and card["seed"] == card["recipe"].get("then", card["recipe"])["seed"]
    if card["kind"] not in ("classifier", "seq2seq", "captioner", "scenes"):
        assert len(card["scores"]["ngram_nats"]) >= 8
    if card["kind"] == "char_lm":
        assert card["data"]["unknown_in_dev"] <= 0.001 * card["data"]["dev_characters"]
