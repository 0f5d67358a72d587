"""The matrix of one-hot vectors: a single 1 in each column, in the row of the token that is read there."""

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures.one_hot import one_hot, table
from explorer.figures.theme import sentence_of
from tests.explorer.figures.test_hello import rows

VOCABULARY = ["\N{REPLACEMENT CHARACTER}", " ", "-", "a", "b"]


def test_each_column_has_a_single_1_in_the_row_of_its_token():
    figure = one_hot([4, 3, 1, 4], VOCABULARY)
    drawn = {(row["token"], row["position"]) for row in rows(figure, "value") if row["value"] == 1}
    assert drawn == {("b", 1), ("a", 2), ("space", 3), ("b", 4)} and len(rows(figure, "value")) == 20
    assert {row["token"] for row in rows(figure, "value")} == {"unknown", "space", "hyphen", "a", "b"}
    assert "of 5 numbers" in sentence_of(figure) and sentence_of(figure).endswith("b, a, space, b.")
    assert (table([4, 3, 1, 4], VOCABULARY).drop(columns="token").to_numpy() == np.eye(5, dtype=int)[:, [4, 3, 1, 4]]).all()


@pytest.mark.parametrize("ids", [[], [5], [0, -1]])
def test_what_is_not_in_the_vocabulary_is_refused(ids: list[int]):
    with pytest.raises(AnalysisError, match=r"expected one or more, each from 0 to 4\."):
        one_hot(ids, VOCABULARY)
