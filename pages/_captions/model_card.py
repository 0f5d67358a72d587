"""Model card of a captioner: what it is, its training data, and its scores."""

import pandas as pd
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.captioning.scores import PUBLISHED
from pages._captions import state
from pages._captions.compute import View
from pages._ui import card
from pages._ui.glossary import terms
from pages._ui.text import grid, plain

KEY = "captions.card"
VIEWS = {"view": "feature map", "picture": "picture size, pixels", "bleu_4": "BLEU-4"}
ATTENTIONS = {
    "soft": "for every word, a weight on every region, and a visual gate",
    "none": "the network sees the mean of all regions once, before the first word",
}
GAME = {
    "attention": "attention of the word", "centre": "centre of the picture", "brightest": "brightest spot of the picture",
    "another_word": "attention of another word", "another_picture": "same word, another picture",
}  # fmt: skip


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The card in tables; each table says on which part of the data it was measured."""
    scores, name = about["scores"], about["arguments"].get("attention", "")
    card.head(view.model, about, f". Attention **{plain(name)}**: {ATTENTIONS.get(name, 'of another kind')}.", is_titled=True)
    if not scores:
        st.info("The card of this network holds no scores.")
    elif state.knows_truth(about):
        _scenes(scores)
    else:
        _captions(scores)
        _features(about["features"])
    terms("soft attention", "BLEU", "brevity penalty", "CIDEr-D", "greedy decoding", "beam search", "dev set")
    card.training(about, KEY)


def _scenes(scores: dict) -> None:
    true = "**{true_captions:.1%}** of the captions of {scenes:,} held-out scenes are true"
    right = "{named_right:.1%} of the figures they name are in the scene"
    st.markdown(f"{true}; {right}.".format_map(scores))
    if game := scores.get("pointing"):
        st.markdown("**Pointing game**: how often the region with the largest weight lies on the named figure, by the size of the figure")
        rows = [{"size": size, "words": row["n"]} | {title: row.get(key) for key, title in GAME.items()} for size, row in game.items()]
        grid(pd.DataFrame(rows).round(3), f"{KEY}.pointing")
        st.caption("This result applies to drawn scenes only, not to photographs.")


def _captions(scores: dict) -> None:
    st.markdown("**Captions of held-out photographs** (dev part), five references each; higher is better")
    rows = []
    for beam, score in scores["beams"].items():
        bleu = {f"BLEU-{n}": value for n, value in enumerate(score["bleu"], 1)}
        longer = {f"BLEU-{n} without brevity penalty": value for n, value in enumerate(score["without_brevity_penalty"], 1)}
        rows.append({"beam width": beam} | bleu | {"CIDEr-D": score["cider_d"]} | longer | {"pictures": score["images"]})
    grid(pd.DataFrame(rows).round(2), f"{KEY}.scores")
    st.caption("BLEU-n uses n-grams of length 1 to n.")
    if four := scores["against_four"]:
        st.markdown("**Leave-one-out against four references**: human captions and this network, same photographs")
        names = {"people": "human captions"} | {beam: f"this network, beam width {beam}" for beam in scores["beams"]}
        rows = [
            {"captions": names.get(who, who)} | {f"BLEU-{n}": value for n, value in enumerate(row["bleu"], 1)} for who, row in four.items()
        ]
        grid(pd.DataFrame(rows).round(2), f"{KEY}.four")
    published = " / ".join(map(str, PUBLISHED["without_brevity_penalty"]))
    st.caption(f"BLEU-1 to 4 without brevity penalty on other photographs, for orientation only: {published} ({PUBLISHED['source']}).")


def _features(tried: dict) -> None:
    """Which feature map of the encoder works best: short trainings on each, and one as long as that of `caption-soft`."""
    if not tried:
        return
    st.markdown("**Choice of the feature map**: short trainings of a smaller network, greedy BLEU-4 on held-out photographs (dev part)")
    grid(pd.DataFrame(tried["views"]).rename(columns=VIEWS), f"{KEY}.features")
    st.caption(f"{tried['pictures']:,} training photographs, {tried['epochs']:g} epochs. Feature maps: see models/captioning/encoder.py.")
    if whole := tried["whole"]:
        st.markdown(
            "Short trainings can mislead: BLEU-4 after each epoch of full-size trainings on all training photographs, with two of the maps"
        )
        rows = {"epoch": range(1, len(whole["ships"]) + 1), "chosen map": whole["ships"], whole["view"]: whole["bleu_4"]}
        grid(pd.DataFrame(rows), f"{KEY}.whole")
