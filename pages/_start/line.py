"""The live line: a sentence coloured by one neuron of a trained network, from a file until the visitor types."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from explorer.analysis.quantities import TANH_CELL
from explorer.figures.scales import scale_of
from explorer.figures.states import StateFigure
from pages._components.state_view import state_view
from pages._hidden_states import compute
from pages._hidden_states.examples import EXAMPLES
from pages._ui import networks
from pages._ui.progress import guard

KEY = "start.line"
NETWORK, CONCEPT = "wiki-lstm", "URL"
FIRST = "See http://www.example.org/lights.html to find the lighthouse on a dark night."
MOST = 120  # characters
FILE = Path(__file__).with_name("first_line.json")  # FIRST as the network reads it: drawn while torch is not imported yet
DIGITS = 4


def measured(text: str, card: dict) -> dict[str, Any] | None:
    """What the neuron of the card that tracks web addresses does over a text, and what is predicted; None if the card has none."""
    unit = next((unit for unit in card.get("units") or () if unit["concept"] == CONCEPT and unit["clears_all"]), None)
    if unit is None:
        return None
    view = compute.View(NETWORK, text, EXAMPLES["wiki"].warm_up, unit["layer"], TANH_CELL, unit=unit["unit"])
    run = compute.window(view, networks.loaded(NETWORK))
    return {
        "card": digest(card),
        "text": text,
        "sign": unit["sign"],
        "values": rounded(run.values[:, unit["unit"]]),
        "next_tokens": [list(row) for row in run.next_tokens],
        "next_p": rounded(run.next_p),
        "bits": rounded(run.bits),
    }


def rounded(values: np.ndarray) -> list:
    """An array of any axes [...] as it stands in the file."""
    return np.round(np.asarray(values, float), DIGITS).tolist()


def digest(card: dict) -> str:
    """Short checksum of a card: another one was written for other weights."""
    return hashlib.blake2b(json.dumps(card, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


@cache
def kept() -> dict[str, Any]:
    """What the file says about the first sentence."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def figure(read: dict[str, Any]) -> StateFigure:
    """The line as the component draws it."""
    values = np.array(read["values"], np.float32)[:, None]
    return StateFigure(
        tokens=tuple(read["text"]),
        values=values,
        quantity=TANH_CELL,
        unit=0,
        order=[0],
        order_name="",
        scale=scale_of(TANH_CELL, values, False),
        next_tokens=read["next_tokens"],
        next_p=np.array(read["next_p"], np.float32),
        bits=np.array(read["bits"], np.float32),
        title=NETWORK,
        cursor=min(FIRST.index(".example") - 1, len(read["text"]) - 1),
    )


@st.fragment
def panel() -> None:
    """The text field and the coloured line below it; typing reruns only these two."""
    box = {"bind": "query-params", "max_chars": MOST, "live": True}
    text = (st.text_input("Type an English sentence", FIRST, key=KEY, **box) or "").strip() or FIRST
    card = networks.emitting("trace", "next_token").get(NETWORK)
    if card is None:
        st.info(f"The network of this line, {NETWORK}, is not in the folder of checkpoints.", icon=":material/info:")
        return
    with guard():
        read = kept() if text == FIRST and kept()["card"] == digest(card) else measured(text, card)
        if read is None:
            st.info(f"The card of {NETWORK} names no neuron that tracks web addresses.", icon=":material/info:")
            return
        # Whatever its sign in this network, the neuron is orange where it is on.
        state_view(figure(read), f"{KEY}.view", looks=("flip",) if read["sign"] < 0 else (), is_line=True)
