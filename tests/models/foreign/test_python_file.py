"""A user's Python file in a process of its own: right numbers, names of its own, and a sentence for whatever it does wrong."""

import gc
import string
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import CheckpointError, RecordingError
from explorer.recording import module_server
from models.foreign.experiments.python_file import Held, PythonFile

LETTERS = string.ascii_lowercase + " ."
MINE = """
import torch
import pages
from models import LETTERS

vocabulary = LETTERS

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm = torch.nn.Embedding(28, 5), torch.nn.LSTM(5, 8, 2, batch_first=True)
        self.out = torch.nn.Linear(8, 28)

    def forward(self, ids):
        return self.out(self.lstm(self.embed(ids))[0])

def build():
    torch.manual_seed(7)
    print("a line that must not disturb the answers")
    return Net()

def encode(text):
    tokens = [letter for letter in text.lower() if letter in LETTERS]
    return [LETTERS.index(letter) for letter in tokens], tokens
"""


@pytest.fixture
def project(tmp_path: Path):
    """A project with packages called models and pages, as ours has; returns a function that writes its file and opens it."""
    for package, content in (("models", f"LETTERS = {LETTERS!r}"), ("pages", "")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(content, encoding="utf-8")
    opened = []

    def write(content: str, **limits: float) -> PythonFile:
        (tmp_path / "mine.py").write_text(content, encoding="utf-8")
        opened.append(PythonFile(tmp_path / "mine.py", **limits))
        return opened[-1]

    yield write
    for file in opened:
        file.close()


def test_states_and_predictions_are_those_of_the_module(project):
    answer = project(MINE).read("The cat sat.")
    torch.manual_seed(7)
    embed, lstm, out = nn.Embedding(28, 5), nn.LSTM(5, 8, 2, batch_first=True), nn.Linear(8, 28)
    ids = torch.tensor([[LETTERS.index(letter) for letter in "the cat sat."]])
    with torch.no_grad():
        hidden = lstm(embed(ids))[0]
        logs = out(hidden)[0].log_softmax(-1)
    assert answer.trace.tokens == tuple("the cat sat.") and answer.paths == ("lstm",)
    np.testing.assert_allclose(answer.trace.hidden[:, 1], hidden[0], atol=1e-6)
    np.testing.assert_allclose(answer.bits[1:], [-logs[t, ids[0, t + 1]].item() / np.log(2) for t in range(11)], atol=1e-5)
    assert answer.next_tokens is not None and answer.next_tokens[0][0] == LETTERS[int(logs[0].argmax())]


WRONG = {
    "mine.py does not define build() and encode()": "x = 1",
    "mine.py does not define encode()": "def build(): ...",
    "build() in mine.py returned int; expected a torch.nn.Module": "def build(): return 3\ndef encode(text): return [1], ['a']",
    "mine.py raised ZeroDivisionError at line 2: division by zero": "def build():\n    return 1 / 0\ndef encode(text): ...",
    "mine.py raised SyntaxError at line 1": "def build(: pass",
    "mine.py raised ModuleNotFoundError at line 1: No module named 'nothing_of_this_name'": "import nothing_of_this_name",
}


@pytest.mark.parametrize(("sentence", "content"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_a_sentence_with_its_line(tmp_path: Path, monkeypatch, sentence: str, content: str):
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    file = tmp_path / "mine.py"
    file.write_text(content, encoding="utf-8")
    with pytest.raises((RecordingError, ArithmeticError, SyntaxError, ImportError)) as refused:
        module_server.Served.of_file(file)
    assert module_server.reason(refused.value, str(file)).startswith(sentence)
    sys.modules.pop("mine", None)


STOPPED = {
    "encode() returned 2 ids and 1 tokens": MINE + "\ndef encode(text): return [1, 2], ['a']",
    "mine.py died while reading the text": MINE + "\ndef encode(text):\n    import os\n    os._exit(3)",
    "mine.py died while building its module": "import os\nos._exit(3)",
}


@pytest.mark.parametrize(("sentence", "content"), STOPPED.items(), ids=STOPPED)
def test_a_process_that_fails_or_dies_is_a_sentence(project, sentence: str, content: str):
    with pytest.raises(CheckpointError) as refused:
        project(content).read("abc")
    assert str(refused.value).startswith(sentence)


def test_the_process_does_not_have_the_key_of_a_live_session(project, monkeypatch):
    monkeypatch.setenv("EXPLORER_LIVE", "secret")
    monkeypatch.setenv("OF_THE_USER", "a setting")
    said = 'import os\nraise ValueError((os.environ.get("EXPLORER_LIVE"), os.environ["OF_THE_USER"]))'
    with pytest.raises(CheckpointError, match=r"\(None, 'a setting'\)"):
        project(said).read("abc")


def test_a_file_that_hangs_is_stopped_and_starts_again(project):
    file = project(MINE + "\nslow = encode\ndef encode(text):\n    while text == 'slow': pass\n    return slow(text)", read_seconds=1)
    assert file.read("abc").trace.tokens == tuple("abc")
    with pytest.raises(CheckpointError, match="was stopped: reading the text took more than 1 seconds"):
        file.read("slow")
    assert file.read("abc").trace.tokens == tuple("abc")


def test_another_way_of_calling_and_another_path(project):
    cells = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.GRUCell(3, 4), torch.nn.GRUCell(4, 6)
def build(): return Net()
def encode(text): return list(range(len(text))), list(text)
def run(module, ids):
    a, b = torch.zeros(1, 4), torch.zeros(1, 6)
    for id in ids:
        a = module.first(torch.full((1, 3), float(id)), a)
        b = module.second(a, b)
"""
    file = project(cells)
    assert file.read("abcd").trace.hidden.shape == (4, 1, 4)
    assert set(file.read("abcd").paths) == {"first", "second"} and file.read("abcd", "second").trace.hidden.shape == (4, 1, 6)
    with pytest.raises(CheckpointError, match="third"):
        file.read("abcd", "third")


def own_module() -> tuple[nn.Module, torch.Tensor]:
    """The module of MINE in this process, and the ids of its text."""
    torch.manual_seed(7)
    parts = nn.ModuleList([nn.Embedding(28, 5), nn.LSTM(5, 8, 2, batch_first=True), nn.Linear(8, 28)])
    return parts, torch.tensor([[LETTERS.index(letter) for letter in "the cat sat."]])


def test_a_silenced_unit_is_0_and_its_column_acts_on_nothing(project):
    file = project(MINE)
    before, answer = file.read("The cat sat.", "lstm"), file.read("The cat sat.", "lstm", Held(0, 3))
    (embed, lstm, out), ids = own_module()
    with torch.no_grad(), explorer.intervene(lstm, layer=0, units=3) as changed:
        hidden = changed(embed(ids))[0]
        logs = out(hidden)[0].log_softmax(-1)
    assert (answer.trace.hidden[:, 0, 3] == 0).all() and np.abs(answer.trace.hidden - before.trace.hidden).max() > 1e-3
    np.testing.assert_allclose(answer.trace.hidden[:, 1], hidden[0], atol=1e-6)
    np.testing.assert_allclose(answer.bits[1:], [-logs[t, ids[0, t + 1]].item() / np.log(2) for t in range(11)], atol=1e-5)
    np.testing.assert_array_equal(file.read("The cat sat.", "lstm").trace.hidden, before.trace.hidden, "the module itself has changed")
    with pytest.raises(CheckpointError, match="unit is 8, but 'lstm' has 8 units"):
        file.read("The cat sat.", "lstm", Held(0, 8))


def test_a_unit_is_held_at_a_value(project):
    file = project(MINE)
    answer = file.read("The cat sat.", "lstm", Held(1, 2, 0.5))
    (embed, lstm, _), ids = own_module()
    with torch.no_grad(), explorer.intervene(lstm, layer=1, units=2, value=0.5) as changed:
        hidden = changed(embed(ids))[0]
    assert answer.trace.cell is not None and np.allclose(answer.trace.cell[:, 1, 2], 0.5)
    np.testing.assert_allclose(answer.trace.hidden[:, 1], hidden[0], atol=1e-6)
    with pytest.raises(CheckpointError, match="it cannot be replayed for more"):
        file.gradient("The cat sat.", "lstm", 9, Held(1, 2, 0.5))


@pytest.mark.parametrize("held", [None, Held(1, 2)])
def test_the_gradient_of_one_loss_is_that_of_autograd(project, held):
    answer = project(MINE).gradient("The cat sat.", "lstm", 9, held)
    (embed, lstm, out), ids = own_module()
    x = embed(ids[:, :9]).detach().requires_grad_()
    with explorer.intervene(lstm, layer=1, units=2) if held else nullcontext(lstm) as changed:
        loss = nn.functional.cross_entropy(out(changed(x)[0])[0, -1:], ids[0, 9:10])
    (expected,) = torch.autograd.grad(loss, x)
    assert answer.loss == pytest.approx(loss.item(), abs=1e-6) and answer.predicted == "a" and answer.norms.tokens == tuple("the cat s")
    np.testing.assert_allclose(10**answer.input_log10, expected[0].norm(dim=1), rtol=1e-4)
    np.testing.assert_allclose(answer.times_input, (expected * x)[0].sum(1).detach(), atol=1e-6)
    assert answer.norms.state_log10.shape == (9, 2) and answer.norms.loss_at == 8


NO_GRADIENT = {
    "at is 12; expected 1 to 11": (MINE, 12),
    "The output has shape (1, 3, 8); the loss of a token needs logits [1, 3, tokens]. Define logits(out).": (
        MINE.replace("self.out(self.lstm(self.embed(ids))[0])", "self.lstm(self.embed(ids))[0]"),
        3,
    ),
    "The output has a dict; the loss": (MINE.replace("return self.out(", "return dict(x=").replace("(ids))[0])", "(ids))[0])"), 3),
}


@pytest.mark.parametrize(("sentence", "asked"), NO_GRADIENT.items(), ids=NO_GRADIENT)
def test_what_has_no_gradient_says_why(project, sentence: str, asked: tuple[str, int]):
    content, at = asked
    with pytest.raises(CheckpointError) as refused:
        project(content).gradient("The cat sat.", "lstm", at)
    assert str(refused.value).startswith(sentence)


def test_a_file_may_say_where_its_logits_are(project):
    file = project(MINE.replace("return self.out(", "return dict(x=").replace("(ids))[0])", "(ids))[0])") + LOGITS)
    assert file.gradient("The cat sat.", "lstm", 9).loss == pytest.approx(project(MINE).gradient("The cat sat.", "lstm", 9).loss, abs=1e-6)
    assert file.read("abc").bits is not None


LOGITS = """
built = build
def build():
    global net
    net = built()
    return net

def logits(out):
    return net.out(out["x"])
"""


def test_who_does_not_wait_any_longer_ends_the_process_and_the_next_text_starts_another(project):
    file = project(MINE + "\nslow = encode\ndef encode(text):\n    while text == 'slow': pass\n    return slow(text)")
    passed = []

    def leave(seconds: float, most: float) -> None:
        passed.append((seconds, most))
        if len(passed) > 1:
            raise KeyboardInterrupt

    assert file.read("abc").trace.tokens == tuple("abc")
    first = file._process
    with pytest.raises(KeyboardInterrupt):
        file.read("slow", waiting=leave)
    assert first is not None and first.poll() is not None and passed[-1][0] > passed[0][0] and passed[0][1] == file.read_seconds
    assert file.read("abc").trace.tokens == tuple("abc")


def test_a_process_that_nobody_keeps_ends(tmp_path: Path):
    (tmp_path / "mine.py").write_text("import torch\ndef build(): return torch.nn.GRUCell(3, 4)\ndef encode(text): ...", encoding="utf-8")
    file = PythonFile(tmp_path / "mine.py")
    with pytest.raises(CheckpointError):
        file.read("abc")
    process = file._process
    assert process is not None and process.poll() is None
    del file
    gc.collect()
    assert process.poll() is not None


def test_an_answer_that_is_no_gradient_is_a_sentence(project, monkeypatch):
    file = project(MINE)
    monkeypatch.setattr(file, "_asked", lambda *_: ({"tokens": ["a", "b"], "loss": 1.0, "note": ""}, b"no archive"))
    with pytest.raises(CheckpointError, match=r"mine\.py gave an answer that is no gradient"):
        file.gradient("ab", "lstm", 1)
