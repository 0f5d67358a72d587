"""A sample of tests/benchmarks/sessions.py: what a page costs the server beside a toy page, in CPU time of the same run."""

import sys

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
