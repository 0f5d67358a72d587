"""A command line in process, and Ctrl-C at a chosen moment of it."""

import signal

import pytest

from models import cli


def call(capsys, *arguments) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return ended.value.code or 0, out, err


def stopped(monkeypatch, owner, method: str, times: int):
    """Ctrl-C comes at the given call of a method."""
    plain, count = getattr(owner, method), []

    def called(*args):
        count.append(1)
        if len(count) == times:
            signal.raise_signal(signal.SIGINT)
        return plain(*args)

    monkeypatch.setattr(owner, method, called)
