"""Decoding: sampling of tokens, greedy decoding and beam search. What needs torch is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from models.decoding.hypotheses import NO_EDITS, DecodingError, Edits, Found, Hypothesis, Node, Search, no_report
from models.family import handed_on

if TYPE_CHECKING:
    from models.decoding.probabilities import shares
    from models.decoding.search import beam, greedy
    from models.decoding.steps import Decodable, Step

__all__ = [
    "NO_EDITS",
    "Decodable",
    "DecodingError",
    "Edits",
    "Found",
    "Hypothesis",
    "Node",
    "Search",
    "Step",
    "beam",
    "greedy",
    "no_report",
    "shares",
]

__getattr__ = handed_on(__name__, {"probabilities": ("shares",), "search": ("beam", "greedy"), "steps": ("Decodable", "Step")})
