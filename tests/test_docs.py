"""The README is true: its Python prints what it says, its command lines parse, its rooms, targets, pictures and files exist."""

import argparse
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from models import cli
from recurrent_explorer_app import open_files, start

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = README.splitlines()


def test_the_readme_is_short():
    assert len(LINES) <= 120


GUIDES = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("own-cell.md", "several-calls.md", "your-model.md"))
PYTHON = re.findall(r"```python\n(.*?)```(?:\n\nprints\n\n```text\n(.*?)```)?", README + GUIDES, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "printed"), PYTHON)
def test_python_blocks_print_what_follows(code: str, printed: str, capsys, monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == printed
    assert [path.name for path in tmp_path.iterdir()] == re.findall(r'save\("(.+?)"\)', code)


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {a or b for a, b in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", README, flags=re.MULTILINE)}
    assert named and named <= targets, named - targets


def arguments(line: str) -> list[str]:
    """The words of a command line, without the program, a comment, and a file for stdin."""
    words = shlex.split(line, comments=True)[1:]
    return words[: words.index("<")] if "<" in words else words


COMMANDS = [line for line in LINES if line.startswith("recurrent-explorer ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_line_parses(line: str):
    program = typer.main.get_command(cli.application(start, {"open": open_files}))
    with program.make_context("recurrent-explorer", arguments(line)) as context:
        words = [*context._protected_args, *context.args]
        if words:
            name, command, rest = program.resolve_command(context, words)
            command.make_context(name, rest, parent=context)
        assert bool(words) != any(context.params.values())


@pytest.mark.parametrize("line", [line for line in COMMANDS if " generate " in line])
def test_the_quick_command_lines_run(line: str):
    command = [sys.executable, "-m", "recurrent_explorer_app", *arguments(line)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 20


def installer(*options: str) -> argparse.ArgumentParser:
    """What an installer takes: these options, and packages or a command."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    for option in options:
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("words", nargs="+")
    return parser


INSTALLERS = {
    "uvx": installer("--torch-backend", "--from"),
    "uv tool install": installer("--torch-backend"),
    "pipx install": installer("--backend", "--preinstall", "--pip-args"),
    "pip install": installer(),
}
INSTALLS = [
    line for line in (*LINES, *re.findall(r"`(pip install [^`]+)`", README)) if line.startswith(tuple(f"{name} " for name in INSTALLERS))
]


def project(folder: str) -> dict:
    """What the pyproject.toml of a folder says of its distribution."""
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_installer_is_shown():
    assert {name for name in INSTALLERS for line in INSTALLS if line.startswith(f"{name} ")} == INSTALLERS.keys()


@pytest.mark.parametrize("line", INSTALLS)
def test_install_lines_name_what_is_here(line: str):
    (name,) = [name for name in INSTALLERS if line.startswith(f"{name} ")]
    asked = vars(INSTALLERS[name].parse_args(shlex.split(line.removeprefix(name).replace("$PWD", "."))))
    packages = [*asked.get("preinstall", []), *asked.get("from", []), *asked["words"]]
    scripts = project("recurrent_explorer_app")["scripts"]
    if name == "uvx":
        assert packages.pop() in scripts
    for package in packages:
        folder, _, extra = package.partition("[")
        if "==" in package:
            assert package in (ROOT / "requirements.txt").read_text().splitlines()
        else:
            assert not extra or extra.rstrip("]") in project(folder)["optional-dependencies"]
            assert project(folder)["name"].startswith("recurrent-explorer")
    assert name == "pip install" or "cpu" in [*asked.get("torch_backend", []), *"".join(asked.get("pip_args", [])).split("/")]


def test_the_rooms_are_the_pages_with_their_questions():
    rooms = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|", README, flags=re.MULTILINE)
    pages = re.findall(r'st\.Page\("(.+?)", title="(.+?)"', (ROOT / "app.py").read_text(encoding="utf-8"))
    titles = [re.findall(r'st\.title\("(.+?)", ', (ROOT / path).read_text(encoding="utf-8"))[0] for path, _ in pages]
    assert rooms == [(name, title.replace("“", '"').replace("”", '"')) for (_, name), title in zip(pages, titles, strict=True)]


def test_every_picture_and_file_exists():
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", README)
    assert {mark for mark, _ in links} == {"", "!"}
    assert [path for _, path in links if not (ROOT / path).exists()] == []


def test_exact_pins():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        assert all("==" in line or line.startswith("-r ") for line in lines if line)
