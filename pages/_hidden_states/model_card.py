"""Panel "The network": size, training data, cross-entropy compared with n-grams, measured units."""

import pandas as pd
import streamlit as st

from models import Loaded
from models.char_lm.experiments.held import MEAN
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.causes import causes
from pages._hidden_states.compute import View
from pages._ui import card, networks
from pages._ui.glossary import terms
from pages._ui.text import grid

KEY = "hidden_states.card"
UNITS = {"concept": "concept", "layer": "layer", "unit": "unit", "r": "correlation", "auc": "AUC", "f1": "F1"}
UNITS |= {"balanced_accuracy": "balanced accuracy", "memory_time": "memory time, characters"}


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The card in tables; every score was measured on held-out text."""
    size = f", {about['arguments']['layers']} layers of {about['arguments']['units']} units. "
    equal = "Same width does not mean same size: an LSTM has four recurrent matrices, a GRU three, a plain RNN one."
    card.head(view.model, about, size + equal, "Licence of the text")
    left, right = st.columns(2)
    with left:
        st.markdown("**Cross-entropy on held-out text** (lower is better)")
        _show(_scores(about.get("scores", {})), "scores", "%.3f")
    with right:
        st.markdown("**All networks**, each on the held-out part of its own text")
        _show(_networks(), "networks", "%.3f")
    if units := state.guides(about):
        st.markdown("**Measured units**: chosen on one part of the held-out text, scored on the other")
        _show(pd.DataFrame([_flat(unit) for unit in units]), "units", "%.2f")
    if measured := causes(view.model, about["data"].get("corpus", "")):
        st.markdown("**Are they used?** Extra cost in nats with the unit held at its mean, on later pages")
        _show(pd.DataFrame(map(_cause, measured)), "causes", "%.3f")
        st.caption(
            "*There* are the characters at which the concept ends, with a 95 % interval. *Chance* is the largest cost of any unit at "
            "places that are shifted along the text. A unit is used if its cost there exceeds chance and surely exceeds the cost "
            "elsewhere. Each is silenced alone, so that units that do the same hide each other. *Find a unit* makes the same test on "
            "your text."
        )
    terms(
        "parameters",
        "cross-entropy",
        "nats",
        "n-gram",
        "held-out",
        "concept",
        "correlation r",
        "AUC",
        "F1",
        "balanced accuracy",
        "baseline",
        "untrained network",
        "chance",
    )
    card.training(about, KEY)


def _show(frame: pd.DataFrame, name: str, form: str) -> None:
    rounded = {column: st.column_config.NumberColumn(format=form) for column in frame.select_dtypes("float").columns}
    grid(frame, f"{KEY}.{name}", column_config=rounded)


def _scores(scores: dict) -> pd.DataFrame:
    rows = [{"model": "this network", "nats per character": scores.get("nats_per_character")}]
    ngrams = scores.get("ngram_nats") or {}
    rows += [{"model": f"{order}-gram (Witten-Bell)", "nats per character": nats} for order, nats in ngrams.items()]
    return pd.DataFrame(rows).astype({"nats per character": float})


def _networks() -> pd.DataFrame:
    rows = [
        {"network": name, "parameters": other["parameters"], "nats per character": other.get("scores", {}).get("nats_per_character")}
        for name, other in networks.emitting(*state.EMITS).items()
    ]
    return pd.DataFrame(rows).astype({"nats per character": float})


def _cause(line: dict) -> dict:
    one = line[MEAN]
    row = {"concept": state.CHIPS.get(line["concept"], line["concept"]), "layer": line["layer"] + 1, "unit": line["unit"]}
    row |= {"used": "yes" if one["is_used"] else "not shown", "there": one["there"], "from": one["low"], "to": one["high"]}
    return row | {name: one[name] for name in ("elsewhere", "chance", "rank", "places")}


def _flat(unit: dict) -> dict:
    own = {words: unit.get(name) for name, words in UNITS.items()} | {"layer": unit["layer"] + 1}
    own["concept"] = state.CHIPS.get(unit["concept"], unit["concept"])
    baselines = {f"correlation of baseline: {name}": scores["r"] for name, scores in unit["baselines"].items()}
    return own | baselines | {"better than all baselines": "yes" if unit["clears_all"] else "no"}
