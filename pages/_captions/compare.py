"""Two networks on one picture: with attention and without, what each says and what each word owes to the picture."""

import numpy as np
import pandas as pd
import streamlit as st

from pages._captions import compute, multiples, state
from pages._captions.compute import Told, View
from pages._ui.text import plain

KEY = "captions.compare"


def panel(view: View, about: dict, told: Told) -> None:
    """The other network's caption and words beside this one's."""
    cards = state.cards()
    others = [name for name in cards if name != view.model]
    if not others:
        st.info("There is no other captioner to compare with. Train one: `python -m models train caption-none`.")
        return
    others.sort(key=lambda name: (cards[name]["kind"] != about["kind"], cards[name]["arguments"] == about["arguments"]))
    other = st.selectbox("Compare with", others, key=f"{KEY}.model", bind="query-params", width=220)
    views = view.of(hidden=()), view.of(model=other, hidden=())
    for column, each in zip(st.columns(2), views, strict=True):
        with column:
            _one(each, cards[each.model])
    multiples.draw_words(views[1], compute.told(views[1]), KEY)


def _one(view: View, about: dict) -> None:
    told = compute.told(view)
    total = float(told.hypothesis.log_probabilities.sum())
    st.markdown(f"**{view.model}**, attention {about['arguments'].get('attention', '')}: {plain(compute.caption(view).text)}")
    p = np.exp(told.hypothesis.log_probabilities).round(3)
    frame = pd.DataFrame({"word": told.words, "p": p, "visual, nats": told.visual.round(2)})
    st.dataframe(frame, hide_index=True, key=f"{KEY}.{view.model}.words")
    st.caption(f"log p of the caption {total:.1f}. Two networks' log p can be compared only where their words are the same.")
