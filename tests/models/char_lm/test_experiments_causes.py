"""Effects of all units in batches are those of one run for each, in double precision; the measurement writes them beside the others."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import explorer
import models
from explorer.analysis.tracks import needed
from explorer.errors import AnalysisError
from models import checkpoint
from models.char_lm.experiments import causes, unit_effects
from models.char_lm.experiments.held import held_at
from models.char_lm.experiments.unit_effects import all_effects, all_units, chosen_parts, passages
from models.char_lm.experiments.window import Layer, read_window, record_window
from models.char_lm.reading import read
from models.checkpoint import Loaded, fingerprint
from models.foreign.network import FoundNetwork
from tests.models.command_line import call
from tests.models.tiny import tiny

TEXT = "a [[bad]] cab [[face ab]]\nfed " * 12


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    for name, value in {"ROWS": 4, "CHUNK": 7, "LEAD": 5}.items():
        monkeypatch.setattr(unit_effects, name, value)


@pytest.mark.parametrize("instead", causes.REPLACEMENTS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_effects_are_those_of_one_run_for_each_unit(cell: str, instead: str):
    loaded = tiny(cell=cell)
    loaded = replace(loaded, module=loaded.module.double())
    module: Any = loaded.module
    chosen = passages(loaded, read(loaded, TEXT, window=40), [1, 3])
    units = [unit for unit in all_units(loaded) if unit != (0, 2)]
    effects = all_effects(loaded, chosen, units, instead)
    assert effects.shape == (11, 70)
    states = np.concatenate([one.own for one in chosen])
    for part, there in enumerate(chosen):
        ids, state = torch.tensor([loaded.vocab.encode(TEXT[there.start : there.start + 40])]), there.state
        assert torch.equal(ids, there.ids)
        nats = lambda network: -network(ids, state)[0][0].log_softmax(-1)[range(4, 39), ids[0, 5:]]  # noqa: E731, B023
        for row, (layer, unit) in enumerate(units):
            mates = [one for where, one in units if where == layer]
            batch = mates.index(unit) // 4 * 4  # values of the units of a batch are drawn together
            values = held_at(states[:, layer, mates[batch : batch + 4]], 40, instead)[:, [mates.index(unit) - batch]]
            values = np.repeat(values, 40 // len(values), axis=0)
            with explorer.intervene(module, "rnn", layer, units=unit, value=values, steps=range(40)) as held, torch.inference_mode():
                expected = (nats(held) - nats(module)).numpy()
            np.testing.assert_allclose(effects[row, 35 * part : 35 * part + 35], expected, atol=1e-6)


def test_what_units_are_held_at():
    own = np.random.default_rng(1).normal(size=(30, 2))
    assert not held_at(own, 9, "zero").any()
    np.testing.assert_allclose(held_at(own, 9, "mean"), own.mean(0, keepdims=True))
    drawn = held_at(own, 9, "elsewhere")
    assert drawn.shape == (9, 2) and np.isin(drawn[:, 0], own[:, 0]).all() and np.isin(drawn[:, 1], own[:, 1]).all()


def test_windows_are_chosen_where_concepts_are_needed_above_all_rare_ones():
    often, rare = np.zeros(60, bool), np.zeros(60, bool)
    often[[6, 16, 17, 56]] = True
    rare[[28, 56]] = True
    often[3] = rare[44] = True  # before prediction 5 of a window nothing is counted
    assert chosen_parts({"often": often, "rare": rare}, 10, 1) == [5]
    assert chosen_parts({"often": often, "rare": rare}, 10, 3) == [1, 2, 5]
    assert chosen_parts({"often": often, "rare": rare}, 10, 9) == [0, 1, 2, 3, 4, 5]


def test_where_concepts_are_needed():
    text = "a [[b]] c\n== d ==\n  e\n\tf\n"
    marks = {concept: np.flatnonzero(needed(text, concept)).tolist() for concept in ("inside [[ ]]", "heading", "position in line")}
    assert marks == {"inside [[ ]]": [5], "heading": [15], "position in line": [at for at, token in enumerate(text) if token == "\n"]}
    assert [text[at] for at in np.flatnonzero(needed(text, "indentation"))] == ["e", "f"]


def test_the_measurement_adds_a_network_to_the_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(causes, "PASSAGE", 60)
    line = {"concept": "inside [[ ]]", "layer": 1, "unit": 3, "sign": 1, "clears_all": True, "verdict": "", "baselines": {}, "r": 0.5}
    lines = [line, line | {"concept": "heading", "unit": 1}, line | {"concept": "a unit that does nothing clear"}]
    loaded = tiny(cell="gru")
    checkpoint.save(loaded.module, loaded.card | {"units": lines}, tmp_path / "wiki-gru.safetensors")
    other = {"weights": "x", "causes": []}
    (tmp_path / "wiki-causes.json").write_text(json.dumps({"networks": {"wiki-lstm": other}}))
    (tmp_path / "dev.txt").write_text(TEXT * 2)
    code, out, err = call(capsys, "measure", "wiki-gru", "causes", "--data", tmp_path / "dev.txt", "--passages", 5)
    measured = json.loads((tmp_path / "wiki-causes.json").read_text())["networks"]
    assert code == 0 and "wiki-gru inside [[ ]]: layer 2 unit 3" in out and "wiki-causes.json" in err
    assert measured["wiki-lstm"] == other and measured["wiki-gru"]["weights"] == fingerprint(loaded)
    (entry,) = measured["wiki-gru"]["causes"]
    assert (entry["concept"], entry["layer"], entry["unit"]) == ("inside [[ ]]", 1, 3) and entry["predictions"] == 275
    assert {"there", "low", "high", "elsewhere", "chance", "rank", "as_much", "is_used", "most"} <= set(entry["mean"])
    assert entry["zero"]["places"] >= 10 and entry["zero"]["units"] == 12


@pytest.mark.parametrize(("cell", "start"), [("lstm", 0), ("lstm", 61), ("gru", 61), ("rnn", 0)])
def test_a_unit_beside_the_strongest_and_their_controls(cell: str, start: int, monkeypatch):
    monkeypatch.setattr(unit_effects, "TESTED", 2)
    loaded = tiny(cell=cell)
    window, places = read_window(loaded, TEXT, Layer(), "fed "), needed(TEXT, "inside [[ ]]")
    passage = unit_effects.passage_of(loaded, window, start)
    first = max(0, start - 5)
    assert passage.start == first and passage.counted == slice(first + 5, len(TEXT)) and len(passage.own) == len(TEXT) - first
    module: Any = loaded.module
    whole = module(torch.tensor([loaded.vocab.encode("fed " + TEXT)]))[0][0, 4 + first :]
    torch.testing.assert_close(module(passage.ids, passage.state)[0][0], whole, atol=1e-4, rtol=0)
    for every in (False, True):
        result = unit_effects.tested(loaded, window, places, unit_effects.Question(1, 4, start, every=every))
        assert len(set(result.units)) == len(result.units) and result.unit == 4 and 4 in result.units[: result.strongest]
        assert (result.strongest, len(result.units)) == ((6, 6) if every else (result.strongest, 2 * result.strongest))
        effects = all_effects(loaded, [passage], [(1, int(unit)) for unit in result.units], "mean")
        where = places[passage.counted]
        np.testing.assert_allclose(result.there, effects[:, where].mean(axis=1), atol=1e-7)
        best = [int(unit) for unit in result.units[np.argsort(-result.there[: result.strongest])]]
        cost = all_effects(loaded, [passage], [(1, tuple(best[:2]))], "mean")[0, where].mean()
        assert result.together.sizes.tolist()[:2] == [1, 2] and result.together.best[1] == pytest.approx(cost, abs=1e-6)
        assert result.together.best[0] == pytest.approx(result.there.max() if every else result.there[: result.strongest].max(), abs=1e-6)
        assert result.together.controls.shape == (unit_effects.DRAWS, len(result.together.sizes))
        assert result.effect.there == pytest.approx(result.there[list(result.units).index(4)], abs=1e-7)
    assert result.effect.units == 6
    with pytest.raises(AnalysisError, match="predictions are at the concept"):
        unit_effects.tested(loaded, window, places & False, unit_effects.Question(1, 4, start))


def test_an_estimate_is_the_slope_of_the_effect_where_no_other_unit_acts_back():
    loaded = tiny("gru", layers=1)
    module: Any = loaded.module.double()
    with torch.no_grad():
        hidden = module.rnn.weight_hh_l0.view(3, 6, 6)
        hidden.mul_(torch.eye(6, dtype=torch.float64))
    window, places = read_window(loaded, TEXT[:60], Layer()), needed(TEXT[:60], "inside [[ ]]")
    passage = unit_effects.passage_of(loaded, window, 0)
    where = places[passage.counted]
    estimates = unit_effects.estimated(module, passage, where, unit_effects.Question(0, 0, 0, "zero"))
    for unit in range(6):
        costs, own, step = [], passage.own[:, 0, [unit]].astype(float), 1e-4
        for size in (step, -step):
            with explorer.intervene(module, "rnn", units=unit, value=own * (1 - size), steps=range(60)) as held, torch.no_grad():
                costs.append(unit_effects._costs(held, passage.ids, passage.state, 5)[where].mean())
        assert estimates[unit] == pytest.approx((costs[0] - costs[1]) / (2 * step), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("corpus", ["wiki", "shakespeare", "linux"])
def test_the_shipped_effects_are_those_of_the_shipped_weights(corpus: str):
    measured = json.loads((models.FOLDER / f"{corpus}-causes.json").read_text())["networks"]
    for name, one in measured.items():
        card = models.available(models.FOLDER)[name]
        assert one["weights"] == fingerprint(models.load(name, models.FOLDER)), f"{name}: run `python -m models measure {name} causes`"
        units = {(line["concept"], line["layer"], line["unit"]) for line in card["units"]}
        assert one["causes"] and {(line["concept"], line["layer"], line["unit"]) for line in one["causes"]} <= units
        for line in one["causes"]:
            for way in causes.REPLACEMENTS:
                effect = line[way]
                assert effect["low"] <= effect["there"] <= effect["high"] and effect["places"] >= causes.FEWEST
                assert effect["is_used"] == (effect["there"] > effect["chance"] and effect["low"] > effect["elsewhere"])
                assert (effect["rank"] == 1) == (effect["most"] == [line["layer"], line["unit"]])


@pytest.mark.parametrize("layers", ["below", "above"])
def test_a_network_with_other_recurrent_layers_goes_on_from_the_state_of_all_of_them(layers: str):
    torch.manual_seed(2)
    part, vocab = {"cell": "gru", "layers": 1, "units": 4}, tiny().vocab
    sizes = {"inputs": 4, "below": [part | {"inputs": 5}]} if layers == "below" else {"inputs": 5, "above": [part | {"inputs": 6}]}
    module = FoundNetwork(len(vocab), "lstm", 1, 6, embedding=5, **sizes).eval().requires_grad_(False)  # pyright: ignore[reportArgumentType]
    loaded = Loaded("found", module, vocab, {})
    window, places = read_window(loaded, TEXT, Layer()), needed(TEXT, "inside [[ ]]")
    passage = unit_effects.passage_of(loaded, window, 61)
    whole = module(torch.tensor([vocab.encode(TEXT)]))[0][0, 56:]
    torch.testing.assert_close(module(passage.ids, passage.state)[0][0], whole, atol=1e-5, rtol=0)
    result = unit_effects.tested(loaded, window, places, unit_effects.Question(0, 4, 61))
    assert sorted(result.units) == list(range(6)) and result.unit == 4 and np.isfinite(result.there).all()
    expected = all_effects(loaded, [passage], [(0, 4)], "mean")[0][places[passage.counted]].mean()
    assert result.effect.there == pytest.approx(expected, abs=1e-6) and np.abs(result.there).max() > 1e-4


def test_units_are_tested_in_the_second_window_of_a_long_text_too():
    loaded = tiny()
    reading = read(loaded, TEXT, window=180)
    window = record_window(loaded, reading, 1)
    places = needed(TEXT, "inside [[ ]]")[180:]
    for start in (0, 61):
        passage = unit_effects.passage_of(loaded, window, start)
        module: Any = loaded.module
        whole = module(torch.tensor([loaded.vocab.encode(TEXT)]))[0][0, 180 + passage.start :]
        torch.testing.assert_close(module(passage.ids, passage.state)[0][0], whole, atol=1e-4, rtol=0)
        assert unit_effects.tested(loaded, window, places, unit_effects.Question(1, 4, start)).unit == 4
