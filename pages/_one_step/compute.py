"""What the page of one step computes of trained networks, each once for all visitors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.analysis.cell_step import CellStep
from explorer.analysis.quantities import TANH_CELL, quantity
from explorer.figures.architectures import Path
from explorer.records import Trace
from pages._attention import compute as attention_compute
from pages._hidden_states import compute
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import PageView

AHEAD = 40  # characters that a what-if goes on
TWO_GRUS = 200  # characters that the forms of the GRU are compared on


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the cell, and all that a link restores.

    Args:
        model: Name of a checkpoint. text: what it reads. warm_up: what it reads before, unseen.
        layer, unit: Counted from 0. at: the character, counted from 0.
    """

    model: str
    text: str
    warm_up: str
    layer: int
    unit: int
    at: int

    @property
    def before(self) -> str:
        """All that was read before the character."""
        return self.warm_up + self.text[: self.at]


def held(view: View) -> np.ndarray:
    """What the unit holds after each character, [time]: tanh of the cell, or the hidden state."""
    trace = compute.trace(compute.View(view.model, view.text, view.warm_up))
    return quantity(trace, TANH_CELL if trace.cell is not None else "hidden", view.layer)[:, view.unit]


def step(view: View) -> CellStep:
    """The unit at the character, taken apart: a recording listens to that one step."""
    import explorer
    from explorer.recording.preactivations import cell_step
    from models.char_lm.gate_clamping import given

    def make() -> CellStep:
        network: Any = loaded(view.model)
        ids, state = given(network, view.before, view.text[view.at])
        with explorer.record(network.module) as recording:
            network.module(ids, state)
        return cell_step(recording, recording.trace(view.text[view.at]), 0, view.layer, view.unit)

    return shared_cache("steps", 16).get(("step", view), make)


def what_if(view: View, gate: tuple[str, int] | None = None) -> Any:
    """How it goes on from the character with a gate of the unit held at it: see models.char_lm.gate_clamping.Course."""
    from models.char_lm.gate_clamping import course

    ahead = view.text[view.at : view.at + AHEAD + 1]
    make = lambda: course(loaded(view.model), view.before, ahead, (view.layer, view.unit), gate)  # noqa: E731
    return shared_cache("steps", 16).get(("what if", view, gate), make)


def two_grus(view: View) -> dict[str, float]:
    """Bits a character of the text in each form of the GRU, by what it is."""
    from models.char_lm.gru_variants import Form, bits

    forms = {
        "torch: z = 1 keeps, reset after the matrix product": Form(),
        "z = 1 writes": Form(z_writes=True),
        "z = 1 writes, and the rows of z negated": Form(z_writes=True, negated=True),
        "reset before the matrix product": Form(reset_first=True),
    }
    text = view.text[:TWO_GRUS]

    def make() -> dict[str, float]:
        return {name: float(bits(loaded(view.model), text, view.warm_up, form).mean()) for name, form in forms.items()}

    return shared_cache("steps", 16).get(("two grus", view.model, text, view.warm_up), make)


def likely(view: View, p: np.ndarray, count: int = 3) -> list[tuple[str, float]]:
    """The likeliest next characters with their probabilities; p [vocab]."""
    tokens = loaded(view.model).vocab.tokens
    return [(tokens[number], float(p[number])) for number in np.argsort(-p, kind="stable")[:count]]


def layers(model: str, text: str, other: bool) -> tuple[list[Path], tuple[str, ...], np.ndarray]:
    """The layers of a character network over a short text, each as its liveliest units; what they read; and how far each state
    [layer, time] is from where it would be without the change: the last character replaced, if `other`.
    """
    found, plain = (compute.trace(compute.View(model, each)) for each in (_ends_otherwise(text) if other else text, text))
    paths = [Path(f"layer {n + 1}", _lively(found.hidden[:, n])) for n in range(found.hidden.shape[1])]
    return paths, found.tokens, np.abs(found.hidden - plain.hidden).max(2).T


def _ends_otherwise(text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "e")


def directions(model: str, text: str, other: bool) -> tuple[list[Path], tuple[str, ...], np.ndarray]:
    """The two directions of a translation encoder over a sentence, as `layers`; its last word gives way to its second if `other`."""
    words = text.split()
    found, plain = (_encoder(model, " ".join(each)) for each in ([*words[:-1], words[1]] if other else words, words))
    reverse = [trace.source.endswith("[reverse]") for trace in found]
    paths = [Path(f"from the {'right' if r else 'left'}", _lively(trace.hidden[:, -1]), r) for r, trace in zip(reverse, found, strict=True)]
    apart = [_apart(a.hidden[:, -1], b.hidden[:, -1], r) for a, b, r in zip(found, plain, reverse, strict=True)]
    return paths, found[0].tokens, np.array(apart)


def _encoder(model: str, sentence: str) -> list[Trace]:
    from models.vocabulary.subwords import END

    by_path = attention_compute.traces(attention_compute.View(model, sentence), (END,))
    return [trace for path, trace in by_path.items() if path != "decoder"]


def _apart(one: np.ndarray, other: np.ndarray, reverse: bool) -> np.ndarray:
    """How far two runs [time, unit] are apart, counted from where they begin to read; inf where only one has a place."""
    (one, other), far = (one[::-1], other[::-1]) if reverse else (one, other), np.full(len(one), np.inf)
    short = min(len(one), len(other))
    far[:short] = np.abs(one[:short] - other[:short]).max(1)
    return far[::-1] if reverse else far


def _lively(states: np.ndarray) -> np.ndarray:
    """The four units that move most, [time, 4]."""
    return states[:, np.sort(np.argsort(-states.var(0), kind="stable")[:4])]
