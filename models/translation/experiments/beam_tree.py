"""The tree of a beam search in the form that figures draw, and the hypothesis that passes through a node."""

from collections.abc import Sequence

from explorer.figures.beam import Branches
from models.checkpoint import Loaded
from models.decoding import Found, Node
from models.vocabulary.subwords import BLANK

LONGEST = 60  # steps that are drawn


def branches(loaded: Loaded, result: Found) -> tuple[Branches, list[int]]:
    """The tree of a search, truncated at sixty steps, and the index of each hypothesis's last node in it."""
    nodes = [node for node in result.tree if node.step < LONGEST]
    words = [loaded.vocab.tokens[node.token].replace(BLANK, "") or "·" for node in nodes]
    tree = Branches([node.parent for node in nodes], words, [node.score for node in nodes], [node.kept for node in nodes])
    paths: dict[int, tuple[int, ...]] = {}
    for index, node in enumerate(nodes):
        paths[index] = (*paths.get(node.parent, ()), node.token)
    ends = {path: index for index, path in paths.items()}
    return tree, [ends[hypothesis.tokens[:LONGEST]] for hypothesis in result.hypotheses]


def through(tree: Sequence[Node], ends: Sequence[int], node: int) -> int | None:
    """Index of the best hypothesis through a node, given the last node of each hypothesis; None if there is none."""
    for rank, end in enumerate(ends):
        while end >= 0 and end != node:
            end = tree[end].parent
        if end == node:
            return rank
    return None
