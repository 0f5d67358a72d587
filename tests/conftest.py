"""Workers that start together share the work of compiling the test modules."""

import contextlib
import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import a share of the chosen test modules first; the other workers then read what this one compiled."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    chosen = [session.config.invocation_params.dir / argument.split("::")[0] for argument in session.config.args]
    paths = sorted(path for path in HERE.rglob("test_*.py") if any(path.is_relative_to(part.resolve()) for part in chosen))
    for path in paths[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with contextlib.suppress(Exception):  # whatever is wrong with a module is said when its tests are collected
            importlib.import_module(".".join(path.relative_to(HERE.parent).with_suffix("").parts))
