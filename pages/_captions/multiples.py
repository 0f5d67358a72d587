"""All words of the caption at once: the picture once for each, on one scale; and the chosen word's map beside what it needed."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import image_attention
from models import Loaded
from models.captioning.experiments.captions import CaptionRun, region_names
from pages._captions import pictures, state
from pages._captions.compute import View
from pages._ui.show import draw, is_dark, save, scrolling, show
from pages._ui.text import share

KEY = "captions.multiples"
MOST = 16  # words that are drawn


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The figure that everyone knows, and the map of one word."""
    draw_words(view, run, KEY)
    if run.needed is None:
        return
    st.markdown(f"**What “{run.words[view.word]}” loses without each region**, on a scale of its own; blue where hiding it helps")
    frame = pd.DataFrame(run.needed, columns=list(region_names(run.grid))).assign(word=run.words)
    figure = image_attention.region_map(pictures.seen(view, run), view.word, run.needed[view.word], "nats lost", is_dark())
    with scrolling("captions-map"):
        show(figure, f"{KEY}.map", "needed", frame)


def draw_words(view: View, run: CaptionRun, key: str) -> None:
    """The picture once for each word of a caption, with its files; a sentence where the network has no attention."""
    if run.alignment is None:
        st.info("This network has no attention: the picture enters once, before the first word.", icon=":material/visibility_off:")
        return
    whole = pictures.seen(view, run)
    seen = image_attention.Seen(whole.picture, whole.words[:MOST], whole.weights[:MOST], whole.grid)
    probabilities = np.exp(run.hypothesis.log_probabilities[:MOST])
    notes = [f"{share(float(p))}, visual {gain:+z.1f}" for p, gain in zip(probabilities, run.visual, strict=False)]
    figure = image_attention.multiples(seen, notes, not st.session_state.get(state.CELLS), is_dark())
    with scrolling(key.replace(".", "-")):
        draw(figure, f"{key}.words")
    st.caption(f"Below each word: its probability and what the picture gave it, in nats. Brightest: {seen.top:.2g}, in all pictures alike.")
    frame = pd.DataFrame(run.alignment.weights, columns=list(run.alignment.source)).assign(word=run.words)
    save(figure, f"{key}.words", "attention", frame)
