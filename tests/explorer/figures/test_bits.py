"""The figure of bits per character: every series, smooth and raw."""

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures.bits import TOP, bits, smoothed
from explorer.figures.export import alt_text
from tests.explorer.figures.facts import says
from tests.explorer.figures.figure_examples import rows, texts


def test_smoothing_by_hand():
    assert smoothed(np.array([1.0, 2, 3, 4]), 3).tolist() == [1.5, 2, 3, 3.5]
    assert smoothed(np.array([np.nan, 2, 4]), 1).tolist()[1:] == [2, 4] and np.isnan(smoothed(np.array([np.nan, 2, 4]), 1)[0])
    assert smoothed(np.array([np.nan, 2, 4]), 3).tolist() == [2, 3, 3]
    assert smoothed(np.array([1.0, 3]), 50).tolist() == [2, 2]


def test_bits_draw_every_series_smooth_and_raw():
    figure = bits({"wiki-lstm": np.array([np.nan, 2.0, 4.0, 30.0]), "5-gram": np.full(4, 3.0)}, "abcd", window=1, start=100)
    data = rows(figure.to_dict(), "raw", "value")
    by = {(r["series"], r["position"]): r for r in data}
    assert by["wiki-lstm", 101]["value"] == 2 and by["wiki-lstm", 103]["raw"] == 30 and by["wiki-lstm", 103]["clipped"] == 30
    calm = bits({"wiki-lstm": np.array([1.0, 1.0, 1.0, 20.0, 1.0, 1.0, 1.0])}, "abcdefg", window=7).to_dict()
    assert max(r["clipped"] for r in rows(calm, "raw", "value")) == TOP
    assert by["wiki-lstm", 100]["raw"] is None and by["5-gram", 102]["token"] == "c"
    assert says(alt_text(figure), "4", "wiki-lstm", "12.00", "5-gram", "3.00")
    assert ">wiki-lstm</text>" in texts(figure) and ">5-gram</text>" in texts(figure)
    with pytest.raises(AnalysisError, match="wiki-lstm has 3 values; expected 4"):
        bits({"wiki-lstm": np.zeros(3)}, "abcd")
    with pytest.raises(AnalysisError, match="nothing to draw"):
        bits({}, "abcd")
