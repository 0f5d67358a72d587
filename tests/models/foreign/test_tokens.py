"""Lists of tokens as people save them."""

import json

import pytest

from explorer.errors import CheckpointError
from models.foreign.tokens import PADDING, read_tokens, token_list, typed_tokens

ABC = ("a", "b", "c")
VALUES = [
    (["a", "b", "c"], ABC),
    ({"a": 0, "b": 1, "c": 2}, ABC),
    ({0: "a", 2: "c", 1: "b"}, ABC),
    ({"0": "a", "1": "b", "2": "c"}, ABC),
    ({"b": 2, "a": 1, "c": 3}, (PADDING, *ABC)),
    ({"1": 1, "0": 0, "2": 2}, ("0", "1", "2")),
    ("abcdefghijklmnopqrstuvwxyz", tuple("abcdefghijklmnopqrstuvwxyz")),
    ({"a": 0, "b": 0}, None),
    ({"a": 0, "b": 5}, None),
    (["a", "a"], None),
    (["a", 3], None),
    (["a", "\ud800"], None),
    ("hello hello hello hello", None),
    (7, None),
]


@pytest.mark.parametrize(("value", "tokens"), VALUES)
def test_values_that_list_tokens(value, tokens):
    assert token_list(value) == tokens


FILES = {
    "JSON list": json.dumps(list(ABC)),
    "JSON table": json.dumps({"a": 0, "b": 1, "c": 2}),
    "JSON table the other way round": json.dumps({"0": "a", "1": "b", "2": "c"}),
    "one per line": "a\nb\nc\n",
    "with counts": "a\t10\nb\t7\nc\t1\n",
    "a byte order mark, Windows line ends": "\ufeffa\r\nb\r\nc\r\n",
    "tokenizers": json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}}),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_files_that_list_tokens(text):
    assert read_tokens(text.encode("utf-8"), "v") == ABC


def test_a_keras_tokenizer_counts_from_one():
    config = {"num_words": None, "word_counts": json.dumps({"b": 9, "a": 3}), "word_index": json.dumps({"b": 1, "a": 2})}
    assert read_tokens(json.dumps({"class_name": "Tokenizer", "config": config}).encode(), "v") == (PADDING, "b", "a")


def test_the_layers_of_keras_that_look_up_tokens():
    config = {"vocabulary": ["", "[UNK]", "b", "a"], "num_oov_indices": 1, "mask_token": None, "oov_token": "[UNK]"}
    assert read_tokens(json.dumps({"class_name": "StringLookup", "config": config}).encode(), "v") == ("[UNK]", "b", "a")
    text = {"standardize": "lower", "vocabulary": ["b", "a"]}
    assert read_tokens(json.dumps(text).encode(), "v") == (PADDING, "[UNK]", "b", "a")
    assert read_tokens(b"\n[UNK]\nb\na\n", "vocabulary.txt") == (PADDING, "[UNK]", "b", "a")


TYPED = [
    ("abc", ABC),
    ("a\nb\nc\n", ABC),
    ("the\ncat\n\\n", ("the", "cat", "\n")),
    (r"a\n\t\\b ", ("a", "\n", "\t", "\\", "b", " ")),
    ('["a", "b", "c"]', ABC),
    ('{"a": 0,\n "b": 1, "c": 2}', ABC),
    ("[]{}", ("[", "]", "{", "}")),
]


@pytest.mark.parametrize(("text", "tokens"), TYPED)
def test_a_typed_list(text: str, tokens):
    assert typed_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "sentence"), [("aa", "has 'a' twice"), ("the\ncat\nthe", "has 'the' twice"), ("a", "The typed list is none")]
)
def test_what_is_no_typed_list(text: str, sentence: str):
    with pytest.raises(CheckpointError, match=sentence):
        typed_tokens(text)


def test_a_space_is_a_token():
    assert read_tokens(b"a\n \nb\n", "v") == ("a", " ", "b")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfea", "not UTF-8 at byte 0"),
        (b'{"a": 0, "b": 7}', "an id for every token"),
        (b"a\na\n", "one token per line, each once"),
        (b"", "one token per line"),
        (b'{"vocabulary": [["a"], "b"], "standardize": null}', "of a Keras layer with its vocabulary"),
    ],
)
def test_other_files_are_refused_with_a_sentence(content, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        read_tokens(content, "v")
