"""Beam search as a tree of hypotheses, kept and dropped; a click on the last word of a translation shows its attention matrix."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from explorer.figures import alignment as alignments
from explorer.figures.beam import tree
from models.decoding import Node
from models.translation.experiments import beam_tree
from models.translation.experiments.edits import Sentence
from pages._attention import compute
from pages._attention.compute import View
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.link import is_unread, link, linked_index
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, draw_to_click, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "attention.beam"
CHOSEN = f"{KEY}.chosen"


def panel(view: View, about: dict, shown: Sentence) -> None:
    """Beam width, the translations, the tree, and the attention matrix of the chosen translation."""
    with st.container(horizontal=True, vertical_alignment="center"):
        width = st.segmented_control("Beam width", [2, 3, 5, 8], default=5, key=f"{KEY}.width", bind="query-params", required=True)
        pruned = st.toggle("Show dropped hypotheses", key=f"{KEY}.pruned", bind="query-params")
    if view.edits:
        st.caption("Shown without your edits.")
    searched = view.of(width=width, edits=())
    network = networks.loaded(view.model)
    search = partial(compute.translation, searched)
    translation = patiently(f"Beam search with {view.model}", f"{KEY}.cancel", _leave, search, compute.cost(searched))
    hypotheses = translation.hypotheses
    if is_unread(CHOSEN):
        st.session_state[CHOSEN] = linked_index(CHOSEN, len(hypotheses))
    chosen = min(st.session_state[CHOSEN], len(hypotheses) - 1)
    link(CHOSEN, str(chosen), "0")
    names = {rank: f"{plain(network.vocab.decode(candidate.tokens))} ({candidate.score:.2f})" for rank, candidate in enumerate(hypotheses)}
    st.session_state[f"{KEY}.list"] = chosen
    st.radio("Translations, best first", list(names), format_func=names.__getitem__, key=f"{KEY}.list", on_change=_listed)
    st.caption("In brackets, the score: log probability divided by the number of subwords, end mark included.")
    branches, ends = beam_tree.branches(network, translation.beam)
    figure = made(tree, branches, ends[chosen], pruned, is_dark())
    with scrolling("beam-tree"):
        draw_to_click(figure, f"{KEY}.tree", "node", lambda point: _clicked(translation.beam.tree, ends, int(point["node"])))
    save(figure, f"{KEY}.tree", "beam", pd.DataFrame(vars(branches)))
    sentence = compute.sentence(searched, chosen)
    if sentence and sentence.alignment is not None:
        with scrolling("beam-matrix"):
            matrix = made(alignments.matrix, sentence.alignment, dark=is_dark())
            draw(matrix, f"{KEY}.matrix")
        save(matrix, f"{KEY}.matrix", "attention")
    terms("beam search", "greedy decoding", "log probability", "subword")


def _leave() -> None:
    st.session_state["attention.panel"] = None


def _listed() -> None:
    st.session_state[CHOSEN] = st.session_state[f"{KEY}.list"]


def _clicked(nodes: Sequence[Node], ends: list[int], node: int) -> None:
    """Choose the best translation that goes through a node."""
    if (rank := beam_tree.through(nodes, ends, node)) is not None:
        st.session_state[CHOSEN] = rank
