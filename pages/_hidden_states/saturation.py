"""Panel "All units": how often each gate is nearly shut or nearly open."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer.analysis.saturation import Saturation, gate_saturation, saturable
from explorer.figures.saturation import saturation
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.compute import View
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save
from pages._ui.text import how_to_read

KEY = "hidden_states.saturation"
READ = """
Each dot is one unit. Its horizontal position is the share of characters at which the gate was below 0.1 (nearly shut), its
vertical position the share above 0.9 (nearly open). The two shares add up to at most 1, so no dot lies above the diagonal.

- **This is not memory time.** A forget gate that stays at 0.9 keeps only 0.9¹⁰ = 0.35 of the cell state after ten characters.
- A forget gate near 1 is not a fault: such a unit adds up its inputs and keeps the sum for a long time.

Source: Karpathy, Johnson and Fei-Fei, *Visualizing and Understanding Recurrent Networks*, 2015, figure 2.
"""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """One scatter plot per gate; a click on a dot offers to show its unit above."""
    gates = saturable(run.trace)
    if not gates:
        st.info("A plain RNN has no gates. Choose an LSTM or a GRU.")
        return
    saturations = [made(gate_saturation, run.trace, gate) for gate in gates]
    chosen, dark = (view.layer, view.unit), is_dark()
    st.caption("Each dot is one unit: how often its gate is nearly shut, and how often nearly open, on this text. Click one to show it.")
    with st.container(horizontal=True):  # one figure per gate: on a narrow screen they stand one below the other
        drawn = {shares.gate: made(saturation, [shares], chosen, 1, dark) for shares in saturations}
        points = [draw(figure, f"{KEY}.{gate}", "unit") for gate, figure in drawn.items()]
    save(list(drawn.values()), f"{KEY}.scatter", "saturation", partial(_frame, saturations))
    for layer, unit in sorted({(int(point["layer"]), int(point["unit"])) for point in points if point}):
        label = f"Show unit {unit} of layer {layer + 1}"
        st.button(label, key=f"{KEY}.show.{layer}.{unit}", on_click=state.look_at, args=(layer, unit))
    how_to_read(READ)
    terms("saturation", "gate", "forget gate", "update gate")


def _frame(saturations: list[Saturation]) -> pd.DataFrame:
    rows = []
    for shares in saturations:
        for layer, (shut, opened) in enumerate(zip(shares.shut, shares.open, strict=True)):
            frame = pd.DataFrame({"gate": shares.gate, "layer": layer + 1, "shut": shut, "open": opened})
            rows.append(frame.rename_axis("unit").reset_index())
    return pd.concat(rows)
