"""The example of docs/your-model.md makes a file that opens as it says."""

import re
from pathlib import Path

import numpy as np

from models.foreign.experiments.arrays.opening import ACTIVATIONS, is_recording, open_arrays

GUIDE = Path(__file__).parents[4] / "docs" / "your-model.md"


def test_the_example_of_the_guide_opens(tmp_path: Path, monkeypatch):
    (code,) = re.findall(r"```py\n([^`]*np\.savez.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "your-model.md", "exec"), {})
    content = (tmp_path / "example.npz").read_bytes()
    read = open_arrays(content, "example.npz")
    assert is_recording(content, "example.npz") and read.ways == [ACTIVATIONS] and read.activations is not None
    made = read.activations
    assert made.inputs == ("rain",) and list(made.columns) == ["rain", "water"] and made.units["hidden"].shape == (730, 3)
    assert made.times is not None and made.times[0] == np.datetime64("2001-01-01")
