"""Concept tracks, worked out by hand: under each text stand the characters that are on."""

import numpy as np
import pytest

from explorer.analysis import regex_track as analysis_regex_track
from explorer.analysis.regex_track import regex_track
from explorer.analysis.tracks import CONCEPTS, fitting, range_track, track
from explorer.errors import AnalysisError

ON = {
    "inside [[ ]]": [
        ("a [[lamp]] b", "    1111    "),
        ("[[x|y]][[z]]", "  111    1  "),
        ("[[a [[b]] c]]", "  1111111111 "[:9] + "1111"[:2] + "  "),
        ("[[open to the end", "  111111111111111"),
        ("[[a\n\nb", "  1   "),
        ("[a] ]] [[b]]", "         1  "),
    ],
    "inside {{ }}": [("{{a\n\n{{b}} c}} d", "  1111111111    "), ("{x} {{y}}", "      1  ")],
    "inside <ref>": [
        ("a<ref>bc</ref>d", "      11       "),
        ('<ref name="x">b</ref>', "              1      "),
        ("<ref name=x/>b", "              "),
        ("&lt;ref name=x /&gt;&lt;br&gt;b", " " * 30 + " "),
        ("&lt;ref&gt;b&lt;/ref&gt;c", "           1             "),
        ("<references>b", "             "),
    ],
    "inside < >": [("a <br> &lt;i&gt; <\n", "   11      1       ")],
    "URL": [
        ("see http://a.b/c?d=1&amp;e here", "           111111111111111     "),
        ("[https://x.y z]|", "         111    "),
        ("http no", "       "),
    ],
    "heading": [("== A b ==\nc = d", "  11111  " + " " * 6)],
    "inside { }": [("f() { a('{'); /* } */ }", "     11111111111111111 "), ("x\n}\ny", "     ")],
    "inside ( )": [("a (b (c)) d", "   11111   "), ("(a\n\nb", " 1   ")],
    "quotes": [
        ('x = "a\\"b" + c;', "     1111      "),
        ('\'"\' + "a"', "       1 "),
        ('/* "no" */ "y"', "            1 "),
        ('"open\nnext"', " 1111      "),
    ],
    "comment": [("a /* b */ c // d\ne", "    111       11  "), ('"/* no */" http://x', " " * 19), ("/*/ a", "  111")],
    "speaker's name": [("ROMEO:\nO!\n\nFirst Guard:\nHa:\n", "11111     " + " 11111111111" + "      "), ("\n\nno:\n", " " * 6)],
}


@pytest.mark.parametrize(("concept", "text", "on"), [(name, *case) for name, cases in ON.items() for case in cases])
def test_binary_concepts(concept: str, text: str, on: str):
    assert len(on) == len(text), "the test itself is askew"
    assert "".join("1" if v else " " for v in track(text, concept)) == on


@pytest.mark.parametrize(
    ("concept", "text", "values"),
    [
        ("nesting depth", "a(b[c]){d", [0, 0, 1, 1, 2, 1, 0, 0, 1]),
        ("nesting depth", '{"("', [0, 1, 1, 1]),
        ("nesting depth", "{{a\n}\nb", [0, 1, 2, 2, 0, 0, 0]),
        ("indentation", "a\n\tb\n  c", [0, 0, 8, 8, 0, 1, 2, 2]),
        ("indentation", "  \tx", [1, 2, 8, 8]),
        ("position in line", "ab\nc\n\nd", [1, 2, 0, 1, 0, 0, 1]),
        ("since the line began", "\nabc", [0, 1, np.log2(3), 2]),
        ("since the word began", "ab, c", [1, 2, 0, 0, 1]),
    ],
)
def test_numeric_concepts(concept: str, text: str, values: list):
    assert track(text, concept) == pytest.approx(values)


def test_every_concept_is_tested_and_told():
    tested = set(ON) | {"nesting depth", "indentation", "position in line", "since the line began", "since the word began"}
    assert tested == set(CONCEPTS)
    for name, concept in CONCEPTS.items():
        assert concept.sentence.endswith(".") and concept.is_binary == (name in ON)


@pytest.mark.parametrize("concept", CONCEPTS)
@pytest.mark.parametrize("text", ["", "\n", "[[", "]]", "a\u2028b\x0bc\r\n", "\N{GRINNING FACE}" * 3])
def test_odd_texts_keep_their_length(concept: str, text: str):
    values = track(text, concept)
    assert values.shape == (len(text),) and values.dtype == np.float32 and np.isfinite(values).all()


@pytest.mark.parametrize("concept", sorted(set(CONCEPTS) - {"speaker's name"}))
def test_a_track_knows_no_future(concept: str):
    """Cutting the text leaves the track before the cut as it was (but for a mark or a constant cut in two)."""
    text = 'a [[b|c]] {{d}} <ref>e http://f.g</ref>\n== h ==\nif (x) {\n\t/* y */ "z";\n}\n'
    whole = track(text, concept)
    differs = sum(not np.array_equal(track(text[:cut], concept)[:-1], whole[: cut - 1]) for cut in range(1, len(text)))
    assert differs < len("</ref>")


def test_tokens_of_several_characters_count_as_their_last():
    assert track(["a", "[[", "bc", "]]", "d"], "inside [[ ]]").tolist() == [0, 0, 1, 0, 0]
    assert track(["ab", "\n", "cde"], "position in line").tolist() == [2, 0, 3]


def test_unknown_concept():
    with pytest.raises(AnalysisError, match=r"There is no concept 'joy'; expected one of inside \[\[ \]\], "):
        track("a", "joy")


def test_fitting_leaves_out_what_the_text_does_not_have():
    names = fitting("to [[the]] sea and [[far]] away", at_least=5)
    assert "inside [[ ]]" in names and "URL" not in names and "comment" not in names
    assert "position in line" in names and "indentation" not in names
    assert "inside [[ ]]" not in fitting("to [[the]] sea and [[far]] away", at_least=7)
    assert fitting("") == {}


def test_range_track():
    assert range_track(5, 1, 3).tolist() == [0, 1, 1, 0, 0]
    for start, stop in ((3, 3), (-1, 2), (0, 6)):
        with pytest.raises(AnalysisError, match=r"expected 0 <= start < stop <= 5"):
            range_track(5, start, stop)


def test_regex_track():
    assert regex_track("a12b3", r"\d").tolist() == [0, 1, 1, 0, 1]
    assert regex_track("[[ab]] [[c]]", r"\[\[(.*?)\]\]").tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0]
    assert regex_track("a\nab", "^a").tolist() == [1, 0, 1, 0]
    assert regex_track("\N{GRINNING FACE}a\ud800", "a").tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", r"is not a regular expression: missing \)"),
        ("", "has 0 characters; expected 1 to 500"),
        ("x" * 501, "has 501 characters"),
        ("q", r"matches nothing in this text\.$"),
        ("(q)?a", "matches nothing"),
    ],
)
def test_bad_patterns_get_a_sentence(pattern: str, sentence: str):
    with pytest.raises(AnalysisError, match=sentence):
        regex_track("aaa", pattern)


def test_a_catastrophic_pattern_is_stopped(monkeypatch):
    """Left alone the search takes 2 to the power of 100 steps: that the test ends is half of what it shows."""
    monkeypatch.setattr(analysis_regex_track, "SECONDS", 0.1)
    with pytest.raises(AnalysisError, match=r"took more than 0\.1 seconds\. Repeats inside repeats"):
        regex_track("a" * 100, "(a+)+b")


def test_a_greedy_pattern_and_a_long_text_are_stopped(monkeypatch):
    with monkeypatch.context() as tight, pytest.raises(AnalysisError, match=r"needs too much memory"):
        tight.setattr(analysis_regex_track, "MEMORY", 1 << 20)
        regex_track("a" * 100_000, "a")
    monkeypatch.setattr(analysis_regex_track, "LONGEST_TEXT", 3)
    with pytest.raises(AnalysisError, match=r"The text has 4 characters; a pattern can be searched in at most 3\."):
        regex_track("aaaa", "a")
