"""What the page of gradients computes, each once for all visitors: how large gradients are on their way back through a text."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

import models
from explorer.records import GradientFlow
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import PageView

if TYPE_CHECKING:
    from explorer.gradients.contributions import InputGradient
    from models.char_lm.experiments.text_gradients import Flow, Span
    from models.checkpoint import Loaded

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
        networks: The lines.
        felt: The one whose characters are shown.
        text: What they read.
        at: Index of the character whose cost is followed back.
        lags: How far back, characters.
        layer: Counted from the first, 0.
        what: "state", "hidden" or "cell".
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


def _opened(network: Network) -> "Loaded":
    from models.char_lm.network import untrained

    opened = loaded(network.name)
    return opened if network.is_trained else untrained(opened, SEED, network.bias)


def _once(view: View, network: Network, what: Callable[["Loaded", "Span"], Any]) -> Any:
    """What a function of models.char_lm.experiments.text_gradients gives for a network, computed once."""
    from models.char_lm.experiments.text_gradients import Span

    key = (what.__name__, network, view.text, view.at, view.lags)
    return shared_cache("flows", 64).get(key, lambda: what(_opened(network), Span(view.text, view.start, view.at)))


def flow(view: View, network: Network) -> "Flow":
    """Norms of the gradient of one character's cost with respect to every state before it."""
    from models.char_lm.experiments import text_gradients

    return _once(view, network, text_gradients.flow)


def contributions(view: View) -> "InputGradient":
    """The gradient of that cost with respect to the characters before it, in the network `view.felt`."""
    from models.char_lm.experiments import text_gradients

    return _once(view, view.felt, text_gradients.contributions)


def summed(view: View, network: Network) -> GradientFlow:
    """Norms of the gradient of the cost of all those characters together: what training sees."""
    from models.char_lm.experiments import text_gradients

    return _once(view, network, text_gradients.summed)


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
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
