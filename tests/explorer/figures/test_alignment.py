"""Figures of translation: the alignment, the beam's tree and BLEU by length hold the values they were given."""

import re
from itertools import pairwise

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures import alignment
from explorer.figures.beam import tree
from explorer.figures.bleu import Score, by_length
from explorer.figures.export import alt_text, to_svg
from explorer.records import Alignment
from tests.explorer.figures.facts import says
from tests.explorer.figures.figure_examples import ALIGNED, BEAM, BLEU, EVEN, rows


def test_the_matrix_holds_every_weight_on_a_fixed_scale_and_frames_the_chosen_row():
    spec = alignment.matrix(ALIGNED, 1, numbers=True).to_dict()
    cells = {(r["row"], r["column"]): r for r in rows(spec, "row", "column", "weight")}
    assert len(cells) == 20 and all(cells[i, j]["weight"] == ALIGNED.weights[i, j] for i in range(4) for j in range(5))
    assert cells[3, 4]["source"] == "</s>" and cells[3, 0]["target"] == "→"  # a tab is seen
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == [0, 1] and scale["type"] == "sqrt"
    assert alignment.matrix(EVEN, is_linear=True).to_dict()["layer"][0]["encoding"]["color"]["scale"]["type"] == "linear"
    (select,) = spec["params"]
    assert select["name"] == "cell" and select["select"]["fields"] == ["row", "column"]
    assert {"filter": "datum.row == 1"} in spec["layer"][1]["transform"]
    drawn = to_svg(alignment.matrix(ALIGNED, 1, numbers=True))
    assert ">0.90<" in drawn and ">voiture<" in drawn and drawn.count(">the<") == 2
    assert says(spec["description"], "voiture", "car", "0.90", "rouge", "red", "0.80")


def test_many_words_make_small_cells_and_leaning_labels():
    wide = Alignment(tuple("abcdefghijklmnop"), ("x",), np.full((1, 16), 1 / 16))
    spec = alignment.matrix(wide).to_dict()
    assert spec["width"] == 16 * 22 and spec["layer"][0]["encoding"]["x"]["axis"]["labelAngle"] == -45


def test_the_difference_is_signed_and_only_of_the_same_words():
    cells = rows(alignment.difference(ALIGNED, EVEN).to_dict(), "weight")
    assert cells[0]["weight"] == pytest.approx(0.7) and cells[1]["weight"] == pytest.approx(-0.2)
    with pytest.raises(AnalysisError, match="different words"):
        alignment.difference(ALIGNED, Alignment(("a",), ("b",), np.ones((1, 1))))


def test_lines_leave_out_what_is_faint_and_dim_what_is_not_chosen():
    drawn = rows(alignment.lines(ALIGNED, 1).to_dict(), "from", "to", "strength")
    assert {(r["row"], r["column"]) for r in drawn} == {(0, 0), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (3, 4)}
    by = {(r["row"], r["column"]): r for r in drawn}
    assert by[1, 2]["strength"] == 0.9 and by[2, 1]["strength"] == pytest.approx(0.12)
    assert by[0, 0]["from"] == 0 and by[0, 0]["to"] == 0.5  # four words centred beside five


def test_lines_begin_at_their_top_and_cut_a_word_that_is_wider_than_their_margin():
    source = ("x" * 300, *"a" * 27)
    drawn = to_svg(alignment.lines(Alignment(source, ("le", "chat"), np.full((2, 28), 1 / 28))))
    (x, y, word), *_ = re.findall(r"<text[^>]*translate\(([\d.]+),([\d.]+)\)[^>]*>([^<]*)", drawn)
    assert float(y) < 24 and float(x) > 100 and len(word) < 20 and word.endswith("…")


def test_one_row_as_bars():
    bars = rows(alignment.row(ALIGNED, 2).to_dict(), "weight")
    assert [r["weight"] for r in bars] == pytest.approx([0, 0.8, 0.2, 0, 0]) and says(
        alt_text(alignment.row(ALIGNED, 2)), "rouge", "red", "0.80"
    )
    figure = alignment.row(ALIGNED, 2, scores=np.array([0.5, 3.0, 1.0, -2.0, 0.0]))
    assert [r["score"] for r in rows(figure.to_dict(), "weight", "score")] == [0.5, 3.0, 1.0, -2.0, 0.0]
    assert says(alt_text(figure), "Scores before the softmax", "red", "3.00")
    with pytest.raises(AnalysisError, match="There are 2 scores for 5 source words"):
        alignment.row(ALIGNED, 2, scores=np.zeros(2))
    with pytest.raises(AnalysisError, match="no target word 9"):
        alignment.row(ALIGNED, 9)
    with pytest.raises(AnalysisError, match="The translation is empty"):
        alignment.matrix(Alignment(("a",), (), np.zeros((0, 1))))


def placed(**options) -> dict[int, dict]:
    return {row["node"]: row for row in rows(tree(BEAM, 5, **options).to_dict(), "node", "x", "on_path")}


def test_the_beams_tree_puts_parents_amid_their_children_and_follows_the_chosen_sentence():
    kept, every = placed(), placed(pruned=True)
    assert set(kept) == {0, 1, 2, 4, 5, 6} and set(every) == set(range(7))
    assert [every[n]["x"] for n in range(7)] == [0, 0, 1, 1, 1, 2, 2]
    assert every[0]["y"] == (every[2]["y"] + every[3]["y"]) / 2 and kept[0]["y"] == kept[2]["y"]
    assert len({every[n]["y"] for n in (3, 5, 6)}) == 3  # leaves stand apart
    assert {n for n, row in every.items() if row["on_path"]} == {0, 2, 5}
    assert every[3]["state"] == "dropped" and every[3]["strength"] < every[2]["strength"]
    assert "la maison </s>" in alt_text(tree(BEAM, 5)) and says(alt_text(tree(BEAM, 5)), "6", "1", "dropped")
    with pytest.raises(AnalysisError, match="There is no word 7"):
        tree(BEAM, 7)


def test_bleu_by_length_draws_each_interval():
    drawn = rows(by_length(BLEU).to_dict(), "low", "high", "name")
    assert [(row["name"], row["length"], row["low"], row["high"]) for row in drawn][:2] == [
        ("additive", "1-5", 48, 52),
        ("additive", "6-8", 43, 47.5),
    ]
    assert says(alt_text(by_length(BLEU)), "none", "1-5", "47.0", "6-8", "30.0")
    alike = {
        name: [Score("1-5", 30.0 + n / 10, 29.0, 31.0, 10), Score("6-8", 20.0 + n / 10, 10.0, 40.0, 10)] for n, name in enumerate("abcde")
    }
    labels = next(d for d in by_length(alike).to_dict()["datasets"].values() if {row["length"] for row in d} == {"6-8"})
    heights = sorted(row["bleu"] for row in labels)
    assert min(b - a for a, b in pairwise(heights)) > 1.5  # names of lines that end together do not lie on each other
    with pytest.raises(AnalysisError, match="no BLEU by length"):
        by_length({"additive": []})
