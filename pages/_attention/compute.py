"""What the page of attention computes, each once for all visitors: translations with the visitor's edits, alignments, states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.records import Trace
from models.decoding import Hypothesis, no_report
from models.translation.experiments import edits
from models.translation.experiments.edits import Edit, Phases, Sentence
from models.translation.translate import Translation
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import PageView


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint.
        text: What it translates.
        edits: In the order of their steps.
        row: The chosen row of the matrix.
        by_pieces: Whether rows and columns are pieces, not words.
        width: Hypotheses kept side by side; 1 is greedy.
    """

    model: str
    text: str
    edits: tuple[Edit, ...] = ()
    row: int = 0
    by_pieces: bool = False
    width: int = 1


def translation(view: View, report: Callable[[int, int], None] = no_report) -> Translation:
    """The translation of a view's text under its edits.

    Args:
        view: What is looked at; its edits can be followed, see `followed`.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    key = ("translation", view.model, view.text, view.edits, view.width)
    return shared_cache("translations", 128).get(key, lambda: edits.edited(loaded(view.model), view.text, view.edits, view.width, report))


def followed(view: View, report: Callable[[int, int], None] = no_report) -> View:
    """The view with those of its edits that this network follows in this text: a link may hold others. Arguments as `translation`."""
    view = view.of(edits=edits.possible(loaded(view.model), view.text, view.edits))
    return view.of(edits=edits.reached(translation(view, report), view.edits))


def sentence(view: View, hypothesis: int = 0) -> Sentence | None:
    """One of the hypotheses as a picture, in words or in pieces as the view says; None for an empty text."""
    written = translation(view)
    if not written.hypotheses:
        return None
    return edits.sentence(loaded(view.model), written.source, written.hypotheses[hypothesis], view.by_pieces)


def forced(view: View, tokens: Sequence[int]) -> Sentence:
    """Given pieces written by the network: their log-probabilities and its attention on the way ("teacher forcing")."""
    written = sentence(view.of(edits=edits.forcing(tokens, view.edits), width=1))
    assert written is not None
    return written


def unedited_words(view: View) -> Hypothesis:
    """The sentence that is written without edits, made to be written with the weights that were moved: what the same words cost now."""
    own = translation(view.of(edits=(), width=1)).hypotheses[0]
    return forced(view, own.tokens).hypothesis


def phases(view: View, own: Sentence, reference: str) -> Phases:
    """Training and use: the network fed a reference translation, beside its own; the view and its own sentence by pieces."""
    network = loaded(view.model)
    return edits.phases(network, forced(view, edits.reference_tokens(network, reference, own.hypothesis)), own)


def likely(view: View, shown: Sentence, row: int) -> list[tuple[int, str, float]]:
    """The pieces that were likeliest at a row's first step: id, name, probability."""
    return edits.likely(loaded(view.model), shown.hypothesis, shown.steps[row][0])


def traces(view: View, tokens: Sequence[int]) -> dict[str, Trace]:
    """States of encoder, in both directions, and decoder while the network writes given pieces, by path."""
    key = ("traces", view.model, view.text, tuple(tokens))
    return shared_cache("translations", 128).get(key, lambda: edits.traces(loaded(view.model), view.text, tokens))
