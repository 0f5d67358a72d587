"""The README is true: its Python runs, its command lines parse, its make targets and pictures exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.command_line import call

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str):
    exec(compile(code, "README.md", "exec"), {})


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {a or b for a, b in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", README, flags=re.MULTILINE)}
    assert named and named <= targets, named - targets


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^python -m models (\w+)", README, flags=re.MULTILINE))))
def test_every_command_named_exists(command: str, capsys):
    code, _, err = call(capsys, command, "--help")
    assert code == 0, err


@pytest.mark.parametrize("line", [line for line in README.splitlines() if line.startswith("python -m models generate")])
def test_the_quick_command_lines_run(line: str):
    done = subprocess.run([sys.executable, *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 20


def test_every_picture_exists():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    assert [p for p in pictures if not (ROOT / p).exists()] == []


def test_exact_pins():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        assert all("==" in line or line.startswith("-r ") for line in lines if line)
