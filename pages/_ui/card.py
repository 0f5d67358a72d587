"""Panel "The network": what a network is and what it was trained on, and below the page's own tables how it was trained."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages._ui.glossary import terms
from pages._ui.text import grid, plain

# Words for the settings of a recipe and the columns of a training curve; any other is shown with spaces for underscores.
WORDS = {
    "batch": "batch size",
    "steps": "steps per window of truncated backpropagation",
    "warmup": "warm-up, share of all updates",
    "clip": "gradient clipping by norm",
    "decay": "weight decay",
    "checks": "evaluations per epoch",
    "patience": "evaluations without improvement before early stopping",
    "seed": "random seed",
    "smoothing": "label smoothing",
    "at_least": "least uses of a word in the vocabulary",
    "scenes_an_epoch": "scenes per epoch",
    "then": "second stage",
    "train": "training loss",
    "dev": "held-out loss",
    "rate": "learning rate",
    "bleu": "BLEU",
    "bleu_4": "BLEU-4",
}


def head(model: str, about: dict[str, Any], form: str, licence: str = "Licence", is_titled: bool = False) -> None:
    """What the network is and what it was trained on; names and sources from a file are escaped.

    Args:
        model: Name of the network.
        about: Its card.
        form: Markdown that follows the number of parameters.
        licence: Name of the licence entry.
        is_titled: Whether to show the title of the data too.
    """
    data = {name: plain(str(value)) for name, value in about["data"].items()}
    source = f"{data.get('title', data['source'])}. Source: {data['source']}" if is_titled else data["source"]
    st.markdown(f"**{plain(model)}**: {about['parameters']:,} parameters{form}")
    st.markdown(f"Trained on {source}. {licence}: {data['licence']}.")


def training(about: dict[str, Any], key: str, *more: str) -> None:
    """Recipe and training curve, folded.

    Args:
        about: The network's card.
        key: Of the panel, `page.card`.
        more: Entries of the card to show with the recipe.
    """
    curve = about.get("curve")
    settings = list(_settings({name: about.get(name, {}) for name in more} | about.get("recipe", {})))
    with st.expander("Recipe and training curve"):
        grid(pd.DataFrame(settings, columns=["setting", "value"]), f"{key}.recipe")
        frame = pd.DataFrame(curve if isinstance(curve, list) else []).rename(columns=in_words)
        grid(frame, f"{key}.curve")
        terms("epoch", "training step", "loss", "learning rate", "clipping", "dev set", "held-out")


def in_words(name: object) -> str:
    """Words for a setting or a column of a card."""
    return WORDS.get(str(name), str(name).replace("_", " "))


def _settings(recipe: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, str]]:
    """Every setting and its value as text; those of a group are named after it: "second stage: batch size"."""
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{group}{in_words(name)}: ")
        else:
            yield f"{group}{in_words(name)}", _spelt(value)


def _spelt(value: object) -> str:
    """A setting as text: yes and no, "–" for none, numbers with four significant digits."""
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(map(_spelt, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
