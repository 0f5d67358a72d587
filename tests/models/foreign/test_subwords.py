"""Networks of subwords: what splits a text is read in a child process; tokens are readable, ids are those of the library."""

import io

import numpy as np
import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer

from explorer.errors import CheckpointError
from explorer.figures import characters
from models.foreign import subwords
from models.foreign.experiments.behaviour import of_run
from models.foreign.experiments.reading import read_text
from models.foreign.listed import Listed, read_list
from models.foreign.opening import network_of, open_file
from tests.models.foreign import subword_files
from tests.models.foreign.strangers import CharRNN, saved
from tests.models.foreign.test_bytes import pairs

TEXT = "the cat sat on a naïve dog\nin the house"
JSON = {"byte level": subword_files.byte_level, "word piece": subword_files.word_piece, "metaspace": subword_files.metaspace}


def network(listed: Listed, seed: int = 0):
    torch.manual_seed(seed)
    module = CharRNN("GRU", 1, tokens=len(listed.tokens))
    one = open_file(saved(module.state_dict()), "x.pt")
    assert one.choice is not None
    return module, network_of(one, one.choice, listed)


def check(listed: Listed, ids: list[int], unknown: int | None) -> tuple[str, ...]:
    """The states and the surprise are those of the module on the library's own ids; returns the tokens."""
    module, loaded = network(listed)
    run = read_text(loaded, TEXT)
    with torch.no_grad():
        hidden = module.rnn(module.encoder(torch.tensor([ids])))[0][0]
        logs = module(torch.tensor([ids]))[0].log_softmax(-1)
    np.testing.assert_allclose(run.trace.hidden[:, 0], hidden, atol=1e-6)
    expected = -logs[:-1].gather(1, torch.tensor(ids)[1:, None])[:, 0].numpy() / np.log(2)
    expected[[index == unknown for index in ids[1:]]] = np.nan
    np.testing.assert_allclose(run.bits[1:], expected, atol=1e-5)
    assert loaded.vocab.noun == "token"
    return run.trace.tokens


@pytest.mark.parametrize("make", JSON.values(), ids=JSON)
def test_ids_are_those_of_the_tokenizers_library(make):
    whole = Tokenizer.from_str(make())
    whole.no_padding()
    whole.no_truncation()
    listed = read_list(make().encode(), "tokenizer.json")
    unknown = whole.token_to_id("[UNK]") or whole.token_to_id("<unk>")
    tokens = check(listed, whole.encode(TEXT, add_special_tokens=False).ids, unknown)
    assert len(listed.tokens) == whole.get_vocab_size() and not any("Ġ" in token or "▁" in token for token in (*tokens, *listed.tokens))


def test_spaces_and_bytes_are_readable():
    tokens = read_list(subword_files.byte_level().encode(), "tokenizer.json").tokens
    assert {" the", " cat", "\n", " ", "<0xC3>", "<|endoftext|>"} <= set(tokens)
    tokens = check(
        read_list(subword_files.metaspace().encode(), "x.json"), Tokenizer.from_str(subword_files.metaspace()).encode(TEXT).ids, 1
    )
    assert tokens[0].startswith(" ") and characters.shown(" the") == "·the" and characters.noun((" the", " cat")) == "tokens"


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_ids_are_those_of_sentencepiece(model_type: str):
    content = subword_files.sentence_piece(model_type)
    own = sentencepiece.SentencePieceProcessor(model_proto=content)
    listed = read_list(content, "m.model")
    assert len(listed.tokens) == own.get_piece_size() and read_list(content, "renamed.txt") == Listed(
        "renamed.txt", listed.tokens, True, subwords.SubwordFile(content, "renamed.txt")
    )
    tokens = check(listed, own.encode(TEXT), own.unk_id())
    assert "".join(tokens).startswith(" the cat") and ("<0xC3>" in listed.tokens) == (model_type == "unigram")


def test_a_network_with_fewer_rows_reads_what_it_has():
    listed = read_list(subword_files.byte_level().encode(), "tokenizer.json")
    _, loaded = network(Listed("x", listed.tokens[:280], True, listed.file))
    shorter = subwords.SubwordVocabulary.of_file(listed.file, listed.tokens, 280)
    ids = Tokenizer.from_str(subword_files.byte_level()).encode(TEXT).ids
    assert loaded.vocab.encode(TEXT) == shorter.encode(TEXT) == [index + 1 if index < 280 else 0 for index in ids]
    assert 0 in shorter.encode(TEXT) and "".join(shorter.split("the cat sat")) == "the cat sat"


def test_subwords_in_another_order_are_noticed():
    text = " ".join(subword_files.LINES[:4]) * 12
    listed = read_list(subword_files.byte_level().encode(), "tokenizer.json")
    size = len(listed.tokens)
    ids = Tokenizer.from_str(subword_files.byte_level()).encode(text).ids
    order = np.random.default_rng(0).permutation(size)
    for own, level in ((ids, "info"), ([int(order[index]) for index in ids], "warning")):
        one = open_file(saved(pairs(own, size)), "x.pt")
        assert one.choice is not None
        loaded = network_of(one, one.choice, listed)
        said = next(finding for finding in of_run(loaded, read_text(loaded, text)) if finding.code == "bits")
        assert said.level == level and ("another order" in said.text) == (level == "warning")


@pytest.mark.child
def test_a_child_process_reads_the_file_and_each_text(monkeypatch):
    listed = read_list(subword_files.sentence_piece(), "m.model")
    assert listed.file is not None
    ids, surfaces = listed.file.encode("the cat 東")
    assert ids == sentencepiece.SentencePieceProcessor(model_proto=subword_files.sentence_piece()).encode("the cat 東")
    assert surfaces[-1] == "東"
    monkeypatch.setattr(subwords, "LARGEST", 10)
    with pytest.raises(CheckpointError, match=r"m\.model has more than"):
        listed.file.tokens()


DAMAGED = {
    "a model cut short": (subword_files.sentence_piece()[:300], "m.model", "cannot be read"),
    "no model": (b"\n\xff" * 30, "m.model", "cannot be read"),
    "an unknown kind of step": (
        b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "x"}}',
        "t.json",
        "cannot be read",
    ),
    "an id far beyond": (
        b'{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 4000000000}, "unk_token": "a"}}',
        "t.json",
        "has the id 4,000,000,000",
    ),
}


@pytest.mark.parametrize(("content", "name", "sentence"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_sentence(content: bytes, name: str, sentence: str):
    with pytest.raises(CheckpointError, match=sentence) as refused:
        read_list(content, name)
    assert str(refused.value).startswith(name) and len(str(refused.value)) < 300


class Vocab:
    """As torchtext's before 0.9: lists beside counts."""

    def __init__(self):
        self.itos, self.stoi, self.vectors = ["<unk>", "<pad>", "the", "cat"], {"<unk>": 0, "<pad>": 1, "the": 2, "cat": 3}, None


class OfCpp:
    """As torchtext's since 0.9: an object written in C++, saved as a tuple of its parts."""

    def __getstate__(self):
        return ("0.0.2", [], ["<unk>", "<pad>", "the", "cat"], [])

    def __setstate__(self, state): ...


class OfModule(torch.nn.Module):
    """The module around it."""

    def __init__(self):
        super().__init__()
        self.vocab = OfCpp()


@pytest.mark.parametrize("make", [Vocab, OfModule, lambda: ["<unk>", "<pad>", "the", "cat"]], ids=["old", "new", "list"])
def test_vocabularies_of_torchtext(make):
    assert read_list(saved(make()), "vocab.pt").tokens == ("<unk>", "<pad>", "the", "cat")
    inside = open_file(saved({"model": CharRNN("GRU", 1, tokens=4).state_dict(), "vocab": make()}), "x.pt")
    assert ("<unk>", "<pad>", "the", "cat") in inside.weights.tokens.values()


def test_a_saved_file_without_a_list_says_so():
    file = io.BytesIO()
    torch.save({"epoch": 3}, file)
    with pytest.raises(CheckpointError, match="without a list of tokens"):
        read_list(file.getvalue(), "v.pt")
