"""A refusal, word for word."""

import re

import pytest

from explorer.errors import RecordingError


def refused(sentence: str):
    return pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$")
