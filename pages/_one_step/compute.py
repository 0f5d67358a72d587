"""Cached computations of the One step page on trained networks, shared by all visitors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.analysis.cell_step import CellStep
from explorer.analysis.divergence import Divergence, divergence
from explorer.records import Trace
from pages._attention import compute as attention_compute
from pages._hidden_states import compute
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import TextView

AHEAD = 40  # characters after the step with a held gate
TWO_GRUS = 200  # characters on which the variants of the GRU are compared


@dataclass(frozen=True)
class View(TextView):
    """What the visitor looks at: all that the page computes from and that a link restores.

    Args:
        layer, unit: Counted from 0.
        at: Index of the character.
    """

    layer: int = 0
    unit: int = 0
    at: int = 0

    @property
    def before(self) -> str:
        """All text read before the character."""
        return self.warm_up + self.text[: self.at]


def _trace(model: str, text: str, warm_up: str = "") -> Trace:
    """States and gates over a text, recorded as on the Hidden states page."""
    return compute.recorded(compute.View(model, text, warm_up), loaded(model)).trace


def trace(view: View) -> Trace:
    """States and gates of the network over the text."""
    return _trace(*view.reads)


def held(view: View) -> np.ndarray:
    """State of the unit after each character, [time]: tanh of the cell state, or the hidden state."""
    from models.char_lm.experiments import unit_step

    return unit_step.held(trace(view), view.layer, view.unit)


def step(view: View) -> CellStep:
    """The step of the unit at the character: its gates and their terms."""
    from models.char_lm.experiments import unit_step

    make = lambda: unit_step.step(loaded(view.model), view.before, view.text[view.at], view.layer, view.unit)  # noqa: E731
    return shared_cache("steps", 16).get(("step", view), make)


def what_if(view: View, gate: str) -> tuple[Any, Any, Any]:
    """The following characters as they are, and with a gate of the unit held at 0 or at 1 at this one.

    Each is a models.char_lm.experiments.gate_clamping.Continuation.
    """
    from models.char_lm.experiments.gate_clamping import Clamp, continuations

    ahead, clamps = view.text[view.at : view.at + AHEAD + 1], (None, Clamp(gate, 0), Clamp(gate, 1))
    make = lambda: continuations(loaded(view.model), view.before, ahead, view.layer, view.unit, clamps)  # noqa: E731
    return shared_cache("steps", 16).get(("what if", view, gate), make)


def is_gru_alone(view: View) -> bool:
    """Whether torch's GRU layers are all recurrent layers of the network, so that they can be run as the variants of the GRU."""
    module = loaded(view.model).module
    return not hasattr(module.rnn, "inside") and not any(len(getattr(module, part, ())) for part in ("below", "above"))


def gru_forms(view: View) -> dict[str, float]:
    """Mean bits per character of the text in each variant of the GRU, by its name."""
    from models.char_lm.experiments import unit_step

    text = view.text[:TWO_GRUS]
    key = ("GRU forms", view.model, text, view.warm_up)
    return shared_cache("steps", 16).get(key, lambda: unit_step.gru_forms(loaded(view.model), text, view.warm_up))


def likeliest(view: View, p: Float[np.ndarray, "vocab"]) -> list[tuple[str, float]]:
    """The most likely next characters with their probabilities; p [vocab]."""
    from models.char_lm.experiments import unit_step

    return unit_step.likeliest(loaded(view.model), p)


def layers(model: str, text: str, other: bool) -> Divergence:
    """The layers of a character network over a short text, with its last character replaced if `other`."""
    changed, before = (_trace(model, variant) for variant in (_ends_otherwise(text) if other else text, text))
    every = range(changed.hidden.shape[1])
    return divergence(changed.tokens, [changed.hidden[:, layer] for layer in every], [before.hidden[:, layer] for layer in every])


def _ends_otherwise(text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "e")


def directions(model: str, text: str, other: bool) -> Divergence:
    """The two directions of a translation encoder over a sentence, as `layers`; its second word replaces the last if `other`."""
    words = text.split()
    changed, before = (_encoder(model, " ".join(variant)) for variant in ([*words[:-1], words[1]] if other else words, words))
    reverse = [trace.source.endswith("[reverse]") for trace in changed]
    after, own = ([trace.hidden[:, -1] for trace in traces] for traces in (changed, before))
    return divergence(changed[0].tokens, after, own, reverse)


def _encoder(model: str, sentence: str) -> list[Trace]:
    from models.vocabulary.subwords import END

    by_path = attention_compute.traces(attention_compute.View(model, sentence), (END,))
    return [trace for path, trace in by_path.items() if path != "decoder"]
