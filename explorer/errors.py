"""Exceptions of the explorer. Each message says what was received, what was expected and what to do."""

BEGINNING, END = 1_500, 500  # characters that are kept of a longer message


class ExplorerError(Exception):
    """Base class of all errors of the explorer; the message can be shown on screen.

    A message may quote what stands in a file or a link, however long that is: a very long one is cut in its middle.
    """

    def __init__(self, message: str = ""):
        is_long = len(message) > BEGINNING + END
        super().__init__(f"{message[:BEGINNING]} ... {message[-END:]}" if is_long else message)


class RecordError(ExplorerError):
    """A record was made of arrays that do not fit together, or a file holds none."""


class RecordingError(ExplorerError):
    """A module could not be recorded, or its replay does not agree with what it returned."""


class InterventionError(ExplorerError):
    """A module has no such unit or gate, or none that can be changed without changing the module itself."""


class AnalysisError(ExplorerError):
    """A measurement was asked of data that cannot answer it."""


class FigureError(ExplorerError):
    """A record cannot be drawn as asked, or a library that draws is not installed."""


class CheckpointError(ExplorerError):
    """A file is no checkpoint, a damaged one, or one of a kind that is not known."""
