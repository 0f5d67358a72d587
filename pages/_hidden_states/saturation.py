"""All units at once: how often each gate is nearly shut or nearly open."""

import pandas as pd
import streamlit as st

from explorer.analysis.saturation import gate_saturation
from explorer.figures.saturation import saturation
from explorer.records import SIGNED_GATES
from pages._hidden_states import compute, state
from pages._hidden_states.compute import View
from pages._ui.show import draw, is_dark, save

KEY = "hidden_states.saturation"
READ = """One dot is one unit; across, the share of steps in which its gate was below 0.1 (nearly shut), upwards the share above 0.9 (nearly
open). No dot can lie above the line. **Counts, not memory**: a forget gate above 0.9 at every step may still keep only 0.35 after
ten. Gates near 1 are a healthy integrator, not a fault. Karpathy, Johnson and Fei-Fei, 2015."""


def panel(view: View, about: dict, chosen) -> None:
    """The scatter of Karpathy, Johnson and Fei-Fei; a click shows the unit above."""
    trace = compute.trace(view)
    gates = [name for name in trace.gates if name not in SIGNED_GATES]
    if not gates:
        st.info("A plain RNN has no gates. Choose an LSTM or a GRU.")
        return
    found = [gate_saturation(trace, gate) for gate in gates]
    place, dark = (view.layer, view.unit), is_dark()
    with st.container(horizontal=True):  # one figure a gate: on a narrow screen they stand below each other
        picked = [draw(saturation([one], place, 1, dark), f"{KEY}.{one.gate}", "unit") for one in found]
    save(saturation(found, place, dark=dark), f"{KEY}.scatter", "saturation", _frame(gates, found))
    for layer, unit in sorted({(int(point["layer"]), int(point["unit"])) for point in picked if point}):
        label = f"Show unit {unit} of layer {layer + 1}"
        st.button(label, key=f"{KEY}.show.{layer}.{unit}", on_click=state.look_at, args=(layer, unit))
    st.caption(READ)


def _frame(gates: list[str], found: list) -> pd.DataFrame:
    rows = []
    for gate, one in zip(gates, found, strict=True):
        for layer in range(one.shut.shape[0]):
            frame = pd.DataFrame({"gate": gate, "layer": layer + 1, "shut": one.shut[layer], "open": one.open[layer]})
            rows.append(frame.rename_axis("unit").reset_index())
    return pd.concat(rows)
