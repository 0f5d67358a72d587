"""Two networks on one sentence: both translations, and both attention matrices for the same target words."""

import streamlit as st

from explorer.figures import alignment as figures
from models.translation.experiments.edits import Sentence
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "attention.compare"


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The other network, both translations, both matrices for the first network's translation, and their difference."""
    cards = networks.emitting(*state.EMITS)
    others = [name for name, card in cards.items() if name != view.model and card["direction"] == about["direction"]]
    others.sort(key=lambda name: cards[name]["arguments"].get("attention") == "none")  # first those that have a matrix to compare
    if not others:
        st.info("There is no other network that translates in this direction.")
        return
    other = st.selectbox("Compare with", others, key=f"{KEY}.model", bind="query-params", width=220)
    if view.edits:
        st.caption("Shown without your edits.")
    first, second = view.of(edits=()), view.of(model=other, edits=())
    own = compute.sentence(first)
    for side, written in ((first, own), (second, compute.sentence(second))):
        assert written is not None
        st.markdown(
            f"{plain(side.model)}: **{plain(written.text)}** (log probability {float(written.hypothesis.log_probabilities.sum()):.1f})"
        )
    if own is not None:
        _matrices(first, second, own)
    terms("teacher forcing", "nats", "log probability")


def _matrices(first: View, second: View, own: Sentence) -> None:
    fed = compute.forced(second, _in_subwords_of(second, first, own))
    cost = [float(-written.hypothesis.log_probabilities.sum()) for written in (own, fed)]
    names = plain(first.model), plain(second.model)
    st.caption(
        f"Both networks are forced to produce {names[0]}'s translation so that rows are comparable. "
        f"Cross-entropy: {names[0]} {cost[0]:.1f} nats, {names[1]} {cost[1]:.1f} nats."
    )
    columns, drawn = st.columns(3), []
    for column, name, shown in zip(columns, (first.model, second.model), (own, fed), strict=False):
        with column:
            st.markdown(f"**{plain(name)}**")
            if shown.alignment is None:
                st.info("No attention: the decoder gets the whole sentence as one vector.")
            else:
                drawn.append(made(figures.matrix, shown.alignment, dark=is_dark(), is_small=True))
                with scrolling(f"compare-{name}"):
                    draw(drawn[-1], f"{KEY}.{name}")
    if own.alignment is not None and fed.alignment is not None and (own.source, own.target) == (fed.source, fed.target):
        with columns[2]:
            st.markdown("**Difference**: first minus second")
            drawn.append(made(figures.difference, own.alignment, fed.alignment, is_dark(), is_small=True))
            with scrolling("compare-difference"):
                draw(drawn[-1], f"{KEY}.difference")
    if drawn:
        save(drawn, KEY, "compared")


def _in_subwords_of(second: View, first: View, own: Sentence) -> tuple[int, ...]:
    """The first network's translation in the subwords of the second."""
    ours, theirs = networks.loaded(first.model).vocab, networks.loaded(second.model).vocab
    if ours.tokens == theirs.tokens:
        return own.hypothesis.tokens
    end = own.hypothesis.tokens[-1:] if own.hypothesis.finished else ()
    return (*theirs.encode(own.text), *end)
