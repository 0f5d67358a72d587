"""The network's card: what it is, what it was trained on, how well it does and beside what."""

import pandas as pd
import streamlit as st

from models.names.experiments import Confusions
from pages._confusions.compute import EMITS, View
from pages._ui import card, networks
from pages._ui.glossary import terms
from pages._ui.text import plain

KEY = "confusions.card"
TERMS = (
    "accuracy", "recall", "F1", "macro average", "nats", "Brier score", "calibration error", "baseline", "n-gram",
    "ceiling", "one-hot vector",
)  # fmt: skip
CELLS = {
    "rnn": "hₜ = tanh(W xₜ + U hₜ₋₁ + b)",
    "lstm": "an LSTM",
    "gru": "a GRU",
    "linear": "hₜ = W xₜ + U hₜ₋₁ + b, without a tanh, as in the tutorial",
}
ROWS = {"majority": "always the commonest", "ngram_logistic": "character n-grams, logistic regression"}
COLUMNS = {
    "accuracy": "accuracy", "macro_recall": "macro recall", "macro_f1": "macro F1", "nats_per_name": "nats a name", "brier": "Brier",
    "calibration_error": "calibration error", "calibration_error_if_perfect": "if perfect", "names": "names",
}  # fmt: skip


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The card in tables; every number in it was measured on the split it names."""
    scores = about["scores"]
    card.head(view.model, about, f", {CELLS[about['arguments']['cell']]}, over one-hot letters; the last step is the answer.")
    st.markdown("**Scores on held-out spellings**; beside the networks what needs none, and the most that any answer by spelling can reach")
    st.dataframe(_table(about), hide_index=True, key=f"{KEY}.scores")
    if "prior" in scores:
        st.caption(f"Prior: {plain(scores['prior'])}.")
    if why := stems(scores):
        st.markdown(why)
    terms(*TERMS)
    card.training(about, KEY, "loss")


def stems(scores: dict) -> str:
    """Where the n-grams and the network differ, in measured words."""
    beside = scores.get("ngram_logistic", {})
    own, grams = scores.get("by_stem"), beside.get("by_stem")
    if not own or not grams or "macro_f1" not in scores or "macro_f1" not in beside:
        return ""
    ahead = beside["macro_f1"] - scores["macro_f1"]
    lead = (
        f"The n-grams are ahead by {ahead:.3f} of macro F1."
        if ahead > 0
        else f"The network is ahead of the n-grams by {-ahead:.3f} of macro F1."
    )
    if "nats_per_name" in scores and "nats_per_name" in beside:
        own_nats, other = scores["nats_per_name"], beside["nats_per_name"]
        lead += f" In nats a name, where every probability counts, it is {own_nats:.3f} against {other:.3f}."
    known, new = own["known"]["names"], own["new"]["names"]
    return (
        f"{lead} Of {known + new:,} held-out names {known:,} share their first {own['letters']} letters with a training name of their "
        f"language: there the n-grams, which keep every stem, have an accuracy of {grams['known']['accuracy']:.3f} and the network "
        f"{own['known']['accuracy']:.3f}. On the {new:,} others it is {grams['new']['accuracy']:.3f} and {own['new']['accuracy']:.3f}."
    )


def _table(about: dict) -> pd.DataFrame:
    same = {name: other for name, other in networks.emitting(*EMITS).items() if other["data"].get("sha256") == about["data"].get("sha256")}
    rows = [{"what": name} | _row(other["scores"]) for name, other in same.items()]
    rows += [{"what": words} | _row(about["scores"].get(name) or {}) for name, words in ROWS.items()]
    return pd.DataFrame([*rows, {"what": "ceiling of each"} | _row(about["scores"].get("ceiling") or {})])


def _row(scores: dict) -> dict:
    return {title: round(scores[name], 4) if name in scores else None for name, title in COLUMNS.items()}
