"""Cached computations of the Attention page, shared by all visitors: translations under edits, attention weights, hidden states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.records import Trace
from models.decoding import Hypothesis, no_report
from models.translation.experiments import edits, parallel
from models.translation.experiments.edits import Edit, Phases, Sentence
from models.translation.experiments.parallel import PairScores
from models.translation.translate import Translation
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.pool import Cost
from pages._ui.view import PageView

SUBWORDS = 600  # of a text: 2,000 characters of English have some 500; memory and time grow with subwords, not with characters
LIGHT = 250  # subwords that greedy decoding reads in a moment; a beam of width 5 reads a fifth of them
HEAVY = Cost(megabytes=200)
FEW = 50  # pairs that are scored in a moment


@dataclass(frozen=True)
class View(PageView):
    """What the visitor looks at: all that the page computes from and that a link restores.

    Args:
        model: Name of a checkpoint.
        text: What it translates.
        edits: In the order of their steps.
        row: The chosen row of the matrix.
        by_subwords: Whether rows and columns are subwords, not words.
        width: Beam width; 1 is greedy decoding.
    """

    model: str
    text: str
    edits: tuple[Edit, ...] = ()
    row: int = 0
    by_subwords: bool = False
    width: int = 1


@dataclass(frozen=True)
class Pairs:
    """Parallel text of a visitor.

    Args:
        rows: Source and reference, [pair].
        digest: Checksum of the rows.
        direction: Of the network for which they were read.
        problems: Lines that could not be used, with the reason.
        note: What was assumed of the encoding; may be empty.
    """

    rows: tuple[tuple[str, str], ...]
    digest: str
    direction: str
    problems: tuple[tuple[int, str], ...] = ()
    note: str = ""


def pairs_cost(model: str, pairs: Pairs) -> Cost | None:
    """What scoring parallel text may use; None for a few pairs, and where it is done already."""
    is_done = shared_cache("translations", 128).has(("pairs", model, pairs.digest))
    return None if len(pairs.rows) <= FEW or is_done else HEAVY


def pair_scores(model: str, pairs: Pairs, report: Callable[[int, int], None] = no_report) -> PairScores:
    """Translations and scores of a visitor's pairs."""
    make = lambda: parallel.pair_scores(loaded(model), pairs.rows, SUBWORDS, report)  # noqa: E731
    return shared_cache("translations", 128).get(("pairs", model, pairs.digest), make)


def text_of(view: View) -> str:
    """The beginning of a view's text that is translated."""
    return loaded(view.model).vocab.beginning(view.text, SUBWORDS)


def cost(view: View) -> Cost | None:
    """What the translation of a view may use; None for a short text, and for one that is translated already."""
    is_light = len(loaded(view.model).vocab.encode(text_of(view))) * view.width < LIGHT
    return None if is_light or shared_cache("translations", 128).has(_key(view)) else HEAVY


def _key(view: View) -> tuple:
    return "translation", view.model, view.text, view.edits, view.width


def translation(view: View, report: Callable[[int, int], None] = no_report) -> Translation:
    """The translation of a view's text under its edits.

    Args:
        view: Its edits must be possible in this text, see `followed`.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    make = lambda: edits.edited(loaded(view.model), text_of(view), view.edits, view.width, report)  # noqa: E731
    return shared_cache("translations", 128).get(_key(view), make)


def followed(view: View, report: Callable[[int, int], None] = no_report) -> View:
    """The view without edits that are impossible for this network and text: a link may hold such. Arguments as `translation`."""
    view = view.of(edits=edits.possible(loaded(view.model), text_of(view), view.edits))
    return view.of(edits=edits.reached(translation(view, report), view.edits))


def sentence(view: View, hypothesis: int = 0) -> Sentence | None:
    """One of the hypotheses as rows and columns, in words or in subwords as the view says; None for an empty text."""
    written = translation(view)
    if not written.hypotheses:
        return None
    return edits.sentence(loaded(view.model), written.source, written.hypotheses[hypothesis], view.by_subwords)


def forced(view: View, tokens: Sequence[int]) -> Sentence:
    """Teacher forcing: the log probabilities of given subwords, and the attention while the network is fed them."""
    written = sentence(view.of(edits=edits.forcing(tokens, view.edits), width=1))
    assert written is not None
    return written


def unedited_words(view: View) -> Hypothesis:
    """The translation without edits, forced under the edited attention weights: what the same words cost now."""
    own = translation(view.of(edits=(), width=1)).hypotheses[0]
    return forced(view, own.tokens).hypothesis


def phases(view: View, own: Sentence, reference: str) -> Phases:
    """Teacher forcing on a reference translation, and free running, side by side; `view` and `own` are by subwords."""
    network = loaded(view.model)
    reference = network.vocab.beginning(reference, SUBWORDS)
    return edits.phases(network, forced(view, edits.reference_tokens(network, reference, own.hypothesis)), own)


def likely(view: View, shown: Sentence, row: int) -> list[tuple[int, str, float]]:
    """The most likely subwords at a row's first step: id, name, probability."""
    return edits.likely(loaded(view.model), shown.hypothesis, shown.steps[row][0])


def scores(view: View, tokens: Sequence[int]) -> np.ndarray | None:
    """Scores of the attention before its softmax under teacher forcing, [out, in]; None without attention, and with edited weights."""
    if view.edits:
        return None
    key = ("scores", view.model, view.text, tuple(tokens))
    return shared_cache("translations", 128).get(key, lambda: edits.scores(loaded(view.model), text_of(view), tokens))


def traces(view: View, tokens: Sequence[int]) -> dict[str, Trace]:
    """Hidden states of the encoder, in both directions, and of the decoder under teacher forcing, by path."""
    key = ("traces", view.model, view.text, tuple(tokens))
    return shared_cache("translations", 128).get(key, lambda: edits.traces(loaded(view.model), text_of(view), tokens))
