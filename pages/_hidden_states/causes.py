"""What silencing the measured units costs on held-out text, from the file that `python -m models measure NAME causes` writes."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

import models
from models.char_lm.experiments.held import MEAN
from pages._ui import networks


@st.cache_data(show_spinner=False, ttl=30)
def causes(model: str, corpus: str) -> list[dict[str, Any]]:
    """The entries of a network; empty if it was not measured, or with other weights."""
    try:
        of_network = json.loads(models.file_of(f"{corpus}-causes.json").read_text(encoding="utf-8"))["networks"][model]
        return of_network["causes"] if of_network["weights"] == networks.fingerprint(model) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def cause_of(about: Mapping[str, Any], guide: Mapping[str, Any]) -> dict[str, Any] | None:
    """The entry of a unit of the card; None if there is none."""
    same = (guide["concept"], guide["layer"], guide["unit"])
    entries = causes(str(about.get("name", "")), str(about["data"].get("corpus", "")))
    return next((line for line in entries if (line["concept"], line["layer"], line["unit"]) == same), None)


def in_short(line: Mapping[str, Any]) -> str:
    """Whether the unit is used, in one sentence."""
    one = line[MEAN]
    verdict = "The network uses it" if one["is_used"] else "That the network uses it is not shown"
    cost = f"{one['there']:+.2f} nats more each (95 % interval {one['low']:+.2f} to {one['high']:+.2f})"
    sentence = f"{verdict}: with the unit held at its mean, the {one['places']} characters that need it cost {cost}."
    return sentence.replace(" -", " \u2212")
