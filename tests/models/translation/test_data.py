"""Sentence pairs: reading them, splitting them without leaks, and finding near twins."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.corpora import DataError
from models.translation import data as translation_data
from models.translation.data import bucket, bucket_names, grouped, near_twins, read, split, turned
from tests.models.translation.tiny_translation import sentences


def test_a_file_is_read_and_each_pair_stands_once(tmp_path):
    text = "Go.\tVa\u202f!\nGo.\tMarche.\tCC-BY\tsomeone\n\nGo.\tVa\u00a0!\r\n I see .\t Je\u2009vois .\u2028"
    (tmp_path / "a.tsv").write_bytes(text.encode())
    assert read(tmp_path / "a.tsv") == [("Go.", "Va !"), ("Go.", "Marche."), ("I see .", "Je vois .")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Go.\nLeave.\n", r"holds no pairs; expected lines of English, a tab, French\. Line 1: it does not hold two sentences\."),
        ("Go.\t \n", r"holds no pairs; .* Line 1: it does not hold two sentences\."),
        ("en\tfr\n", r"holds no pairs; expected lines of English, a tab, French\.$"),
        ("Je vois un chien.\tI see a dog.\n", "The first column of .* looks French: are the columns swapped?"),
        ("\n \n", "holds no pairs"),
        ("", "is empty"),
    ],
)
def test_a_file_without_pairs_gets_a_sentence(tmp_path, text: str, sentence: str):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(DataError, match=sentence):
        read(tmp_path / "a.tsv")


@pytest.mark.parametrize(
    "text",
    [
        "en\tfr\nI see a dog.\tJe vois un chien.\nShe reads, too.\tElle lit aussi.\n",
        'English,French\nI see a dog.,Je vois un chien.\n"She reads, too.",Elle lit aussi.\n',
        '"I see a dog.","Je vois un chien."\n"She reads, too.","Elle lit aussi."\n',
        "sep=;\nFrançais;Anglais\nJe vois un chien.;I see a dog.\nElle lit aussi.;She reads, too.\n",
        "id\tsource\ttarget\n1\tI see a dog.\tJe vois un chien.\n2\tShe reads, too.\tElle lit aussi.\n",
        "I see a dog.\tJe vois un chien.\tCC-BY\nShe reads, too.\tElle lit aussi.\tCC-BY\n",
    ],
)
def test_pairs_of_a_spreadsheet_are_read_rightly(tmp_path, text: str):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert read(tmp_path / "a.csv") == [("I see a dog.", "Je vois un chien."), ("She reads, too.", "Elle lit aussi.")]


def test_pairs_of_other_languages_have_headings_too(tmp_path):
    (tmp_path / "a.tsv").write_text("de\tes\nIch lese.\tLeo.\n", encoding="utf-8")
    assert read(tmp_path / "a.tsv") == [("Ich lese.", "Leo.")]


def test_a_broken_line_does_not_stop_the_rest_and_is_said(tmp_path, caplog):
    (tmp_path / "a.tsv").write_bytes("Go.\tVa !\nGo.\nLeave.\t\nI see.\tJe vois l'été.\n".encode("cp1252"))
    assert read(tmp_path / "a.tsv") == [("Go.", "Va !"), ("I see.", "Je vois l'été.")]
    assert "a.tsv: line 2 is left out: it does not hold two sentences." in caplog.text and "line 3 is left out" in caplog.text
    assert "read as Windows-1252" in caplog.text


def test_references_are_grouped_by_source_in_either_direction():
    rows = [("Go.", "Va !"), ("Leave.", "Va !"), ("Go.", "Marche.")]
    assert grouped(turned(rows, "en-fr")) == {"Go.": ["Va !", "Marche."], "Leave.": ["Va !"]}
    assert grouped(turned(rows, "fr-en")) == {"Va !": ["Go.", "Leave."], "Marche.": ["Go."]}


def test_buckets_are_by_words():
    counts = Counter(bucket_names()[bucket(" ".join("w" * n))] for n in range(1, 31))
    assert counts == {"1-5": 5, "6-8": 3, "9-11": 3, "12-15": 4, "16+": 15}


def tangled(seed: int, rows: int) -> list[tuple[str, str]]:
    """Few distinct sentences, so that chains are long; lengths of all buckets."""
    drawn = random.Random(seed)
    lengths = [drawn.randint(1, 40) for _ in range(rows)]
    return list(dict.fromkeys((" ".join(f"e{k}" for k in range(n)), f"f{drawn.randrange(3 * rows)}") for n in lengths))


@given(st.integers(0, 1_000), st.integers(20, 200))
@settings(max_examples=40, deadline=None)
def test_no_sentence_of_either_language_is_in_both_training_and_dev(seed: int, rows: int):
    data = tangled(seed, rows)
    try:
        parts = split(data)
    except DataError:
        return
    assert sorted(parts.train + parts.dev) == sorted(data) and parts.train and parts.dev
    for side in (0, 1):
        assert not {pair[side] for pair in parts.train} & {pair[side] for pair in parts.dev}


def test_pairs_linked_only_through_others_stay_together():
    chain = [(f"e{k}", f"f{k}") for k in range(30)] + [(f"e{k}", f"f{k + 1}") for k in range(29)]
    others = [(f"x{k}", f"y{k}") for k in range(60)]
    parts = split(chain + others)
    assert len({pair in parts.dev for pair in chain}) == 1


def test_each_length_has_its_quota_and_long_ones_are_taken_first():
    drawn = random.Random(0)
    data = [(" ".join(f"w{drawn.randrange(999)}" for _ in range(n)) + f" {k}", f"f{k}") for k in range(300) for n in (3, 7, 10, 14, 20)]
    data = [(english, f"{french} {len(english.split())}") for english, french in data]
    parts = split(data, quotas=(10, 20, 30, 40, 500))
    counts = Counter(bucket(english) for english in grouped(parts.dev))
    assert [counts[index] for index in range(5)] == [10, 20, 30, 40, 100]  # of 300, never more than a third
    assert split(data, quotas=(10, 20, 30, 40, 500)) == parts


def test_too_few_pairs_to_cut():
    with pytest.raises(DataError, match="There are 2 pairs; expected enough"):
        split([("a", "b"), ("c", "d")])


def words_apart(one: str, other: str) -> int:
    """Levenshtein distance between words, the plain table."""
    a, b = one.casefold().split(), other.casefold().split()
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


WORDY = st.lists(st.sampled_from("abcA"), min_size=1, max_size=5).map(" ".join)


@given(st.lists(WORDY, max_size=6), st.lists(WORDY, max_size=6))
@settings(max_examples=300, deadline=None)
def test_near_twins_are_those_at_most_one_word_away(some: list[str], training: list[str]):
    expected = {sentence for sentence in some if any(words_apart(sentence, other) <= 1 for other in training)}
    assert near_twins(some, training) == expected


def test_the_made_up_languages_can_be_cut():
    parts = split(sentences(300))
    assert len(parts.dev) > 50 and translation_data.SEED == 1
