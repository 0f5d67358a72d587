"""All words of the caption at once: the picture once for each, on one scale; and the chosen word's map beside what it needed."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures import image_attention
from pages._captions import compute, state
from pages._captions import pictures as captions_pictures
from pages._captions.compute import Told, View
from pages._ui.show import draw, is_dark, save, scrolling, show
from pages._ui.text import share

KEY = "captions.multiples"
MOST = 16  # words that are drawn


def panel(view: View, about: dict, told: Told) -> None:
    """The figure that everyone knows, and the map of one word."""
    draw_words(view, told, KEY)
    if st.session_state.get(state.STOPPED):
        return
    lost, drawn = compute.needed(view), captions_pictures.seen(view, told)
    st.markdown(f"**What “{told.words[view.word]}” loses without each region**, on a scale of its own; blue where hiding it helps")
    frame = pd.DataFrame(lost, columns=list(compute.places(view))).assign(word=told.words)
    with scrolling("captions-map"):
        show(image_attention.region_map(drawn, view.word, lost[view.word], "nats lost", is_dark()), f"{KEY}.map", "needed", frame)


def draw_words(view: View, told: Told, key: str) -> None:
    """The picture once for each word of a caption, with its files; a sentence where the network has no attention."""
    if told.alignment is None:
        st.info("This network has no attention: the picture enters once, before the first word.", icon=":material/visibility_off:")
        return
    drawn = captions_pictures.seen(view, told)
    drawn = image_attention.Seen(drawn.picture, drawn.words[:MOST], drawn.weights[:MOST], drawn.grid)
    p = np.exp(told.hypothesis.log_probabilities[:MOST])
    notes = [f"{share(float(each))}, visual {gain:+z.1f}" for each, gain in zip(p, told.visual, strict=False)]
    figure = image_attention.multiples(drawn, notes, not st.session_state.get(state.CELLS), is_dark())
    with scrolling(key.replace(".", "-")):
        draw(figure, f"{key}.words")
    st.caption(
        f"Below each word: its probability and what the picture gave it, in nats. Brightest: {drawn.top:.2g}, in all pictures alike."
    )
    frame = pd.DataFrame(told.alignment.weights, columns=list(told.alignment.source)).assign(word=told.words)
    save(figure, f"{key}.words", "attention", frame)
