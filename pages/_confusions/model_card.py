"""Model card of a classifier: what it is, its training data, and its scores next to baselines."""

import pandas as pd
import streamlit as st

from models.names.experiments import Confusions
from pages._confusions.compute import EMITS, View
from pages._confusions.words import words
from pages._ui import card, networks
from pages._ui.glossary import terms
from pages._ui.text import grid, plain

KEY = "confusions.card"
TERMS = (
    "accuracy", "recall", "F1", "macro average", "nats", "Brier score", "calibration error", "baseline", "n-gram",
    "ceiling", "one-hot vector",
)  # fmt: skip
CELLS = {
    "rnn": "hₜ = tanh(W xₜ + U hₜ₋₁ + b)",
    "lstm": "an LSTM",
    "gru": "a GRU",
    "linear": "hₜ = W xₜ + U hₜ₋₁ + b, without tanh, as in the PyTorch tutorial",
}
ROWS = {"majority": "baseline: most frequent language", "ngram_logistic": "baseline: logistic regression on n-grams"}
COLUMNS = {
    "accuracy": "accuracy", "macro_recall": "macro recall", "macro_f1": "macro F1", "nats_per_name": "nats per name",
    "brier": "Brier score", "calibration_error": "calibration error",
    "calibration_error_if_perfect": "its value if calibrated", "names": "names",
}  # fmt: skip


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The card in tables; each table says on which part of the data it was measured."""
    scores, called = about["scores"], words(view.model)
    if not called.of_names:
        made = f", {CELLS[about['arguments']['cell']]}; the prediction is made after the last {called.token}."
        card.head(view.model, about, made)
        st.caption("Its file holds weights alone, so nothing is known of its training. Give a test set to see its scores.")
        return
    card.head(
        view.model, about, f", {CELLS[about['arguments']['cell']]}, over one-hot letters; the prediction is made after the last letter."
    )
    st.markdown("**Scores on held-out names**, with non-neural baselines and the best score any spelling-based classifier can reach")
    grid(_table(about), f"{KEY}.scores")
    if "prior" in scores:
        st.caption(f"Class prior: {plain(scores['prior'])}.")
    if why := stems(scores):
        st.markdown(why)
    terms(*TERMS)
    card.training(about, KEY, "loss")


def stems(scores: dict) -> str:
    """In words: on which names the n-gram baseline and the network differ."""
    beside = scores.get("ngram_logistic", {})
    own, grams = scores.get("by_stem"), beside.get("by_stem")
    if not own or not grams or "macro_f1" not in scores or "macro_f1" not in beside:
        return ""
    ahead = beside["macro_f1"] - scores["macro_f1"]
    lead = f"In macro F1 the n-grams are ahead by {ahead:.3f}." if ahead > 0 else f"In macro F1 the network is ahead by {-ahead:.3f}."
    if "nats_per_name" in scores and "nats_per_name" in beside:
        own_nats, other = scores["nats_per_name"], beside["nats_per_name"]
        lead += f" Cross-entropy in nats per name: network {own_nats:.3f}, n-grams {other:.3f}."
    known, new = own["known"]["names"], own["new"]["names"]
    return (
        f"{lead} Of {known + new:,} held-out names, {known:,} share their first {own['letters']} letters with a training name of their "
        f"language. On these, the accuracy is {grams['known']['accuracy']:.3f} for the n-grams, which store the beginnings of names, and "
        f"{own['known']['accuracy']:.3f} for the network; on the other {new:,} names it is {grams['new']['accuracy']:.3f} and "
        f"{own['new']['accuracy']:.3f}."
    )


def _table(about: dict) -> pd.DataFrame:
    same = {name: other for name, other in networks.emitting(*EMITS).items() if other["data"].get("sha256") == about["data"].get("sha256")}
    rows = [{"network or baseline": name} | _row(other["scores"]) for name, other in same.items()]
    scores = about["scores"]
    rows += [{"network or baseline": words} | _row(scores.get(name) or {}) for name, words in ROWS.items()]
    if fair := (scores.get("ngram_logistic") or {}).get("with_prior"):
        rows.append({"network or baseline": f"{ROWS['ngram_logistic']}, with the class prior that is best for it"} | _row(fair))
    return pd.DataFrame([*rows, {"network or baseline": "best possible from the spelling"} | _row(scores.get("ceiling") or {})])


def _row(scores: dict) -> dict:
    return {title: round(scores[name], 4) if name in scores else None for name, title in COLUMNS.items()}
