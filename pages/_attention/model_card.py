"""Model card of a translation network: what it is, its training data, and its scores next to those of others."""

import pandas as pd
import streamlit as st

from explorer.figures.bleu import Score, by_length
from models.translation.experiments.edits import Sentence
from pages._attention import state
from pages._attention.compute import View
from pages._ui import card, networks
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import grid, plain

KEY = "attention.card"
ATTENTIONS = {
    "additive": "eᵢⱼ = vᵀ tanh(W s₍ᵢ₋₁₎ + U hⱼ)",
    "bilinear": "eᵢⱼ = s₍ᵢ₋₁₎ᵀ W hⱼ / √units",
    "uniform": "eᵢⱼ = 0, in training too: a baseline that learned weights should beat",
    "none": "no attention: the decoder gets only the last states of the encoder",
    "decoder": "eᵢ = W [previous word; s₍ᵢ₋₁₎], which never see the source: a well-known mistake, here an example of fake attention",
}


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The card in tables; each table says on which part of the data it was measured."""
    scores, name = about["scores"], str(about["arguments"].get("attention", ""))
    form = f". Attention **{plain(name)}**: {ATTENTIONS.get(name, 'of another kind')}."
    card.head(view.model, about, form, "Licence of the sentences")
    st.markdown("**BLEU on held-out sentences** (dev part), with all known translations of a sentence as references; higher is better")
    formats = {"parameters": "localized", "exact match": "percent"} | dict.fromkeys(
        ("BLEU", "95 % from", "95 % to", "chrF", "greedy BLEU"), "%.1f"
    )
    columns = {name: st.column_config.NumberColumn(format=shape) for name, shape in formats.items()}
    grid(_networks(about["direction"]), f"{KEY}.scores", column_config=columns)
    if signature := scores.get("signature"):
        st.caption(f"sacreBLEU {plain(signature)}. Intervals: bootstrap over sentences. p-values: paired bootstrap.")
    lines = {n: _scores(other) for n, other in _same_direction(about["direction"]).items() if other["scores"].get("bleu_by_length")}
    if lines:
        frame = pd.DataFrame([{"network": n, **vars(score)} for n, parts in lines.items() for score in parts])
        figure = made(by_length, lines, is_dark())
        with scrolling("card-length"):
            draw(figure, f"{KEY}.length")
        save(figure, f"{KEY}.length", "bleu-by-length", frame)
        st.caption("Where two intervals overlap, the difference in BLEU may be chance.")
    terms("BLEU", "chrF", "reference translation", "greedy decoding", "bootstrap", "p-value", "parameters", "dev set")
    card.training(about, KEY)


def _same_direction(direction: str) -> dict[str, dict]:
    return {name: about for name, about in networks.emitting(*state.EMITS).items() if about["direction"] == direction}


def _scores(about: dict) -> list[Score]:
    parts = about["scores"]["bleu_by_length"].items()
    return [Score(length, part["bleu"], part["interval"][0], part["interval"][1], part["sentences"]) for length, part in parts]


def _networks(direction: str) -> pd.DataFrame:
    rows = []
    for name, about in _same_direction(direction).items():
        scores = about["scores"]
        low, high = scores.get("interval", (None, None))
        row = {"network": name, "attention": about["arguments"].get("attention"), "parameters": about["parameters"]}
        row |= {
            "BLEU": scores.get("bleu"),
            "95 % from": low,
            "95 % to": high,
            "chrF": scores.get("chrf"),
            "sentences": scores.get("sentences"),
        }
        paired = about["paired"]
        row["p-value of the difference"] = f"{paired['p']:.3f} (compared with {paired['against']})" if paired else "–"
        rows.append(row | {"exact match": scores.get("exact_match"), "greedy BLEU": scores.get("greedy_bleu")})
    return pd.DataFrame(rows)
