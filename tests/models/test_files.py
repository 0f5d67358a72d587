"""Files that several processes write, read and damage at the same moment."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import models
from explorer.errors import CheckpointError
from models import checkpoint
from models.char_lm import training
from models.cli import commands
from models.files import BusyError, alone, opened, temporary_folder, write_atomically, write_folder
from tests.models.command_line import call
from tests.models.tiny import save_tiny

ROOT = Path(__file__).parents[2]
UPDATES = """
import sys
from models.checkpoint import update_card
path, field, step = sys.argv[1:]
for count in range(15):
    update_card(path, **{field: "x" * count * int(step)})
"""


def test_two_processes_change_one_card_and_both_changes_stay(tmp_path):
    path = tmp_path / "x.safetensors"
    weights = save_tiny(path).module.state_dict()
    runs = [subprocess.Popen([sys.executable, "-c", UPDATES, path, field, step], cwd=ROOT) for field, step in (("a", "7"), ("b", "31"))]
    assert [run.wait() for run in runs] == [0, 0]
    loaded = checkpoint.load(path)
    assert (len(loaded.card["a"]), len(loaded.card["b"])) == (14 * 7, 14 * 31)
    assert all(values.equal(weights[name]) for name, values in loaded.module.state_dict().items())
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_threads_write_one_file_at_once_and_it_is_one_of_theirs(tmp_path):
    path, contents, problems = tmp_path / "x", [bytes([letter]) * 50_000 for letter in b"abcd"], []

    def write(content: bytes) -> None:
        try:
            for _ in range(20):
                write_atomically(path, content)
        except OSError as error:
            problems.append(error)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not problems and path.read_bytes() in contents and os.listdir(tmp_path) == ["x"]


def test_a_second_writer_waits_or_is_refused_and_leftovers_go(tmp_path):
    path, order = tmp_path / "x", []
    (tmp_path / ".x.0123.partial").write_text("left by a process that was killed")
    (tmp_path / ".x.lock").touch()

    def second() -> None:
        with alone(path):
            order.append("second")

    with alone(path):
        assert not (tmp_path / ".x.0123.partial").exists()
        waiting = threading.Thread(target=second)
        waiting.start()
        with pytest.raises(BusyError, match=r"x is being written by another process\. Come later\."), alone(path, 0, "Come later."):
            pass
        order.append("first")
    waiting.join()
    assert order == ["first", "second"] and os.listdir(tmp_path) == []


def test_a_pipe_in_the_folder_is_named_and_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    save_tiny(tmp_path / "sound.safetensors")
    code = "import models, sys; print(list(models.available(sys.argv[1])), models.damaged(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=5, check=True)
    assert done.stdout.startswith("['sound'] {'pipe': ") and "it is a pipe or a device, not a file" in done.stdout
    with pytest.raises(CheckpointError, match="pipe or a device"):
        checkpoint.load(tmp_path / "pipe.safetensors")
    with pytest.raises(OSError, match="pipe or a device"), opened("/dev/null"):
        pass


def test_a_folder_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = tmp_path / "lists"
    write_folder(folder, {"a": b"1", "b": b"2"})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (tmp_path / "lists").joinpath("no", "such").read_bytes())
        with pytest.raises(OSError, match="such"):
            write_folder(folder, {"c": b"3"})
    assert sorted(os.listdir(folder)) == ["a", "b"]
    write_folder(folder, {"c": b"3"})
    assert sorted(os.listdir(folder)) == ["a", "b", "c"] and os.listdir(tmp_path) == ["lists"]
    (tmp_path / "file").write_text("a letter")
    with pytest.raises(NotADirectoryError):
        write_folder(tmp_path / "file", {"c": b"3"})
    assert (tmp_path / "file").read_text() == "a letter" and sorted(os.listdir(tmp_path)) == ["file", "lists"]


def test_a_second_training_of_one_name_is_refused(tmp_path, capsys, monkeypatch):
    state = tmp_path / "runs/wiki-lstm.pt"
    command = ("train", "wiki-lstm", "--data", tmp_path / "text.txt", "--folder", tmp_path / "runs")
    (tmp_path / "text.txt").write_text("a text\n" * 100)
    seen = []

    def trainers(*arguments):
        seen.append(call(capsys, *command))
        return ()

    monkeypatch.setattr(training, "trainers", trainers)
    monkeypatch.setattr(commands, "_pack", lambda *arguments: None)
    call(capsys, *command)
    (code, out, err) = seen[0]
    assert code == 1 and out == "" and f"{state} is being written by another process. Wait until that training has ended" in err
    assert os.listdir(tmp_path / "runs") == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "text.txt").write_text("a text, and another one.\n" * 100)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = call(capsys, "count", "wiki", "--data", tmp_path / "text.txt", "--order", "2")
    assert code == 1 and out == "" and err.count("\n") == 1 and "No space left on device" in err
    assert os.listdir(tmp_path / "checkpoints") == [] and models.available() == {}


FOLDER = """
import os, sys
from models.files import temporary_folder
folder = temporary_folder("ours-")
(folder / "network").write_text("a visitor's")
print(folder, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
"""


def test_a_temporary_folder_ends_with_its_process_and_those_of_killed_ones_go_at_the_next_start(tmp_path, monkeypatch):
    def folder_of(process: str) -> Path:
        command, about = [sys.executable, "-c", FOLDER, process], {**os.environ, "TMPDIR": str(tmp_path)}
        return Path(subprocess.run(command, cwd=ROOT, env=about, capture_output=True, text=True, check=False).stdout.strip())

    def age(folder: Path) -> None:
        os.utime(folder, (time.time() - 120,) * 2)

    assert not folder_of("ended").exists()
    killed = folder_of("killed")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    living = temporary_folder("ours-")
    assert (killed / "network").exists()  # perhaps it has only just been made
    (tmp_path / "ours-link").symlink_to(ROOT)
    for folder in (killed, living):
        age(folder)
    folder_of("ended")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, "ours-link"])
