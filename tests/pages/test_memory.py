"""The memory of the heaviest jobs, measured, is within what each says before it begins: the pool counts with the estimates.

Each job runs in a process of its own, after a small one of its kind that loads what is loaded once.
"""

import json
import subprocess
import sys

import pytest

from tests.pages.app import ROOT

# `small` and `large` are run one after the other; `cost` is what the page says of the large one.
JOBS = {
    "translation of a long text": """
from pages._attention import compute
small = lambda: compute.translation(compute.View("en-fr-additive", "I am cold.", width=8))
view = compute.View("en-fr-additive", ("The old man has a black dog and I do not like cold coffee. " * 40)[:2_000], width=8)
cost, large = compute.cost(view), lambda: compute.translation(view)
""",
    "occlusion map of a photograph": """
from pages._captions import compute
from pages._ui.networks import loaded
network = loaded("caption-soft")
def run(picture, report):
    view = compute.View("caption-soft", picture, width=8)
    compute.run(view, compute.picture_input(view, network), report)
small = lambda: run("photo:cat", None)
cost, large = compute.cost([compute.View("caption-soft", "photo:temple", width=8)]), lambda: run("photo:temple", lambda *_: None)
""",
    "a table of 100,000 names": """
from models.names.table import table
from pages._confusions import compute
from pages._confusions.own_model import MOST
def run(count):
    rows = "".join(f"{'abcdefghijklmnop'[: 4 + n % 12]}{chr(97 + n % 26)},Greek\\n" for n in range(count))
    compute.own_answers("names-gru", table(rows, most=MOST), str(count))
small = lambda: run(10)
cost, large = compute.cost("names-gru", compute.OWN, MOST, "x"), lambda: run(MOST)
""",
    "a long text read by a character network": """
from pages._hidden_states import compute
from pages._ui.networks import loaded
network = loaded("wiki-lstm")
run = lambda view: compute.window(view, network, lambda *_: None)
small = lambda: run(compute.View("wiki-lstm", "a [[link]] " * 5))
view = compute.View("wiki-lstm", "a [[link]] and so on " * 5_000, part=3)
cost, large = compute.cost(view), lambda: run(view)
""",
}
# Linux remembers the most memory that a process ever had, and forgets it on request.
MEASURE = """
import json
from pathlib import Path
def megabytes(what):
    return int(Path("/proc/self/status").read_text().split(what)[1].split()[0]) / 1024
small()
Path("/proc/self/clear_refs").write_text("5")
before = megabytes("VmRSS:")
large()
print(json.dumps({"estimated": cost.megabytes, "measured": megabytes("VmHWM:") - before}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read and reset as Linux has it")
@pytest.mark.parametrize("about", JOBS)
def test_a_heavy_job_stays_within_the_memory_that_it_says_it_needs(about: str):
    done = subprocess.run([sys.executable, "-c", JOBS[about] + MEASURE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    memory = json.loads(done.stdout.splitlines()[-1])
    print(f"{about}: {memory}")
    assert 0 < memory["measured"] <= memory["estimated"]
