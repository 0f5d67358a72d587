"""Checkpoints made to do harm: whatever stands in a header or a card, a file gets a sentence, costs little, and affects no other."""

import json
import os
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.torch import save as as_bytes

import models
from explorer.errors import CheckpointError
from models import checkpoint, ngram
from models.char_lm.network import CharLM
from models.measurement import subject
from models.vocabulary.characters import UNKNOWN, Vocabulary
from tests.models.command_line import call
from tests.models.tiny import save_tiny, tiny


def header_of(text: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode() + data


def with_card(**changes) -> bytes:
    loaded = tiny()
    tensors = {name: values.half() for name, values in loaded.module.state_dict().items()}
    return as_bytes(tensors, {"card": json.dumps({"format": 1} | loaded.card | changes)})


def tensor(dtype: str = '"F16"', shape: str = "[2]", offsets: str = "[0,4]") -> bytes:
    return header_of(f'{{"a":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}}}', b"1234")


HEADERS = {
    "no numbers but one": header_of('{"a":{"data_offsets":[0,1e999]}}'),
    "infinite": tensor(offsets="[0,1e999]"),
    "infinite by name": tensor(offsets="[0,Infinity]"),
    "no number": tensor(offsets="[NaN,4]"),
    "a fraction": tensor(offsets="[0,4.0]"),
    "truth": tensor(offsets="[false,4]"),
    "before the data": tensor(shape="[4]", offsets="[-4,4]"),
    "backwards": tensor(offsets="[4,0]"),
    "three offsets": tensor(offsets="[0,2,4]"),
    "offsets of text": tensor(offsets='"04"'),
    "400 digits": tensor(offsets=f"[0,{'9' * 400}]"),
    "5,000 digits": tensor(offsets=f"[0,{'9' * 5000}]"),
    "another shape": tensor(shape="[3]"),
    "a shape below nothing": tensor(shape="[-1,-2]"),
    "a shape of text": tensor(shape='"2"'),
    "a shape of infinity": tensor(shape="[1e999]"),
    "a million axes": tensor(shape=f"[{','.join(['999999999'] * 300_000)}]"),
    "unknown type": tensor(dtype='"F2"'),
    "type a list": tensor(dtype="[]"),
    "a gap": tensor(offsets="[4,8]"),
    "overlap": header_of(
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}', b"1234"
    ),
    "half a surrogate pair": header_of('{"\\ud800":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}', b"1234"),
    "a field too many": header_of('{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4],"x":1}}', b"1234"),
}


@pytest.mark.parametrize("what", HEADERS)
def test_every_number_of_a_header_is_whole_and_in_range_and_a_bad_file_affects_no_other(tmp_path, monkeypatch, capsys, what: str):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    save_tiny(tmp_path / "sound.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(HEADERS[what])
    assert list(models.available()) == ["sound"]
    assert models.damaged()["bad"].endswith("has a damaged header; expected a safetensors file. Copy or download it again.")
    code, out, err = call(capsys, "list")
    assert code == 0 and out.startswith("sound: ") and "damaged header" in err


CARDS = {
    "scores a number": {"scores": 5},
    "a score of text": {"scores": {"nats_per_character": "good"}},
    "a score of 400 digits": {"scores": {"nats_per_character": 10**400}},
    "a score a list": {"scores": {"nats_per_character": [1]}},
    "parameters of text": {"parameters": "many"},
    "parameters of 400 digits": {"parameters": 10**400},
    "parameters a list": {"parameters": [1]},
    "data of text": {"data": "wiki"},
    "a corpus a list": {"data": {"corpus": [1]}},
}


@pytest.mark.parametrize("what", CARDS)
def test_a_card_with_odd_claims_lists_and_loads_like_any_other(tmp_path, monkeypatch, capsys, what: str):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    (tmp_path / "odd.safetensors").write_bytes(with_card(**CARDS[what]))
    save_tiny(tmp_path / "sound.safetensors")
    for arguments in (["list"], ["list", "--json"], ["results"]):
        code, _, err = call(capsys, *arguments)
        assert code == 0 and "Traceback" not in err, (arguments, err)
    assert models.load("odd").name == "odd"
    assert subject("odd").family == "char_lm" and subject("odd").corpus in (None, "wiki")


TEXTS = {
    "a token": {"vocabulary": [*tiny().card["vocabulary"][:-1], "\ud800"]},
    "an argument": {"arguments": tiny().card["arguments"] | {"cell": "lstm\udfff"}},
    "the kind": {"kind": "char_lm\ud800"},
    "a claim": {"note": ["\udc00"]},
}


@pytest.mark.parametrize("where", TEXTS)
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(tmp_path, where: str):
    (tmp_path / "x.safetensors").write_bytes(with_card(**TEXTS[where]))
    with pytest.raises(CheckpointError, match=r"without a card that can be read \(.*(surrogate|hex escape).*\)"):
        checkpoint.load(tmp_path / "x.safetensors")
    assert list(models.damaged(tmp_path)) == ["x"] and models.available(tmp_path) == {}


def test_half_a_surrogate_pair_makes_no_vocabulary():
    with pytest.raises(ValueError, match="half a surrogate pair"):
        Vocabulary((UNKNOWN, "a", "\ud800"))


LONG = {
    "kind": with_card(kind="k" * 100_000),
    "format": with_card(format="f" * 100_000),
    "layers": with_card(arguments=tiny().card["arguments"] | {"layers": "9" * 100_000}),
    "cell": with_card(arguments=tiny().card["arguments"] | {"cell": "c" * 100_000}),
    "argument": with_card(arguments=tiny().card["arguments"] | {"a" * 100_000: 1}),
    "tensor": as_bytes({"t" * 100_000: tiny().module.state_dict()["readout.bias"]}, {"card": json.dumps({"format": 1} | tiny().card)}),
}


@pytest.mark.parametrize("what", LONG)
def test_a_sentence_stays_short_whatever_it_quotes(tmp_path, what: str):
    (tmp_path / "x.safetensors").write_bytes(LONG[what])
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(tmp_path / "x.safetensors")
    assert len(str(caught.value)) < 2_100 and str(caught.value).endswith(".")


def test_a_kind_of_100_000_letters_makes_a_short_sentence(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(LONG["kind"])
    with pytest.raises(CheckpointError, match=r"is of kind 'k{10,20}\.\.\.k{10,20}'\. Known kinds: captioner, ") as caught:
        checkpoint.load(tmp_path / "x.safetensors")
    assert len(str(caught.value)) < 400


def test_a_sparse_file_of_25_gigabytes_costs_nothing(tmp_path):
    path, size = tmp_path / "x.safetensors", 0
    card = {"format": 1} | tiny().card
    card["arguments"] |= {"units": 55_000, "layers": 1}
    header: dict = {"__metadata__": {"card": json.dumps(card)}}
    with torch.device("meta"):
        weights = CharLM(**card["arguments"]).state_dict()
    for name, values in weights.items():
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": [size, size + 2 * values.numel()]}
        size += 2 * values.numel()
    path.write_bytes(header_of(json.dumps(header)))
    os.truncate(path, path.stat().st_size + size)
    tracemalloc.start()
    for read in (checkpoint.load, checkpoint.read_card, checkpoint.read_arrays, checkpoint.update_card, ngram.read):
        with pytest.raises(CheckpointError, match=r"has 24,\d\d\d,\d\d\d,\d\d\d bytes; expected at most 1,000,000,000\."):
            read(path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


COUNTS = {
    "children without end": {"1.children": np.array([2**62])},
    "children below nothing": {"1.children": np.array([-1])},
    "characters that are none": {"1.characters": np.array([0, 1, 200])},
    "numbers that are none": {"1.totals": np.array([np.nan])},
    "a single number": {"1.counts": np.array(3)},
    "a table": {"1.counts": np.ones((3, 1))},
    "counts of nothing": {"1.counts": np.array([0, 0, 0])},
}


@pytest.mark.parametrize("what", COUNTS)
def test_damaged_counts_get_a_sentence_at_once(tmp_path, what: str):
    path = tmp_path / "wiki-ngram.safetensors"
    ngram.save(ngram.fit("abcab" * 20, Vocabulary((UNKNOWN, *"abc")), 1), {}, path)
    arrays, card = checkpoint.read_arrays(path)
    checkpoint.write_arrays(arrays | COUNTS[what], card, path)
    with pytest.raises(CheckpointError, match=r"is damaged \(.*\)\. Copy or download it again\."):
        ngram.read(path)
