"""Text generation by sampling one character at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from models.char_lm.reading import Stream
from models.decoding import DecodingError, shares

if TYPE_CHECKING:
    from models.checkpoint import Loaded


def sample(
    loaded: "Loaded", text: str = "", temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, seed: int = 0
) -> Iterator[str]:
    """Endless stream of sampled characters that continue a text; the same seed gives the same characters.

    Args:
        loaded: The network.
        text: The prompt, read from the zero state; may be empty.
        temperature: p_k = softmax(logits / temperature); 0 always takes the most likely character.
        top_k: Sample from the k most likely characters only.
        top_p: Sample from the smallest set of characters with this total probability (nucleus sampling).
        seed: Random seed.

    Raises:
        DecodingError: a setting is out of its range.

    Source: top-p: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020.
    """
    if not 0 <= temperature < float("inf"):
        raise DecodingError(f"temperature is {temperature}; expected 0 (always the most likely) or more.")
    if top_k is not None and top_k < 1:
        raise DecodingError(f"top_k is {top_k}; expected at least 1, or none for all.")
    if top_p is not None and not 0 < top_p <= 1:
        raise DecodingError(f"top_p is {top_p}; expected more than 0 and at most 1.")
    if not -(2**63) <= seed < 2**64:
        raise DecodingError(f"seed is {seed}; expected a whole number from -2^63 to 2^64 - 1.")
    if len(loaded.vocab) < 2:
        raise DecodingError("The network's vocabulary has no characters; expected at least one to sample from.")
    return _characters(loaded, text, (temperature, top_k, top_p), seed)


def _characters(loaded: "Loaded", text: str, settings: tuple[float, int | None, float | None], seed: int) -> Iterator[str]:
    stream, generator = Stream(loaded, text), torch.Generator().manual_seed(seed)
    while True:
        token = torch.multinomial(shares(stream.expected, *settings), 1, generator=generator)
        yield loaded.vocab.tokens[int(token)]
        stream.read(token)
