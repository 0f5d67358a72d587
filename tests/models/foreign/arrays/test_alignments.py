"""Alignments as others save them: each format by hand, and the sentence that each fault gets."""

import json

import numpy as np
import pytest

from explorer.errors import CheckpointError
from models.foreign.experiments.arrays import alignments
from models.foreign.experiments.arrays.alignments import END, NULL, of_matrix, of_text
from models.foreign.experiments.arrays.contents import contents
from tests.models.foreign.arrays.test_contents import npz

# As Nematus writes it: the weights have a column and a row for the end of the sentence, which the sentences do not show.
NEMATUS = """0 ||| Obama welcomes ||| 0 ||| Obama empf@@ ängt ||| 4 3
0.72 0.05 0.13 0.1
0.05 0.74 0.01 0.2
0.01 0.02 0.07 0.9

7 ||| yes ||| -1.5 ||| ja ||| 2 2
0.9 0.1
0.25 0.75
"""


def test_nematus():
    first, second = of_text(NEMATUS.encode(), "a.txt")
    assert first.source == ("Obama", "empf@@", "ängt", END) and first.target == ("Obama", "welcomes", END)
    assert first.weights[1].tolist() == [0.05, 0.74, 0.01, 0.2] and second.weights[1].tolist() == [0.25, 0.75]


def test_marian_says_no_source_so_it_is_counted():
    (one,) = of_text(b"3 ||| le chat ||| 0.9,0.1,0 0.2,0.8,0 0,0,1 ||| F0= -2.1 ||| -1\n", "a.txt")
    assert one.source == ("1", "2", "3") and one.target == ("le", "chat", END) and one.weights[1].tolist() == [0.2, 0.8, 0]
    assert of_text(b"le chat ||| 0.9,0.1 0.2,0.8\n", "a.txt")[0].target == ("le", "chat")


def test_word_alignments_share_a_row_and_a_word_without_a_link_has_a_column_of_its_own():
    (one,) = of_text(b"the red car ||| la voiture rouge vite ||| 0-0 2-1 1-2 0-2\n", "a.txt")
    assert one.source == ("the", "red", "car", NULL) and one.weights.tolist() == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0.5, 0.5, 0, 0],
        [0, 0, 0, 1],
    ]
    (all_linked,) = of_text(b"a b\tx y\t0-0 1-1\n", "a.txt")
    assert all_linked.source == ("a", "b") and all_linked.weights.tolist() == [[1, 0], [0, 1]]


def test_json_one_a_list_or_one_per_line():
    one = {"source": ["a", "b"], "target": "x", "weights": [[0.25, 0.75]]}
    for content, many in ((json.dumps(one), 1), (json.dumps([one, one]), 2), (json.dumps(one) + "\n" + json.dumps(one), 2)):
        read = of_text(content.encode(), "a.json")
        assert len(read) == many and read[0].source == ("a", "b") and read[0].weights.tolist() == [[0.25, 0.75]]


def test_matrices_in_tables_and_arrays():
    table = of_matrix(contents(b",the,cat\nle,0.9,0.11\nchat,0.2,0.8\n", "a.csv"))
    assert (table.source, table.target) == (("the", "cat"), ("le", "chat")) and table.weights.sum(1).tolist() == [1, 1]
    bare = of_matrix(contents(b"0.5\t0.5\n1\t0\n", "a.tsv"))
    assert bare.source == ("1", "2") and bare.weights.tolist() == [[0.5, 0.5], [1, 0]]
    arrays = of_matrix(contents(npz(weights=np.eye(2), source=np.array(["a"]), target=np.array(["x", "y"])), "a.npz"))
    assert arrays.source == ("a", END) and arrays.target == ("x", "y")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a b ||| x ||| 5-0\n", "'a.txt', line 1, has a link 5-0; expected source-target, counted from 0, below 2 and 1."),
        ("a ||| b\n", "'a.txt', line 1, is no alignment. Expected “source ||| target ||| 0-0 1-2”"),
        ("le ||| 0.9,x 0.1,0.9\n", "has a weight that is no number"),
        ("le chat ||| 0.9,0.1 0.1,0.2,0.7\n", "has rows of different lengths"),
        ("le chat ||| 0.9,0.3 0.1,0.2\n", "sums to 1.2; expected 1"),
        ("{]", "is no JSON"),
        ("[1]", '\'a.txt\', alignment 1, is no object; expected {"source": [...], "target": [...], "weights": [[...]]}'),
        ('{"source": "a b", "target": "x"}', 'has no "weights" as lists of one length'),
        ('{"source": "a b", "target": "x y", "weights": [[1.0]]}', "weights has shape (1, 1); expected (2, 2) = [target, source]"),
        ('{"source": [1], "target": "x", "weights": [[1]]}', "tokens that are no texts"),
        ('{"source": "a", "target": "x", "weights": [["b"]]}', "weights that are no numbers"),
        ('{"source": "a", "target": "x", "weights": [[NaN]]}', "expected 0 or more"),
        ("[]", "holds no alignment"),
        ("", "holds no alignment"),
        ("w " * 200 + "||| x ||| 0-0", "a sentence of more than 150 tokens"),
    ],
)
def test_faults_are_sentences(text: str, sentence: str):
    with pytest.raises(CheckpointError) as error:
        of_text(text.encode(), "a.txt")
    assert sentence in str(error.value)


def test_a_file_holds_so_many(monkeypatch):
    monkeypatch.setattr(alignments, "MOST", 1)
    with pytest.raises(CheckpointError, match="more than 1 alignments"):
        of_text(b"a\tx\t0-0\na\tx\t0-0\n", "a.txt")
