"""All words of the caption: the attention map of each on one scale, and the occlusion map of the selected word."""

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import image_attention
from models import Loaded
from models.captioning.experiments.captions import CaptionRun, region_names
from pages._captions import pictures, state
from pages._captions.compute import View
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling, show
from pages._ui.text import plain, share

KEY = "captions.multiples"
OCCLUSION = "nats lost without the region"
MOST = 16  # words drawn


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The attention maps of all words, and the occlusion map of the selected one."""
    draw_words(view, run, KEY)
    if run.needed is None:
        return
    st.markdown(
        f"**Occlusion map of “{plain(run.words[view.word])}”**, on its own scale; blue where hiding the region makes the word more likely"
    )
    frame = pd.DataFrame(run.needed, columns=list(region_names(run.grid))).assign(word=run.words)
    figure = made(image_attention.region_map, pictures.seen(view, run), view.word, run.needed[view.word], OCCLUSION, is_dark())
    with scrolling("captions-map"):
        show(figure, f"{KEY}.map", "needed", frame)
    terms("gain from the picture", "nats", "occlusion")


def draw_words(view: View, run: CaptionRun, key: str) -> None:
    """The picture once for each word of a caption, with downloads; a sentence if the network has no attention."""
    if run.alignment is None:
        st.info("This network has no attention: it sees the picture once, before the first word.", icon=":material/visibility_off:")
        return
    whole = pictures.seen(view, run)
    seen = replace(whole, words=whole.words[:MOST], weights=whole.weights[:MOST])
    probabilities = np.exp(run.hypothesis.log_probabilities[:MOST])
    notes = [f"p {share(float(p))}, gain {gain:+z.1f}" for p, gain in zip(probabilities, run.visual, strict=False)]
    figure = made(image_attention.multiples, seen, notes, not st.session_state.get(state.CELLS), is_dark(), pictures.is_heat())
    with scrolling(key.replace(".", "-")):
        draw(figure, f"{key}.words")
    st.caption(
        f"Below each word: its probability and its gain from the picture, in nats. The brightest region has a weight of {seen.top:.2g}."
    )
    frame = pd.DataFrame(run.alignment.weights, columns=list(run.alignment.source)).assign(word=run.words)
    save(figure, f"{key}.words", "attention", frame)
