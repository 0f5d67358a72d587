"""Cell state and hidden state of one unit of an LSTM in one figure: what it remembers, and what it passes on."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.ledger import withheld
from explorer.figures.characters import noun
from explorer.figures.unit import cell_and_hidden
from explorer.records import Trace
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import how_to_read

READ = """
The cell state **c** is what the unit remembers. The hidden state **h** is what it passes on: to the next layer, to the gates of the next
step, and to the prediction. Between the two stands the output gate: **h = output gate × tanh(c)**. Where the gate is shut, h is 0 whatever
the unit remembers, and the memory is not lost: it comes out when the gate opens again.

So a unit that looks silent in h may remember well, and a map of h and a map of c of the same units differ. A GRU and a plain RNN have no
such gate: they show all that they remember.
"""


def panel(trace: Trace, layer: int, unit: int, stretch: tuple[int, int], key: str) -> None:
    """Title, one sentence with what was counted, the figure and its explanation.

    Args:
        trace: A run of an LSTM.
        layer, unit: Counted from 0.
        stretch: First and one past the last position that is drawn.
        key: Of the figure, `page.thing`.
    """
    start, stop = stretch
    st.markdown(f"**c is what it knows, h is what it says.** {sentence(withheld(trace, layer)[start:stop, unit], noun(trace.tokens))}")
    figure = made(cell_and_hidden, trace, layer, unit, stretch, is_dark())
    with scrolling(key.replace(".", "-")):
        draw(figure, key)
    frame = {"position": range(start + 1, stop + 1), noun(trace.tokens)[:-1]: trace.tokens[start:stop]}
    frame |= {"tanh(c)": np.tanh(trace.cell[start:stop, layer, unit])} if trace.cell is not None else {}
    frame |= {"output gate": trace.gates["output"][start:stop, layer, unit], "h": trace.hidden[start:stop, layer, unit]}
    save(figure, key, "cell-and-hidden", pd.DataFrame(frame))
    how_to_read(READ, "c and h")


def sentence(silent: np.ndarray, named: str = "characters") -> str:
    """What was counted: at how many characters or words the unit remembers something and shows almost nothing; `silent` bool [time]."""
    if not silent.any():
        return f"It shows what it remembers at all {len(silent)} {named} here."
    times = f"{int(silent.sum())} of the {len(silent)} {named}"
    return f"At {times} here the unit remembers something (|tanh c| at least 0.5) but shows almost nothing (|h| below 0.1)."
