"""Networks that visitors bring: many at the same moment, each kept or refused as if it came alone."""

import threading

import pytest

from explorer.errors import CheckpointError
from pages._ui import uploads
from tests.models.tiny import save_tiny


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(uploads, "_folder", lambda: tmp_path / "kept")
    return tmp_path / "kept"


def at_once(bring, visitors: int) -> list:
    """What each of several visitors gets who bring something at the same moment: a name, or an error."""
    start, answers = threading.Barrier(visitors), []

    def visit(visitor: int) -> None:
        start.wait()
        try:
            answers.append(bring(visitor))
        except Exception as error:
            answers.append(error)

    threads = [threading.Thread(target=visit, args=(visitor,)) for visitor in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_the_same_file_from_many_visitors_at_once_is_kept_once(tmp_path, folder):
    save_tiny(tmp_path / "x.safetensors")
    content = (tmp_path / "x.safetensors").read_bytes()
    for _ in range(5):
        names = at_once(lambda visitor: uploads.keep("mine.safetensors", content, "char_lm"), 6)
        assert len(set(names)) == 1 and uploads.path_of(names[0]).read_bytes() == content
        assert [path.name for path in folder.iterdir()] == [f"{names[0]}.safetensors"]
        uploads.path_of(names[0]).unlink()


def test_the_oldest_go_also_where_many_come_at_once(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(uploads, "MOST", 2)
    contents = []
    for seed in range(4):
        save_tiny(tmp_path / "x.safetensors", seed=seed)
        contents.append((tmp_path / "x.safetensors").read_bytes())
    for _ in range(5):
        names = at_once(lambda visitor: uploads.keep("mine.safetensors", contents[visitor], "char_lm"), 4)
        assert len(set(names)) == 4 and all(isinstance(name, str) for name in names), names
        assert len(list(folder.iterdir())) == 2


def test_a_file_that_is_refused_is_called_as_the_visitor_calls_it_and_is_not_kept(folder):
    with pytest.raises(CheckpointError, match=r"^'../../m[^/]*' is empty") as caught:
        uploads.keep("../../m" + "y" * 5_000 + ".safetensors", b"", "char_lm")
    assert len(str(caught.value)) < 200 and not list(folder.iterdir())


def brought(folder, count: int, first: int = 0) -> list[str]:
    """Names of networks that the visitor of this test brings, one after another."""
    names = []
    for seed in range(first, first + count):
        save_tiny(folder.parent / "x.safetensors", seed=seed)
        names.append(uploads.keep("mine.safetensors", (folder.parent / "x.safetensors").read_bytes(), "char_lm"))
    return names


@pytest.fixture
def visit(monkeypatch):
    """visit(name): what follows is done by that visitor; all who came are still here."""
    here, shelf = set(), uploads.Shelf()

    def go(name: str) -> None:
        here.add(name)
        monkeypatch.setattr(uploads, "visitor", lambda: name)

    monkeypatch.setattr(uploads, "is_here", here.__contains__)
    monkeypatch.setattr(uploads, "_shelf", lambda: shelf)
    go.here = here
    return go


def test_one_visitors_uploads_push_out_only_their_own(folder, visit, monkeypatch):
    monkeypatch.setattr(uploads, "MOST", 6)
    visit("modest")
    (theirs,) = brought(folder, 1)
    visit("greedy")
    names = brought(folder, 12, first=1)
    assert uploads.path_of(theirs) and [bool(uploads.path_of(name)) for name in names] == [False] * 7 + [True] * 5


def test_a_network_that_another_visitor_uses_too_is_kept(folder, visit):
    visit("other")
    shared = brought(folder, 1)[0]
    visit("greedy")
    assert brought(folder, 1) == [shared]
    brought(folder, 6, first=1)
    assert uploads.path_of(shared)


def test_a_full_server_drops_what_nobody_uses_and_otherwise_says_so(folder, visit, monkeypatch):
    monkeypatch.setattr(uploads, "MOST", 3)
    names = []
    for index in range(3):
        visit(f"visitor {index}")
        names += brought(folder, 1, first=index)
    visit("late")
    with pytest.raises(CheckpointError, match="keeps 3 networks of visitors, and all of them are in use"):
        brought(folder, 1, first=3)
    assert all(map(uploads.path_of, names)) and len(list(folder.iterdir())) == 3
    visit.here.remove("visitor 1")
    (late,) = brought(folder, 1, first=3)
    assert [bool(uploads.path_of(name)) for name in [*names, late]] == [True, False, True, True]
