"""Two networks on one picture: the caption of each, and how much each word gains from the picture."""

import numpy as np
import pandas as pd
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.family import PROGRAM
from pages._captions import compute, multiples, state
from pages._captions.compute import View
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.text import grid, plain

KEY = "captions.compare"
GAIN = "gain from the picture, nats"


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The words of both captions side by side, and the attention maps of the other network."""
    cards = state.cards()
    others = [name for name in cards if name != view.model]
    if not others:
        st.info(f"There is no other captioner to compare with. Train one: `{PROGRAM} train caption-none`.")
        return
    others.sort(key=lambda name: (cards[name]["kind"] != about["kind"], cards[name]["arguments"] == about["arguments"]))
    other = st.selectbox("Compare with", others, key=f"{KEY}.model", bind="query-params", width=220)
    other_view = view.of(model=other)
    other_run = compute.caption(other_view, networks.loaded(other))
    left, right = st.columns(2)
    with left:
        _one(view.model, about, run)
    with right:
        _one(other, cards[other], other_run)
    multiples.draw_words(other_view, other_run, KEY)
    terms("probability p", "gain from the picture", "log probability", "soft attention")


def _one(model: str, about: dict, run: CaptionRun) -> None:
    log_probabilities = run.hypothesis.log_probabilities
    st.markdown(f"**{plain(model)}** (attention: {plain(about['arguments'].get('attention', ''))}): {plain(run.text)}")
    frame = pd.DataFrame({"word": run.words, "probability": np.exp(log_probabilities).round(3), GAIN: run.visual.round(2)})
    grid(frame, f"{KEY}.{model}.words")
    total = float(log_probabilities.sum())
    st.caption(f"Log probability of the caption: {total:.1f}. It can be compared between networks only for the same words.")
