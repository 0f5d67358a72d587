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
    """Arrays do not fit together as a record, or a file does not hold a record."""


class RecordingError(ExplorerError):
    """A module could not be recorded, or its replay does not agree with what it returned."""


class InterventionError(ExplorerError):
    """A module has no such unit or gate, or it cannot be changed in a copy without touching the module itself."""


class AnalysisError(ExplorerError):
    """The data do not allow the measurement: too few, of the wrong shape, or without what is measured."""


class FigureError(ExplorerError):
    """A record cannot be drawn as asked, or a library that draws is not installed."""


class CheckpointError(ExplorerError):
    """A file is not a checkpoint, is damaged, or is of an unknown kind."""
