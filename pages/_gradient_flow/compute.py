"""What the page of gradients computes, each once for all visitors: how large gradients are on their way back through a text."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

import models
from explorer.records import GradientFlow
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import PageView

SEED = 0  # of untrained networks


@dataclass(frozen=True)
class Network:
    """A network as it stands, or with fresh weights.

    Args:
        name: Of a checkpoint.
        is_trained: Whether it keeps its weights.
        bias: Of the forget gates of an untrained LSTM.
    """

    name: str
    is_trained: bool = True
    bias: float | None = None


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        networks: The lines. felt: the one whose characters are shown.
        text: What they read. at: the character whose cost is followed back, counted from 0. lags: how far back.
        layer: Counted from the first, 0. what: "state", "hidden" or "cell".
        whole: Whether the scale reaches below what float32 can hold.
    """

    networks: tuple[Network, ...]
    felt: Network
    text: str
    at: int
    lags: int = 200
    layer: int = 1
    what: str = "state"
    whole: bool = False

    @property
    def start(self) -> int:
        """The first character that is followed back to."""
        return max(0, self.at - 1 - self.lags)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The characters that are followed back to; the last one made the prediction."""
        return tuple(self.text[self.start : self.at])


@dataclass(frozen=True, eq=False)
class Flow:
    """A gradient on its way back: its norms, and the probability that the character had whose cost it is of."""

    norms: GradientFlow
    probability: float


def _opened(network: Network) -> Any:
    from models.char_lm.network import untrained

    opened = loaded(network.name)
    return opened if network.is_trained else untrained(opened, SEED, network.bias)


def _recorded(view: View, network: Network, summed: bool = False) -> tuple[Any, Any]:
    """A recording of the way to the chosen character, and its cost; or the cost of every character on that way."""
    import explorer
    from models.char_lm.network import costs
    from models.char_lm.reading import Pass, numbers

    opened = _opened(network)
    read = Pass(opened, view.text[: view.start])
    ids = numbers(opened, view.text[view.start : view.at + 1])
    with explorer.record(opened.module, gradients=True) as recording:
        logits, _ = opened.module(ids[None, :-1], read.state)
    every = costs(logits[0], ids[1:])
    return recording, every.sum() if summed else every[-1]


def flow(view: View, network: Network) -> Flow:
    """Norms of the gradient of one character's cost to every state before it."""
    import explorer

    def make() -> Flow:
        recording, cost = _recorded(view, network)
        return Flow(explorer.gradient_flow(recording, cost, view.tokens), float(np.exp(-cost.item())))

    return shared_cache("flows", 64).get(("flow", network, view.text, view.at, view.lags), make)


def felt(view: View) -> Any:
    """What that cost feels of the characters before it, in the network `view.felt`: see explorer.gradients.contributions.InputGradient."""
    from explorer.gradients.contributions import input_gradient

    def make() -> Any:
        recording, cost = _recorded(view, view.felt)
        return input_gradient(recording, cost, view.tokens)

    return shared_cache("flows", 64).get(("felt", view.felt, view.text, view.at, view.lags), make)


def summed(view: View, network: Network) -> GradientFlow:
    """Norms of the gradient of the cost of all those characters together: what training sees."""
    import explorer

    def make() -> GradientFlow:
        recording, cost = _recorded(view, network, summed=True)
        return explorer.gradient_flow(recording, cost, view.tokens)

    return shared_cache("flows", 64).get(("summed", network, view.text, view.at, view.lags), make)


@st.cache_data(show_spinner=False, ttl=30)
def measured(corpus: str) -> dict[str, Any]:
    """What `python -m models measure CORPUS gradients` wrote; empty where it has not run."""
    return _read(f"{corpus}-gradients.json")


@st.cache_data(show_spinner=False, ttl=30)
def gap(corpus: str) -> dict[str, Any]:
    """What `python -m models measure CORPUS gap` wrote; empty where it has not run."""
    return _read(f"{corpus}-gap.json")


def _read(name: str) -> dict[str, Any]:
    file = models.folder_of_checkpoints() / name
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
