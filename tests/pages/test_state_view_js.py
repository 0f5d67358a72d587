"""The pure parts of the state view's JavaScript, run by node and compared with Python."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.figures.scales import Scale
from explorer.figures.states import StateFigure
from pages._components.state_view import FILES, HERE, source
from tests.js import table

JS = Path(__file__).parent.parent / "js"


@pytest.fixture
def node() -> str:
    path = shutil.which("node")
    if path is None:
        message = "node was not found: THE PURE PARTS OF THE JAVASCRIPT ARE NOT TESTED."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        print(f"\n*** {message} ***", file=sys.__stderr__, flush=True)
        pytest.skip(message)
    return path


def small() -> StateFigure:
    rng = np.random.default_rng(1)
    tokens = ("a", "\n", "<", "\u0301", "😀", "a")
    p = rng.dirichlet(np.ones(6), 6)[:, :5].astype(np.float32)
    guesses = [list("abcde")] * 5 + [["\n", " ", "z", "😀", "\u200b"]]
    values = rng.uniform(-1, 1, (6, 3)).astype(np.float32)
    bits = np.array([np.nan, 1.5, 2, 3, 4, 5], np.float32)
    return StateFigure(tokens, values, "hidden", 1, (2, 0, 1), "variance", Scale("diverging", -1, 1), guesses, p, bits)


def test_the_browser_computes_what_python_computes(node: str, tmp_path: Path):
    figure, file = small(), tmp_path / "figure.bin"
    file.write_bytes(figure.to_bytes())
    known = dict.fromkeys([*figure.tokens, *(str(t) for row in figure.next_tokens for t in row)])
    expected = {"alphabet": list(known), "tokens": figure.tokens, "order": [2, 0, 1], "values": figure.values.T.tolist()}
    expected |= {"next_p": figure.next_p.tolist(), "next_tokens": figure.next_tokens, "bits": [None, *figure.bits[1:].tolist()]}
    Path(f"{file}.json").write_text(json.dumps(expected))
    tests = sorted(str(path) for path in JS.glob("*.test.mjs"))
    assert len(tests) >= 4
    ran = subprocess.run(
        [node, "--test", *tests], env=os.environ | {"STATE_FIGURE": str(file)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.search(r"# pass (\d+)", ran.stdout)[1]) >= 20


def test_the_shared_table_is_what_python_says_today():
    assert json.loads(table.FILE.read_text()) == json.loads(json.dumps(table.table())), "run `python -m tests.js.table`"


def test_joined_source_is_one_module(node: str, tmp_path: Path):
    joined = source(*FILES)
    assert joined.count("export default function") == 1
    assert not re.search(r"^(import|export (?!default))", joined, flags=re.MULTILINE)
    file = tmp_path / "joined.mjs"
    file.write_text(joined)
    checked = subprocess.run([node, "--check", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_file_is_joined():
    assert {path.stem for path in HERE.glob("*.js")} == {*FILES, "carrier"}
