"""The beam: every beginning that was kept or dropped, as a tree; a click on the end of a sentence shows its alignment."""

import pandas as pd
import streamlit as st

from explorer.figures import alignment as alignments
from explorer.figures.beam import Branches, tree
from models.vocabulary.subwords import BLANK
from pages._attention import compute
from pages._attention.compute import Sentence, View
from pages._ui import networks
from pages._ui.link import link, linked_index
from pages._ui.progress import patiently
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "attention.beam"
CHOSEN = f"{KEY}.chosen"
LONGEST = 60  # steps that are drawn


def panel(view: View, about: dict, shown: Sentence) -> None:
    """Width, the sentences that were found, the tree, and the alignment of the chosen sentence."""
    with st.container(horizontal=True, vertical_alignment="center"):
        width = st.segmented_control("Width", [2, 3, 5, 8], default=5, key=f"{KEY}.width", bind="query-params", required=True)
        pruned = st.toggle("Show what was dropped", key=f"{KEY}.pruned", bind="query-params")
    if view.edits:
        st.caption("Without your edits.")
    searched = view.of(width=width, edits=())
    found = patiently(f"{view.model} searches", f"{KEY}.cancel", _leave, lambda report: compute.translation(searched, report))
    chosen = min(st.session_state.get(CHOSEN, linked_index(CHOSEN, len(found.hypotheses))), len(found.hypotheses) - 1)
    link(CHOSEN, str(chosen), "0")
    names = _sentences(searched, found)
    st.session_state[f"{KEY}.list"] = chosen
    st.radio("Sentences found, best first", list(names), format_func=names.__getitem__, key=f"{KEY}.list", on_change=_listed)
    st.caption(
        "Score: log-probability divided by the number of pieces, the end mark too. Greedy search takes the likeliest piece at each "
        "step; a beam may take a less likely one that leads to a likelier sentence."
    )
    branches, ends = _branches(searched, found)
    figure = tree(branches, ends[chosen], pruned, is_dark())
    with scrolling("beam-tree"):
        draw_to_click(figure, f"{KEY}.tree", "node", lambda point: _clicked(found, ends, int(point["node"])))
    save(figure, f"{KEY}.tree", "beam", pd.DataFrame(vars(branches)))
    sentence = compute.sentence(searched, chosen)
    if sentence and sentence.alignment is not None:
        with scrolling("beam-matrix"):
            draw(alignments.matrix(sentence.alignment, dark=is_dark()), f"{KEY}.matrix")


def _leave() -> None:
    st.session_state["attention.panel"] = None


def _sentences(view: View, found) -> dict[int, str]:
    decode = networks.loaded(view.model).vocab.decode
    return {n: f"{plain(decode(each.tokens))} ({each.score:.2f})" for n, each in enumerate(found.hypotheses)}


def _branches(view: View, found) -> tuple[Branches, list[int]]:
    """The tree, cut at sixty steps, and the last node of each hypothesis."""
    vocab = networks.loaded(view.model).vocab
    nodes = [node for node in found.found.tree if node.step < LONGEST]
    words = [vocab.tokens[node.token].replace(BLANK, "") or "·" for node in nodes]
    branches = Branches([n.parent for n in nodes], words, [n.score for n in nodes], [n.kept for n in nodes])
    paths = {}
    for place, node in enumerate(nodes):
        paths[place] = (*paths.get(node.parent, ()), node.token)
    places = {path: place for place, path in paths.items()}
    return branches, [places[each.tokens[:LONGEST]] for each in found.hypotheses]


def _listed() -> None:
    st.session_state[CHOSEN] = st.session_state[f"{KEY}.list"]


def _clicked(found, ends: list[int], node: int) -> None:
    """Follow the best sentence that goes through a node."""
    tree_, through = found.found.tree, []
    for number, end in enumerate(ends):
        while end >= 0 and end != node:
            end = tree_[end].parent
        through += [number] * (end == node)
    if through:
        st.session_state[CHOSEN] = through[0]
