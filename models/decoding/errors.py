"""What decoding refuses."""

from explorer.errors import ExplorerError


class DecodingError(ExplorerError):
    """Settings that no text can be drawn or searched with."""
