"""Subwords: decoding gives any text back, the same lines give the same vocabulary, damaged cards get a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary.subwords import BLANK, BYTES, END, MARKS, Subwords, spaced
from tests.models.translation.tiny_translation import sentences, vocabulary

LINES = ["le chat voit l'homme .", "le chien voit le chat !", "l'homme est là ."] * 3
PIECES = Subwords.learn(LINES, 300)


@given(st.text() | st.text(alphabet="le chat'’.!<s>/\u202f\u00a0\n▁東é́😀"))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back(text: str):
    ids = PIECES.encode(text)
    assert PIECES.decode(ids) == spaced(text.replace("’", "'").replace(BLANK, " "))
    assert all(token_id >= len(MARKS) for token_id in ids)  # typing a mark spells it
    assert "".join("".join(word.split()) for word, _ in PIECES.words(ids)).replace(BLANK, "") == "".join(PIECES.decode(ids).split())
    assert [position for _, positions in PIECES.words(ids) for position in positions] == list(range(len(ids)))


@pytest.mark.parametrize("text", ["", "le chat voit l'homme. " * 20, "😀" * 100, "le 😀 chat " * 30])
def test_a_beginning_is_the_longest_that_has_so_many_subwords(text: str):
    for most in (1, 7, 40, 1_000):
        beginning = PIECES.beginning(text, most)
        assert text.startswith(beginning) and len(PIECES.encode(beginning)) <= most
        assert beginning == text or len(PIECES.encode(text[: len(beginning) + 1])) > most


def test_marks_are_left_out_of_a_text_and_are_words_by_themselves():
    ids = [1, *PIECES.encode("le chat !"), END]
    assert PIECES.decode(ids) == "le chat !"
    assert [word for word, _ in PIECES.words(ids)] == ["<s>", "le", "chat", "!", "</s>"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("l'homme est là.", ["l'homme", "est", "là", "."]),
        ("le chat ?!", ["le", "chat", "?", "!"]),
        ("peut-être", ["peut", "-", "être"]),
        ("東京 le 😀!", ["東京", "le", "😀", "!"]),
        ("« le »", ["«", "le", "»"]),
        ("", []),
    ],
)
def test_words_are_cut_at_spaces_and_punctuation(text: str, words: list[str]):
    assert [word for word, _ in PIECES.words(PIECES.encode(text))] == words


def test_frequent_words_are_one_piece_and_rare_signs_are_bytes():
    assert [PIECES.tokens[n] for n in PIECES.encode("le chat voit")] == ["▁le", "▁chat", "▁voit"]
    assert [PIECES.tokens[n] for n in PIECES.encode("東")] == ["▁", "<0xE6>", "<0x9D>", "<0xB1>"]
    assert PIECES.surfaces(PIECES.encode("東")) == ["▁", "東", "", ""]
    assert PIECES.surfaces([3 + 0xE6, 3 + 0x9D]) == ["\N{REPLACEMENT CHARACTER}", ""]  # half a character


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u2009", " ", "\t", "  "])
def test_every_space_is_one_ordinary_space(space: str):
    assert spaced(f"{space}Où est-il{space}?{space}") == "Où est-il ?"
    assert PIECES.encode(f"le{space}chat") == PIECES.encode("le chat")
    assert spaced("a\u200bb\u00adc") == "abc"


def test_the_same_lines_give_the_same_vocabulary_in_another_process():
    learning = "Subwords.learn(json.load(sys.stdin), 320)"
    code = f"import json, sys; from models.vocabulary.subwords import Subwords; print(json.dumps({learning}.card()))"
    root, lines = Path(__file__).parents[3], [sentence for pair in sentences(200) for sentence in pair]
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PATH": "", "TOKENIZERS_PARALLELISM": "false"}
        learn = {"input": json.dumps(lines), "cwd": root, "env": environment, "capture_output": True, "text": True, "check": True}
        assert Subwords.of_card(json.loads(subprocess.run([sys.executable, "-c", code], **learn).stdout)) == vocabulary()


def test_a_card_brings_back_the_same_pieces():
    again = Subwords.of_card(json.loads(json.dumps(PIECES.card())))
    assert (
        again == PIECES and again.encode("l'homme voit 東") == PIECES.encode("l'homme voit 東") and len(again) == len(again.tokens) <= 300
    )
    assert PIECES.encode_all(["le chat", "", "là"]) == [PIECES.encode("le chat"), [], PIECES.encode("là")]


CARD = PIECES.card()
DAMAGED = {
    "no vocabulary": ({"vocabulary": None}, "lists no vocabulary"),
    "numbers": ({"vocabulary": [1, 2]}, "lists no vocabulary"),
    "no merges": ({"merges": None}, "lists no merges"),
    "merges of text": ({"merges": ["a b"]}, "lists no merges"),
    "no bytes": ({"vocabulary": [*MARKS, "a"]}, "starts with <pad>, <s>, </s> and 256 bytes"),
    "a piece twice": ({"vocabulary": [*CARD["vocabulary"], "▁le"]}, "repeats some"),
    "a merge of three": ({"merges": [[260, 261, 262]]}, "two ids of learnt subwords"),
    "a merge of marks": ({"merges": [[0, 261]]}, "two ids of learnt subwords"),
    "a merge too high": ({"merges": [[260, 999]]}, "two ids of learnt subwords"),
    "a merge of truths": ({"merges": [[True, 260]]}, "two ids of learnt subwords"),
    "a merge that gives nothing": ({"merges": [[len(CARD["vocabulary"]) - 1] * 2]}, "which is not a subword"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_card_gets_a_sentence(what: str):
    changes, sentence = DAMAGED[what]
    with pytest.raises(ValueError, match=sentence):
        Subwords.of_card(CARD | changes)
    assert len(BYTES) == 256
