"""All units at once: how often each gate is nearly shut or nearly open."""

import pandas as pd
import streamlit as st

from explorer.analysis.saturation import Saturation, gate_saturation, saturable
from explorer.figures.saturation import saturation
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.compute import View
from pages._ui.show import draw, is_dark, save

KEY = "hidden_states.saturation"
READ = """One dot is one unit; across, the share of steps in which its gate was below 0.1 (nearly shut), upwards the share above 0.9 (nearly
open). No dot can lie above the line. **Counts, not memory**: a forget gate above 0.9 at every step may still keep only 0.35 after
ten. Gates near 1 are a healthy integrator, not a fault. Karpathy, Johnson and Fei-Fei, 2015."""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The scatter of Karpathy, Johnson and Fei-Fei; a click shows the unit above."""
    gates = saturable(run.trace)
    if not gates:
        st.info("A plain RNN has no gates. Choose an LSTM or a GRU.")
        return
    saturations = [gate_saturation(run.trace, gate) for gate in gates]
    chosen, dark = (view.layer, view.unit), is_dark()
    with st.container(horizontal=True):  # one figure a gate: on a narrow screen they stand below each other
        points = [draw(saturation([shares], chosen, 1, dark), f"{KEY}.{shares.gate}", "unit") for shares in saturations]
    save(saturation(saturations, chosen, dark=dark), f"{KEY}.scatter", "saturation", _frame(saturations))
    for layer, unit in sorted({(int(point["layer"]), int(point["unit"])) for point in points if point}):
        label = f"Show unit {unit} of layer {layer + 1}"
        st.button(label, key=f"{KEY}.show.{layer}.{unit}", on_click=state.look_at, args=(layer, unit))
    st.caption(READ)


def _frame(saturations: list[Saturation]) -> pd.DataFrame:
    rows = []
    for shares in saturations:
        for layer, (shut, opened) in enumerate(zip(shares.shut, shares.open, strict=True)):
            frame = pd.DataFrame({"gate": shares.gate, "layer": layer + 1, "shut": shut, "open": opened})
            rows.append(frame.rename_axis("unit").reset_index())
    return pd.concat(rows)
