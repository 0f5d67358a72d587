"""From probes to answers: by hand on made-up probes, and from pairs to the card of a checkpoint."""

import json

import numpy as np
import pytest

from explorer.analysis.attention_tests import Alignment, divergence, strongest
from models.checkpoint import read_card
from models.translation import data as translation_data
from models.translation import ibm1
from models.translation.attention_perturbation import Probe, alike, probe
from models.translation.experiments.attention import QUESTIONS, answers, described, linked
from models.translation.translate import by_words
from models.vocabulary.subwords import END
from tests.models.command_line import call
from tests.models.translation.tiny_translation import save_tiny_translator, sentences, tiny_translator, vocabulary

PIECES = vocabulary()
LEXICON = ibm1.fit([["red"], ["cat"], ["two"]], [["rouge"], ["chat"], ["deux"]], 20)


def made_up(source: str, target: str, columns: list[int], uniform: float, permuted: float) -> Probe:
    """A probe whose rows each look at the pieces of one word; its own cost is 1 nat, and its attention follows the moved states."""
    sides = [(*PIECES.encode(text), END) for text in (source, target)]
    words = [[pieces for _, pieces in PIECES.words(side)] for side in sides]
    weights = np.zeros(tuple(map(len, reversed(sides))))
    for row, pieces in enumerate(words[1]):
        weights[np.ix_(pieces, words[0][columns[row]])] = 1 / len(words[0][columns[row]])
    order = np.roll(np.arange(weights.shape[1]), 1)
    costs = {"own": 1.0, "states": 1.0, "uniform": uniform, "permuted": permuted}
    return Probe(sides[0], sides[1], weights, tuple(order.tolist()), weights[:, order], costs)


def test_answers_by_hand():
    """Word 0 was written from source word 2 and so on: the end marks count in the costs, but not as links."""
    straight = made_up("red cat two", "rouge chat deux", [0, 1, 2, 3], 5.0, 9.0)
    turned = made_up("two cat red", "rouge chat deux", [2, 1, 0, 3], 5.0, 9.0)
    answered = answers([straight, turned] * 5, PIECES, LEXICON)
    assert set(QUESTIONS) < answered.keys()
    assert (answered["looks"].says, answered["looks"].value, answered["looks"].sentences) == ("yes", 1, 10)
    assert answered["used_uniform"].value == pytest.approx(4 / 4) and answered["used_permuted"].value == pytest.approx(8 / 4)
    assert answered["used"] == answered["used_uniform"] and answered["used"].says == "yes"
    assert (answered["points"].says, answered["points"].value) == ("yes", 0)
    # Rows 0 and 2 look at one column and the nine others' average has 5/9 (or 4/9) there; rows 1 and 3 are always the same.
    assert answered["beyond_position"].value == pytest.approx((np.log2(9 / 4) + 0) / 2, rel=1e-4)
    wrong = made_up("two cat red", "rouge chat deux", [3, 3, 3, 0], 1.0, 1.05)
    answered = answers([wrong] * 10, PIECES, LEXICON)
    assert (answered["points"].says, answered["points"].value, answered["used"].says) == ("no", 1, "no")


def test_descriptions_by_hand():
    probe = made_up("red cat two", "rouge chat deux", [0, 1, 2, 3], 1.0, 1.0)
    on_end = made_up("red cat two", "rouge chat deux", [3, 3, 3, 3], 1.0, 1.0)
    assert described([probe], PIECES) == {"evenness": 0, "off_diagonal": 0, "on_end_mark": 0.25}
    assert described([on_end], PIECES) == {"evenness": 0, "off_diagonal": pytest.approx(0.5), "on_end_mark": 1}


@pytest.fixture
def quotas(monkeypatch):
    monkeypatch.setattr(translation_data.split, "__defaults__", ((120, 120, 0, 0, 0),))


def test_the_card_of_a_checkpoint_gets_its_answers(tmp_path, capsys, quotas):
    file, data = tmp_path / "tiny.safetensors", tmp_path / "pairs.tsv"
    data.write_text("".join(f"{english}\t{french}\n" for english, french in sentences(900)))
    save_tiny_translator(file, attention="decoder")
    command = ["measure", file, "attention", "--data", data, "--json"]
    dry = json.loads(call(capsys, *command, "--dry")[1])
    assert "answers" not in read_card(file)
    out = call(capsys, *command)[1]
    measured = read_card(file)["answers"]
    assert json.loads(out) == measured == dry
    assert measured["looks"]["says"] == "no" and measured["points_by_hand"]["sentences"] == 32 and measured["points"]["sentences"] >= 60
    assert 0 < measured["points_by_hand"]["ibm1"] <= 1 and measured["points_by_hand"]["diagonal"] == pytest.approx(0.36, abs=0.1)
    loaded = tiny_translator("decoder")
    dev = translation_data.split(translation_data.read(data)).dev
    probes = probe(loaded.module, loaded.vocab, alike(dev))
    stays = sum(divergence(probed.permuted.astype(float), probed.weights.astype(float)).sum() for probed in probes)
    follows = sum(divergence(probed.permuted.astype(float), probed.weights[:, list(probed.order)].astype(float)).sum() for probed in probes)
    assert measured["looks"]["value"] == pytest.approx(stays / (stays + follows), abs=1e-3)


def test_the_end_marks_are_neither_linked_nor_expected():
    loaded = tiny_translator("additive")
    probed = probe(loaded.module, loaded.vocab, sentences(1))[0]
    source, target, weights = by_words(loaded.vocab, probed.source, probed.target, probed.weights)
    links = strongest(Alignment(tuple(source), tuple(target), weights), len(source) - 1)
    words = linked([Alignment(tuple(source), tuple(target), weights)])[0]
    assert words == {(row, column) for row, column in links if row < len(target) - 1}
