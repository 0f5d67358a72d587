"""What a measurement refuses, as a sentence, for whoever runs it from a shell."""

import contextlib
import sys
from collections.abc import Iterator

from explorer.errors import ExplorerError


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Ends the program with exit code 1 and the sentence of an ExplorerError on stderr, without a traceback."""
    try:
        yield
    except ExplorerError as error:
        sys.exit(str(error))
