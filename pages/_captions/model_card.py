"""The network's card: what it is, what it was trained on, how well it tells and by what measure."""

import pandas as pd
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.captioning.scores import PUBLISHED
from pages._captions import state
from pages._captions.compute import View
from pages._ui import card

KEY = "captions.card"
ATTENTIONS = {
    "soft": "a weight on every region for every word, with a visual gate",
    "none": "the picture's mean region enters once, before the first word",
}
GAME = {
    "attention": "the word's attention", "centre": "centre of the picture", "brightest": "brightest spot of the picture",
    "another_word": "another word's map", "another_picture": "same word, another picture",
}  # fmt: skip


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """The card in tables; every number in it was measured on the split it names."""
    scores, name = about["scores"], about["arguments"].get("attention", "")
    card.head(view.model, about, f". Attention **{name}**: {ATTENTIONS.get(name, 'of another kind')}.", is_titled=True)
    if not scores:
        st.info("Its card holds no scores.")
    elif state.knows_truth(about):
        _scenes(scores)
    else:
        _captions(scores)
        _features(about["features"])
    card.training(about, KEY)


def _scenes(scores: dict) -> None:
    true = "Of {scenes:,} scenes that it never saw, **{true_captions:.1%}** get a caption that is true"
    right = "{named_right:.1%} of the figures named are there."
    st.markdown(f"{true}; {right}".format_map(scores))
    if game := scores.get("pointing"):
        st.markdown("**Does the region with most weight lie on the thing that is named?** Share of names, by the size of the thing")
        rows = [{"size": size, "names": row["n"]} | {title: row.get(key) for key, title in GAME.items()} for size, row in game.items()]
        st.dataframe(pd.DataFrame(rows).round(3), hide_index=True, key=f"{KEY}.pointing")
        st.caption("This speaks of the captioner of drawn scenes alone, and of no captioner of photographs.")


def _captions(scores: dict) -> None:
    st.markdown("**Captions of dev pictures**, five references each (higher is better)")
    rows = []
    for beam, score in scores["beams"].items():
        bleu = {f"BLEU-{n}": value for n, value in enumerate(score["bleu"], 1)}
        plain = {f"BLEU-{n}, no penalty": value for n, value in enumerate(score["without_brevity_penalty"], 1)}
        rows.append({"beam": beam} | bleu | {"CIDEr-D": score["cider_d"]} | plain | {"pictures": score["images"]})
    st.dataframe(pd.DataFrame(rows).round(2), hide_index=True, key=f"{KEY}.scores")
    st.caption("BLEU-n is the BLEU of maximal order n, not the precision of n-grams.")
    if four := scores["against_four"]:
        st.markdown("**Held against four of the five**, the mean over which is left out: the people themselves, and this network")
        names = {"people": "the fifth person"} | {beam: f"beam {beam}" for beam in scores["beams"]}
        rows = [{"who": names.get(who, who)} | {f"BLEU-{n}": value for n, value in enumerate(row["bleu"], 1)} for who, row in four.items()]
        st.dataframe(pd.DataFrame(rows).round(2), hide_index=True, key=f"{KEY}.four")
    published = " / ".join(map(str, PUBLISHED["without_brevity_penalty"]))
    st.caption(f"For orientation only, without brevity penalty and on other pictures: {published} ({PUBLISHED['source']}).")


def _features(tried: dict) -> None:
    """Which map of the encoder the captioners look at: short trainings on each, and one as that of `caption-soft`."""
    if not tried:
        return
    st.markdown("**What it looks at**: short trainings of a smaller network on each map, greedy BLEU-4 on dev pictures")
    st.dataframe(pd.DataFrame(tried["views"]), hide_index=True, key=f"{KEY}.features")
    st.caption(f"{tried['pictures']:,} training pictures, {tried['epochs']:g} epochs. Views: models/captioning/encoder.py.")
    if whole := tried["whole"]:
        st.markdown("Short trainings may mislead: the same after each epoch of the first training of caption-soft, on all pictures")
        rows = {"epoch": range(1, len(whole["ships"]) + 1), "the map that ships": whole["ships"], whole["view"]: whole["bleu_4"]}
        st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{KEY}.whole")
