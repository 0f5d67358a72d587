"""Measurements run from a shell: data that are missing are a sentence, not a traceback."""

import runpy
import sys
from pathlib import Path

import pytest

MEASURED = {"gap": "wiki", "gradients": "wiki", "units": "wiki-lstm", "attention": "en-fr-additive", "features": None}


@pytest.mark.parametrize("name", MEASURED)
def test_missing_data_are_a_sentence(name: str, monkeypatch, tmp_path: Path):
    missing = str(tmp_path / "nothing")
    monkeypatch.setattr(sys, "argv", [name, *filter(None, [MEASURED[name]]), "--data", missing])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(__file__).parent / f"measure_{name}.py"), run_name="__main__")
    assert str(ended.value).startswith(missing) and "xpected" in str(ended.value)
