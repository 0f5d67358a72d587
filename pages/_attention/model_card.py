"""The network's card: what it is, what it was trained on, how well it translates and by what measure."""

import pandas as pd
import streamlit as st

from explorer.figures.bleu import Score, by_length
from models.translation.experiments.edits import Sentence
from pages._attention import state
from pages._attention.compute import View
from pages._ui import card, networks
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "attention.card"
ATTENTIONS = {
    "additive": "eᵢⱼ = vᵀ tanh(W s₍ᵢ₋₁₎ + U hⱼ)",
    "bilinear": "eᵢⱼ = s₍ᵢ₋₁₎ᵀ W hⱼ / √units",
    "uniform": "eᵢⱼ = 0, in training too: a baseline that learnt weights should beat",
    "none": "no attention: the encoder's last states are all that the decoder gets",
    "decoder": "eᵢ = W [word before; s₍ᵢ₋₁₎], a score for each place that never sees the source: a known mistake, shown as a fake",
}


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The card in tables; every number in it was measured on the split it names."""
    scores, name = about["scores"], str(about["arguments"].get("attention", ""))
    form = f". Attention **{plain(name)}**: {ATTENTIONS.get(name, 'of another kind')}."
    card.head(view.model, about, form, "Licence of the sentences")
    st.markdown("**BLEU on dev sentences it never saw**, every known translation of a source as a reference (higher is better)")
    formats = {"parameters": "localized", "exactly right": "percent"} | dict.fromkeys(("BLEU", "from", "to", "chrF", "greedy BLEU"), "%.1f")
    columns = {name: st.column_config.NumberColumn(format=shape) for name, shape in formats.items()}
    st.dataframe(_networks(about["direction"]), hide_index=True, key=f"{KEY}.scores", column_config=columns)
    if signature := scores.get("signature"):
        st.caption(f"sacreBLEU signature: {signature}. Interval: 95 %, bootstrap over sentences; differences: paired bootstrap.")
    lines = {n: _scores(other) for n, other in _same_direction(about["direction"]).items() if other["scores"].get("bleu_by_length")}
    if lines:
        frame = pd.DataFrame([{"network": n, **vars(score)} for n, parts in lines.items() for score in parts])
        figure = by_length(lines, is_dark())
        with scrolling("card-length"):
            draw(figure, f"{KEY}.length")
        save(figure, f"{KEY}.length", "bleu-by-length", frame)
        st.caption("A network falls with length only where intervals part: look at the bars, and at n in the tooltip.")
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
        row |= {"BLEU": scores.get("bleu"), "from": low, "to": high, "chrF": scores.get("chrf"), "sources": scores.get("sentences")}
        paired = about["paired"]
        row["chance gives so large a difference"] = f"p {paired['p']:.3f} (against {paired['against']})" if paired else "–"
        rows.append(row | {"exactly right": scores.get("exact_match"), "greedy BLEU": scores.get("greedy_bleu")})
    return pd.DataFrame(rows)
