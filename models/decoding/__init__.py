"""Decoding: sampling of tokens, greedy decoding and beam search."""

from models.decoding.probabilities import shares
from models.decoding.search import Found, Node, beam, greedy
from models.decoding.steps import NO_EDITS, Decodable, DecodingError, Edits, Hypothesis, Search, Step, no_report

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
