"""What a visitor waits for: the import of torch, and what a page costs the server beside a toy page, in CPU time of the same run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.sessions import ROOT, TOY, beside_the_toy, first_element, server
from tests.threads import run


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time of another process is read from /proc")
def test_the_first_visitor_waits_for_no_import_and_a_rerun_makes_nothing_anew():
    """Of another page than the one whose rerun is measured, since a server has one first visitor. Torch, Altair and pandas imported
    before a heading cost 25 times the toy page; figures made anew at each rerun, 70 times."""
    with server(ROOT / "app.py") as app, server(TOY) as toy:
        cold = run(first_element(*app, "attention"))[1] / run(first_element(*toy))[1]
        again = run(beside_the_toy("one_step", 2, 4, 2, {"app": app, "toy": toy}))
    assert cold < 12
    assert again["errors"] == 0 and again["CPU"] < 35


UNTIL_TORCH = """
import importlib.abc, json, sys
import streamlit as st
from streamlit.testing.v1 import AppTest

class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            asked.append(page)
            st.stop()

sys.meta_path.insert(0, NoTorch())
asked, drawn = [], {}
for page in sys.argv[1:]:
    run = AppTest.from_file(page, default_timeout=300).run()
    assert not run.exception, run.exception[0].value
    widgets = sum(len(run.get(kind)) for kind in ("selectbox", "text_input", "button_group", "file_uploader"))
    drawn[page] = [part.value for part in run.title], widgets
print(json.dumps([drawn, asked]))
"""


def test_every_page_draws_its_heading_and_its_first_widgets_before_torch_is_there():
    """In a process without torch, in which each page ends where it asks for it."""
    pages = sorted(str(path) for path in ROOT.glob("pages/*.py"))
    done = subprocess.run([sys.executable, "-c", UNTIL_TORCH, *pages], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    drawn, asked = json.loads(done.stdout.splitlines()[-1])
    late = {Path(page).stem for page, (titles, widgets) in drawn.items() if not titles or not widgets}
    assert len(pages) >= 9 and not late, f"torch is imported before anything is drawn: {late}"
    assert len(set(asked)) >= 5  # those that open a network at once
