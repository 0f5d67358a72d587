"""The attention of a module in another process: the weights at its Taps, one row for each word that it wrote."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from explorer.figures import alignment as figures
from explorer.records import Alignment
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "your_model.attended"


def panel(alignments: Sequence[dict[str, Any]]) -> None:
    """The weights of one Tap, with a menu where there are several."""
    if not alignments:
        return
    names = [one["name"] for one in alignments]
    name = names[0] if len(names) == 1 else st.selectbox("Attention at", names, key=f"{KEY}.name", width=240)
    one = alignments[names.index(name)]
    st.markdown(f"**Attention** at the Tap {plain(name)}")
    if "problem" in one:
        st.info(plain(one["problem"]), icon=":material/help:")
        return
    weights = Alignment(tuple(one["source"]), tuple(one["target"]), np.array(one["weights"]))
    figure = made(figures.matrix, weights, dark=is_dark())
    with scrolling("your-model-attended"):
        draw(figure, f"{KEY}.matrix")
    save(figure, f"{KEY}.matrix", "attention")
    st.caption("Each row: the weights at one step, which sum to 1. Rows and columns without a name are numbered.")
