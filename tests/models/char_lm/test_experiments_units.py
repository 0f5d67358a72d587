"""Units of a network: windows add up to the whole text, the halves are cut at a page, and the lines are those in the card."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.analysis.quantities import memory_time, quantity
from explorer.analysis.tracks import track
from models.char_lm.experiments import units
from models.checkpoint import read_card
from tests.models.command_line import call
from tests.models.tiny import save_tiny, tiny

PAGE = "\n  <page>\n"
TEXT = "a [[bad]] cab\n[[face ab]] had a bag " * 30


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_windows_add_up_to_the_whole_text(monkeypatch, cell: str):
    loaded, text = tiny(cell), TEXT[:90]
    with torch.inference_mode(), explorer.record(loaded.module) as recording:
        loaded.module(torch.tensor([loaded.vocab.encode(text)]))
    trace = recording.trace(text)
    monkeypatch.setattr(units, "WINDOW", 40)
    seen = units.activations(loaded, text, "hidden")
    assert (seen.quantity, seen.units) == ("hidden", 6)
    np.testing.assert_allclose(seen.values, np.concatenate([quantity(trace, "hidden", layer) for layer in (0, 1)], axis=1), atol=1e-5)
    if cell == "rnn":
        assert seen.memory_times is None
    else:
        times = [memory_time(trace, layer) for layer in (0, 1)]
        np.testing.assert_allclose(seen.memory_times, np.concatenate(times), rtol=1e-4)


def test_the_halves_are_cut_at_the_page_nearest_to_the_middle():
    text = "x" * 30 + PAGE + "y" * 40 + PAGE + "z" * 50
    assert units.first_pages("wiki", text).sum() == 80, "the second page begins nearer to the middle, which is at 70"
    text = "x" * 60 + PAGE + "y" * 60 + PAGE + "z" * 10
    assert units.first_pages("wiki", text).sum() == 60, "the first page does, where the middle is at 75"
    assert units.first_pages("wiki", "x" * 11).sum() == 5


def test_the_lines_are_written_into_the_card(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    save_tiny(tmp_path / "wiki-gru.safetensors", cell="gru")
    (tmp_path / "dev.txt").write_text(TEXT + "a" * 500)
    command = ["measure", "wiki-gru", "units", "--data", tmp_path / "dev.txt", "--characters", len(TEXT)]
    dry = json.loads(call(capsys, *command, "--dry", "--json")[1])
    assert "units" not in read_card(tmp_path / "wiki-gru.safetensors")
    code, out, _ = call(capsys, *command)
    lines = read_card(tmp_path / "wiki-gru.safetensors")["units"]
    assert code == 0 and lines == dry and [line["concept"] for line in lines][-1] == units.UNCLEAR
    inside = next(line for line in lines if line["concept"] == "inside [[ ]]")
    assert f"inside [[ ]]{' ' * 21}layer {inside['layer'] + 1} unit" in out and len(out.splitlines()) == 2 * len(lines)
    choose = units.first_pages("wiki", TEXT)
    assert inside["characters"] == (~choose).sum()
    seen = units.activations(tiny(cell="gru"), TEXT, inside["quantity"]).values[~choose, inside["layer"] * 6 + inside["unit"]]
    on = track(TEXT, "inside [[ ]]")[~choose]
    assert inside["r"] == pytest.approx(inside["sign"] * np.corrcoef(seen, on)[0, 1], abs=1e-3)
    assert {"chance", "untrained", "last 1 character"} <= inside["baselines"].keys() and inside["held_out"]
