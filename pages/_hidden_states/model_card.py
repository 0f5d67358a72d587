"""The network's card: what it is, what it was trained on, how well it predicts beside n-grams, its measured units."""

import pandas as pd
import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.compute import View
from pages._ui import card, networks

KEY = "hidden_states.card"


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The card in tables; every number in it was measured on the split it names."""
    size = f", {about['arguments']['layers']} layers of {about['arguments']['units']} units. "
    equal = "Equal units are not equal size: an LSTM has four recurrent matrices, a GRU three, an RNN one."
    card.head(view.model, about, size + equal, "Licence of the text")
    left, right = st.columns(2)
    with left:
        st.markdown("**Cost on dev text it never saw**, nats a character (lower is better)")
        st.dataframe(_scores(about.get("scores", {})), hide_index=True, key=f"{KEY}.scores")
    with right:
        st.markdown("**All networks**")
        st.dataframe(_networks(), hide_index=True, key=f"{KEY}.networks")
    if units := state.guides(about):
        st.markdown("**Units, measured**: chosen on one part of the dev text, scored on another")
        st.dataframe(pd.DataFrame([_flat(unit) for unit in units]), hide_index=True, key=f"{KEY}.units")
    card.training(about, KEY)


def _scores(scores: dict) -> pd.DataFrame:
    rows = [{"model": "this network", "nats": scores.get("nats_per_character")}]
    rows += [{"model": f"{order}-gram (Witten-Bell)", "nats": nats} for order, nats in (scores.get("ngram_nats") or {}).items()]
    return pd.DataFrame(rows)


def _networks() -> pd.DataFrame:
    rows = [
        {"network": name, "parameters": other["parameters"], "nats on its own dev text": other.get("scores", {}).get("nats_per_character")}
        for name, other in networks.emitting(*state.EMITS).items()
    ]
    return pd.DataFrame(rows)


def _flat(unit: dict) -> dict:
    baselines = {name: scores["r"] for name, scores in unit["baselines"].items()}
    own = {name: unit[name] for name in ("concept", "layer", "unit", "r", "auc", "f1", "balanced_accuracy", "memory_time")}
    return own | {"layer": unit["layer"] + 1} | {f"r of {name}": r for name, r in baselines.items()} | {"verdict": state.verdict(unit)}
