"""Words of captions: lower case, what is kept and what is left out, rare words."""

import pytest

from models.vocabulary.subwords import END, PAD, START
from models.vocabulary.words import FIXED, RARE, Words, plain


def test_plain_by_hand():
    assert plain("A dog's t-shirt , \"red\" (no. 7) - it's 2nd!") == ["a", "dog's", "t-shirt", "red", "no", "7", "it's", "2nd"]
    assert plain("The man 's snow-covered hat ’s .") == ["the", "man", "'s", "snow-covered", "hat", "'s"]
    assert plain(" . , - ' ") == []


def test_rare_words_share_a_mark():
    words = Words.learn(["a dog runs", "A dog .", "a cat"], at_least=2)
    assert words.tokens == (*FIXED, "a", "dog") and len(words) == 6
    assert words.encode("A dog sees a bird .") == [4, 5, RARE, 4, RARE]
    assert words.decode([START, 4, 5, END, PAD]) == "a dog" and "\N{REPLACEMENT CHARACTER}" in words.decode([RARE])
    assert Words.of_card(words.card()) == words
    assert words.encode("<s> </s>") == [RARE, RARE]  # typing a mark spells it


def test_damaged_vocabularies_get_a_sentence():
    with pytest.raises(ValueError, match="starts with <pad>"):
        Words(("a", "dog"))
    with pytest.raises(ValueError, match="lists each word once"):
        Words((*FIXED, "a", "a"))
