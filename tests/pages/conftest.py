"""What tests of pages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.app import forget


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder of checkpoints for one test, with nothing remembered of another one."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    yield tmp_path
    forget()
