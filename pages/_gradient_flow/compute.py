"""What the page "Gradient flow" computes, each result once for all visitors: norms of gradients through a text."""

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
    """A trained network, or the same architecture with untrained weights.

    Args:
        name: Name of a checkpoint.
        is_trained: Whether it has its trained weights.
        bias: Forget bias of an untrained LSTM.
    """

    name: str
    is_trained: bool = True
    bias: float | None = None


@dataclass(frozen=True)
class View(PageView):
    """Everything needed to compute the figures of the page, and everything its link restores.

    Args:
        networks: One for each line.
        felt: The network whose gradient colours the characters.
        text: The text they read.
        at: Index of the character whose loss is followed back.
        lags: How far back, characters.
        layer: Counted from 0.
        what: "state", "hidden" or "cell".
        whole: Whether the scale goes below the smallest float32 number.
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
        """Index of the earliest character that is shown."""
        return max(0, self.at - 1 - self.lags)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The characters that are shown; the state after the last one made the prediction."""
        return tuple(self.text[self.start : self.at])


def _opened(network: Network) -> "Loaded":
    from models.char_lm.network import untrained

    opened = loaded(network.name)
    return opened if network.is_trained else untrained(opened, SEED, network.bias)


def _once(view: View, network: Network, what: Callable[["Loaded", "Span"], Any]) -> Any:
    """The result of a function of models.char_lm.experiments.text_gradients for a network, computed once."""
    from models.char_lm.experiments.text_gradients import Span

    key = (what.__name__, network, view.text, view.at, view.lags)
    return shared_cache("flows", 64).get(key, lambda: what(_opened(network), Span(view.text, view.start, view.at)))


def flow(view: View, network: Network) -> "Flow":
    """Norms of the gradient of the loss at one character with respect to every state before it."""
    from models.char_lm.experiments import text_gradients

    return _once(view, network, text_gradients.flow)


def contributions(view: View) -> "InputGradient":
    """The gradient of that loss with respect to the characters before it, in the network `view.felt`."""
    from models.char_lm.experiments import text_gradients

    return _once(view, view.felt, text_gradients.contributions)


def summed(view: View, network: Network) -> GradientFlow:
    """Norms of the gradient of the summed loss of all those characters: what training sees."""
    from models.char_lm.experiments import text_gradients

    return _once(view, network, text_gradients.summed)


@st.cache_data(show_spinner=False, ttl=30)
def measured(corpus: str) -> dict[str, Any]:
    """Results of `python -m models measure CORPUS gradients`; empty if it has not been run."""
    return _read(f"{corpus}-gradients.json")


@st.cache_data(show_spinner=False, ttl=30)
def gap(corpus: str) -> dict[str, Any]:
    """Results of `python -m models measure CORPUS gap`; empty if it has not been run."""
    return _read(f"{corpus}-gap.json")


@st.cache_data(show_spinner=False, ttl=30)
def probe(corpus: str) -> dict[str, Any]:
    """Results of `python -m models measure CORPUS probe`; empty if it has not been run."""
    return _read(f"{corpus}-probe.json")


@st.cache_data(show_spinner=False, ttl=30)
def studied(study: str) -> dict[int, dict[str, list[float]]]:
    """Lines by seed of "lengths" or "windows", as `python -m models measure memory_tasks learning --studies` gave them; may be empty."""
    seeds = _read("memory-tasks.json").get("studies", {})
    return {int(seed): {name: line for name, line in of[study].items() if isinstance(line, list)} for seed, of in seeds.items()}


@st.cache_data(show_spinner=False, ttl=30)
def parameters() -> dict[str, Any]:
    """Results of `python -m models measure memory_tasks parameters`; empty if it has not been run."""
    return _read("memory-parameters.json")


def _read(name: str) -> dict[str, Any]:
    file = models.file_of(name)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
