"""The second half of Find a unit: the unit of the card is silenced on the example text, and what is measured is said as it is."""

import json
import shutil
from functools import cache

import numpy as np
import torch
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.analysis.tracks import needed
from models import checkpoint
from models.char_lm.experiments.window import LEAD
from pages._hidden_states import causes, compute, used
from pages._hidden_states.examples import EXAMPLES
from pages._ui.link import packed
from tests.pages.app import sound
from tests.pages.test_hidden_states import HIDDEN, open_page


def options(**more: str) -> dict:
    return {"panel": "Find a unit", "find.concept": "inside [[ ]]", "layer": "layer 2", "used": "true"} | more


@cache
def guide() -> dict:
    return next(unit for unit in models.available()["wiki-lstm"]["units"] if unit["concept"] == "inside [[ ]]")


def said(page: AppTest) -> str:
    return next(part.value for part in page.markdown if "used for" in part.value and "Chance:" in part.value)


def test_the_unit_of_the_card_is_silenced_on_the_whole_example(monkeypatch):
    monkeypatch.setattr("models.char_lm.experiments.unit_effects.TESTED", 3)
    page = sound(open_page(HIDDEN, **options()))
    example, loaded = EXAMPLES["wiki"], models.load("wiki-lstm")
    ids = torch.tensor([loaded.vocab.encode(example.warm_up + example.text)])
    first, where = len(example.warm_up), np.flatnonzero(needed(example.text, "inside [[ ]]"))
    where = where[where >= LEAD]
    trace = compute.window(compute.View("wiki-lstm", example.text, example.warm_up, 1), loaded).trace
    assert trace.cell is not None
    mean = float(trace.cell[:, 1, guide()["unit"]].mean())
    nats = {}
    steps = range(first, ids.shape[1])
    with explorer.intervene(loaded.module, "rnn", 1, units=guide()["unit"], value=mean, steps=steps) as held, torch.inference_mode():
        for name, module in {"with": loaded.module, "without": held}.items():
            logs = module(ids)[0][0].log_softmax(-1)
            nats[name] = float(np.mean([-logs[first + at - 1, ids[0, first + at]] for at in where]))
    cost = nats["without"] - nats["with"]
    assert f"Without it the {len(where)} characters that need it" in said(page)
    assert f"cost +{cost:.2f} nats more each" in said(page) and f"{nats['with']:.2f} with it" in said(page)
    assert said(page).startswith(f"**Unit {guide()['unit']} is used for “inside [[ ]]”**") and "chosen on other text" in said(page)
    assert "Its rank is 1 of 6 tested units" in said(page)
    # a unit that the first half of this text chose is tested on the second, where there are too few places
    page = sound(open_page(HIDDEN, **options(layer="layer 1")))
    assert "a test needs at least 5" in page.info[0].value and not page.exception


def test_what_was_measured_on_held_out_text_is_said_and_no_longer_for_other_weights(monkeypatch, tmp_path):
    loaded = models.load("wiki-lstm")
    one = {"there": 1.25, "low": 1.0, "high": 1.5, "elsewhere": -0.001, "chance": 0.3, "rank": 2, "places": 47, "units": 768}
    one |= {"is_used": False, "most": [0, 7], "most_there": 1.5}
    line = {"concept": "inside [[ ]]", "layer": 1, "unit": 328, "mean": one}
    entry = {"weights": checkpoint.fingerprint(loaded), "causes": [line]}
    shutil.copy(models.file_of("wiki-lstm.safetensors"), tmp_path)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    for weights, count in ((entry["weights"], 1), ("other", 0)):
        (tmp_path / "wiki-causes.json").write_text(json.dumps({"networks": {"wiki-lstm": entry | {"weights": weights}}}))
        causes.causes.clear()
        page = sound(open_page(HIDDEN, **options(used="false")))
        lines = [part.value for part in page.markdown if part.value.startswith("On held-out text")]
        assert len(lines) == count
    causes.causes.clear()
    assert used.measured(line) == (
        "On held-out text it is **not shown** that unit 328 of layer 2 is used for it: held at its mean, the 47 characters that need "
        "it cost +1.25 nats more each (95 % interval +1.00 to +1.50), all others \N{MINUS SIGN}0.001. Chance is 0.30, the rank 2 of 768 "
        "units. Most is lost without unit 7 of layer 1: +1.50."
    )


def test_a_text_with_too_few_places_gets_a_sentence():
    page = sound(open_page(HIDDEN, **options(text=packed("plain words " * 8 + "a [[bbbb cccc]] " * 3))))
    assert "ends at 3 of the characters that count here; a test needs at least 5" in page.info[0].value
