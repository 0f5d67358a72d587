"""What tests of pages share."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from altair.utils import schemapi
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from models import corpora
from tests.pages.app import forget


@pytest.fixture(scope="session", autouse=True)
def runs_without_delay() -> Iterator[None]:
    """AppTest reads the metadata of every installed package before each run, and asks a thousand times a second whether it has ended.

    Here it reads them once, and waits. And Altair checks a chart once, when it is drawn, and not each of its parts before as well.
    """
    asked = local_script_runner.require_widgets_deltas

    def wait(runner: LocalScriptRunner, timeout: float = 3) -> None:
        assert runner._script_thread is not None
        runner._script_thread.join(timeout)
        asked(runner, 0.1)  # it has ended; otherwise streamlit raises and stops it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        patch.setattr(schemapi, "DEBUG_MODE", False)
        yield


@pytest.fixture(scope="module")
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that the module's `save_networks` fills, once for all its tests, with nothing cached from another one."""
    path = tmp_path_factory.mktemp("checkpoints")
    request.module.save_networks(path)
    forget()
    yield path
    forget()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, shipped: Path) -> None:
    """Pages open the networks of the test's module."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(shipped))


@pytest.fixture
def without_lists(monkeypatch: pytest.MonkeyPatch, shipped: Path) -> None:
    """Pages find no lists of names but those that are installed."""
    monkeypatch.setattr(corpora, "folders", lambda: [shipped / "none"])


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder of checkpoints for one test, with nothing cached from another one."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    yield tmp_path
    forget()
