"""Workers that start together share the work of compiling the test modules."""

import contextlib
import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import this worker's share of the test modules first: the others then read what it compiled, where nothing was compiled before."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    paths = sorted(HERE.rglob("test_*.py"))
    for path in paths[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with contextlib.suppress(Exception):  # whatever is wrong with a module is said when its tests are collected
            importlib.import_module(".".join(path.relative_to(HERE.parent).with_suffix("").parts))
