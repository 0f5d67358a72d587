"""Python files of a folder that whoever started the server named: listed, run when chosen, silenced, followed back."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explorer.errors import CheckpointError
from models import cli
from models.foreign.experiments.python_file import PythonFile
from models.foreign.given import VARIABLE, Given, give, given
from pages._your_model import code, gradient, opening, source
from recurrent_explorer_app import open_files, server, start
from tests.models.foreign.test_python_file import LETTERS, MINE
from tests.pages.app import as_read, open_page, sound


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file that runs, and others."""
    monkeypatch.setenv(VARIABLE, "{}")  # given back after the test
    models = tmp_path / "mine"
    (models / "deeper.py").mkdir(parents=True)
    files = {
        "net.py": MINE.replace("import pages\nfrom models import LETTERS", f"LETTERS = {LETTERS!r}"),
        "_part.py": "",
        "wrong.py": "x = 1",
    }
    for name, content in {**files, ".hidden.py": "", "notes.txt": ""}.items():
        (models / name).write_text(content, encoding="utf-8")
    give(Given(models=models))
    return models


def test_the_files_of_the_folder_are_those_that_can_be_run_now(folder: Path):
    assert list(given().python_files()) == ["net.py", "wrong.py"] and given().models == folder
    (folder / "new.py").write_text("", encoding="utf-8")
    assert list(given().python_files()) == ["net.py", "new.py", "wrong.py"]
    with pytest.raises(CheckpointError, match=r"notes\.txt is no folder"):
        give(Given(models=folder / "notes.txt"))
    assert "py" not in opening.TYPES, "an upload is never run"


def test_no_file_runs_before_it_is_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(PythonFile, "_connect", None)
    page = sound(open_page("your_model"))
    box = page.selectbox(key=opening.RUN)
    assert box.value is None and box.options == ["net.py", "wrong.py"]
    assert any("Its files are code" in as_read(said) and "in a process of its own" in as_read(said) for said in page.caption)


def test_a_unit_is_held_and_the_loss_of_a_token_followed_back(folder: Path):
    page = sound(sound(open_page("your_model")).selectbox(key=opening.RUN).set_value("net.py").run())
    assert any("net.py** runs on this computer, in a process of its own: at most 60 seconds" in as_read(part) for part in page.markdown)
    page = sound(page.button(key="your_model.code.silence").click().run())
    (said,) = [as_read(part) for part in page.markdown if "is held at 0 at every step" in as_read(part)]
    assert "of layer 2" in said and "bits per token** instead of" in said
    page = sound(page.number_input(key=code.VALUE).set_value(0.5).run())
    assert any("is held at 0.5 at every step. The text then costs" in as_read(part) for part in page.markdown)
    page = sound(page.number_input(key=code.VALUE).set_value(0.0).run())
    page.session_state[code.VIEW] = {"choice": {"unit": 3, "cursor": 20, "selection": None, "looks": []}}
    page = sound(page.toggle(key=f"{gradient.KEY}.shown").set_value(True).run())
    assert any("on its way back from character 21" in as_read(part) for part in page.markdown)
    spec = page.get("vega_lite_chart")[0].proto.spec
    assert "layer 1" in spec and "layer 2" in spec and "characters ago" in spec
    page = sound(page.button(key="your_model.code.release").click().run())
    assert not any("is held at" in as_read(part) for part in page.markdown)
    page = page.selectbox(key=opening.RUN).set_value("wrong.py").run()
    assert "wrong.py does not define build() and encode()" in as_read(page.error[0])


def test_what_was_cancelled_is_not_asked_again_before_the_visitor_wants_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(code.PythonFile, "read", lambda *given: calls.append(given) or 1 / 0)
    page = open_page("your_model")
    file = given().python_files()["net.py"]
    at = (str(file), file.stat().st_mtime_ns)
    page.session_state[source.CANCELLED] = (at, code.SAMPLE, None, None)
    page = sound(sound(page).selectbox(key=opening.RUN).set_value("net.py").run())
    assert "Its process was ended" in as_read(page.info[0]) and not calls
    page = page.button(key="your_model.code.retry").click().run()
    assert len(calls) == 1 and not page.info


def test_the_command_line_names_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch):
    served = []
    monkeypatch.setattr(server, "serve", lambda *where, **page: served.append((json.loads(os.environ[VARIABLE])["models"], page)))
    for arguments, page in ((["--models", str(folder)], {}), (["open", "--models", str(folder)], {"page": "your_model"})):
        monkeypatch.setenv(VARIABLE, "{}")
        assert CliRunner().invoke(cli.application(start, {"open": open_files}), arguments).exit_code == 0
        assert served.pop() == (str(folder), page)
    done = CliRunner().invoke(cli.application(start), ["--models", str(folder / "none")])
    assert "is no folder" in str(done.exception) and not served
