"""The wiring of the glass box does what it says, and the instruments find what they can find in it."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import explorer
import models
from models.char_lm.experiments.known_wiring import CORRELATION, LOGITS, PAIRS, SILENCE, findings, shares
from models.char_lm.glass_box import LETTERS, ON, TRUTH, glass_box, tracks, units_of, written_text
from models.checkpoint import Loaded
from tests.models.command_line import call

SEEDS = range(4)


def run(loaded: Loaded, text: str, units: list[int] | None = None) -> tuple[torch.Tensor, Any]:
    """Log probabilities [time, vocab] after each character, with some units at 0, and the trace."""
    module: Any = loaded.module
    ids = torch.tensor([loaded.vocab.encode(text)])
    with torch.inference_mode():
        if units:
            with explorer.intervene(module, "rnn", units=units) as silent:
                return silent(ids)[0][0].log_softmax(-1), None
        with explorer.record(module) as recording:
            logits, _ = module(ids)
    return logits[0].log_softmax(-1), recording.trace(text)


def costs_at(logs: torch.Tensor, loaded: Loaded, text: str, letters: str) -> np.ndarray:
    """Nats of the characters of a text that are among some letters."""
    ids = loaded.vocab.encode(text)
    return np.array([-float(logs[at, ids[at + 1]]) for at in range(len(text) - 1) if text[at + 1] in letters])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_role_holds_what_it_is_there_for(seed: int):
    loaded, wiring = glass_box(seed)
    text = written_text(loaded, 800, seed)
    cells = run(loaded, text)[1].cell[:, 0]
    own = {role: wiring.sign[role] * cells[:, unit] for role, unit in wiring.role.items()}
    depth = np.cumsum([(letter == "(") - (letter == ")") for letter in text])
    known = tracks(text)
    np.testing.assert_allclose(own["counter"], 0.5 * depth, atol=1e-4)
    np.testing.assert_allclose(own["decoy"], 0.4 * depth, atol=1e-4)
    np.testing.assert_allclose(own["quote"], np.tanh(5) * known['"'], atol=1e-3)
    for role in ("twin 1", "twin 2"):
        np.testing.assert_allclose(own[role], ON * known["xy>"], atol=1e-4)
    np.testing.assert_allclose(own["star"] * own["hash"], ON**2 * known["!"], atol=1e-4)
    np.testing.assert_array_equal(known[")"], depth > 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_lost_without_each_role(seed: int):
    loaded, wiring = glass_box(seed)
    text, unit = written_text(loaded, 1_500, seed), wiring.role
    logs, _ = run(loaded, text)
    assert torch.equal(logs, run(loaded, text, [unit["decoy"]])[0]), "nothing reads it"
    noise = sorted(set(range(wiring.units)) - set(unit.values()))
    assert torch.equal(logs, run(loaded, text, noise)[0])
    lost = lambda letters, *roles: float(  # noqa: E731
        (
            costs_at(run(loaded, text, [unit[role] for role in roles])[0], loaded, text, letters) - costs_at(logs, loaded, text, letters)
        ).mean()
    )
    assert lost(")", "counter") > 1 and lost('"', "quote") > 0.3
    assert max(lost("xy>", "twin 1"), lost("xy>", "twin 2")) < 1e-3 and lost("xy>", "twin 1", "twin 2") > 5, "one of them is enough"
    assert min(lost("!", "star"), lost("!", "hash")) > 5, "it takes both"


def test_the_text_keeps_its_rules():
    loaded, _ = glass_box(0)
    text = written_text(loaded, 1_500, 0)
    known = tracks(text)
    for at, (before, after) in enumerate(pairwise(text)):
        assert (after in "xy>") == bool(known["xy>"][at]), (at, before, after)
        assert (after == "!") == bool(known["!"][at])
    assert len(set(text)) == len(LETTERS) and text == written_text(loaded, 1_500, 0) != written_text(loaded, 1_500, 1)


def test_what_each_instrument_finds():
    loaded, wiring = glass_box(1)
    truths = {letters: units_of(wiring, roles) for letters, (roles, _) in TRUTH.items()}
    results, (right, writes) = findings(loaded, written_text(loaded, 3_000, 1), truths)
    assert list(results) == list(TRUTH) and right / writes > 0.99
    for letters, truth in truths.items():
        assert results[letters][PAIRS] == truth <= results[letters][LOGITS]
    assert results["xy>"][SILENCE] == set(), "twins hide each other"
    assert all(results[letters][SILENCE] == truths[letters] for letters in (")", '"', "!"))
    assert results[")"][CORRELATION] == units_of(wiring, ("counter", "decoy")), "a correlation cannot tell the decoy"


def test_the_measurement_counts(capsys, tmp_path):
    code, out, _ = call(capsys, "measure", "char_lm", "wiring", "--wirings", 1, "--characters", 800, "--file", tmp_path / "known.json")
    measured = json.loads((tmp_path / "known.json").read_text())
    assert code == 0 and "silencing one unit: precision 1.00" in out and measured["tests"] == 4
    for one in measured["instruments"].values():
        assert 0 <= one["right"] <= min(one["named"], one["used"]) and one["used"] == 6
    shipped = json.loads((models.FOLDER / "known-wiring.json").read_text())["instruments"]
    assert shares(shipped[SILENCE])[1] < shares(shipped[PAIRS])[1], "pairs find what hides"
    assert shares(shipped[CORRELATION])[0] < shares(shipped[PAIRS])[0], "the decoy is no finding"
