"""Text out of a network: drawn character by character, or searched for token by token, greedily or with a beam."""

from models.char_lm.generate import sample, shares
from models.decoding.errors import DecodingError
from models.decoding.search import Found, Node, beam, greedy
from models.decoding.steps import NO_EDITS, Decodable, Edits, Hypothesis, Search, Step, no_report

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
    "sample",
    "shares",
]
