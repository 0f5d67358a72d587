"""Most of these tests read files in this process."""

import pytest

from tests.models.foreign.in_process import in_this_process

__all__ = ["in_this_process"]


@pytest.fixture(autouse=True)
def quickly(request):
    """The reader of a file runs here; a test marked `child` has a real child process."""
    if "child" not in request.keywords:
        request.getfixturevalue("in_this_process")
