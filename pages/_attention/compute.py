"""What the page of attention computes, each once for all visitors: translations with the visitor's edits, alignments, states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.records import Alignment, Trace
from models.decoding import Edits, Hypothesis, Search, no_report
from models.vocabulary.subwords import BLANK, START
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.view import PageView

ALIKE = -1  # in place of a source word: all of them, the same on each


@dataclass(frozen=True, order=True)
class Edit:
    """A choice put in place of the network's own.

    Args:
        step: Of the decoder, counted from 0.
        kind: "look": all weight on a source word. "write": this piece, whatever its probability.
        value: Place of the source word, or ALIKE; number of the piece.
    """

    step: int
    kind: str
    value: int


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint. text: what it translates.
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


@dataclass(frozen=True, eq=False)
class Sentence:
    """A hypothesis as rows and columns of a picture.

    Args:
        source: Names of the columns, [in]. target: of the rows, [out].
        steps: Decoder steps of each row, [out].
        alignment: Weights between them; None where the network has no attention.
        hypothesis: What it was made of.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    steps: tuple[tuple[int, ...], ...]
    alignment: Alignment | None
    hypothesis: Hypothesis = field(repr=False)


def translation(view: View, report: Callable[[int, int], None] = no_report) -> Any:
    """The translation of a view's text under its edits: see models.translation.translate.Translation.

    Args:
        view: What is looked at.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    from models.translation.translate import translate

    def make():
        network = loaded(view.model)
        return translate(network.module, network.vocab, view.text, Search(view.width), _edits(network.vocab, view), report)

    return shared_cache("translations", 128).get(("translation", view.model, view.text, view.edits, view.width), make)


def possible(view: View) -> View:
    """The view with those of its edits that this network can follow in this text: a link may hold others.

    A word that is not in the source cannot be looked at, a number that is no piece cannot be written, and a network without
    attention looks nowhere.
    """
    from models.translation.translate import source_of
    from models.vocabulary.subwords import END

    network = loaded(view.model)
    columns, pieces = len(network.vocab.words(source_of(network.vocab, view.text))), len(network.vocab)
    values = {"look": range(ALIKE, columns if has_attention(network) else ALIKE), "write": range(END, pieces)}
    return view.of(edits=tuple(edit for edit in view.edits if edit.value in values[edit.kind]))


def taken(view: View) -> View:
    """The view without edits of steps that are never taken, after the end of the sentence."""
    hypotheses = translation(view).hypotheses
    steps = len(hypotheses[0].tokens) if hypotheses else 0
    return view.of(edits=tuple(edit for edit in view.edits if edit.step < steps))


def has_attention(network: Any) -> bool:
    """Whether a translation network looks at its source at all."""
    return network.card["arguments"].get("attention") != "none"


def _edits(vocab: Any, view: View) -> Edits:
    from models.translation.translate import looking_at, source_of

    source = source_of(vocab, view.text)
    looks = {edit.step: edit.value for edit in view.edits if edit.kind == "look"}
    rows = {step: looking_at(vocab, source, None if word == ALIKE else word) for step, word in looks.items()}
    return Edits({edit.step: edit.value for edit in view.edits if edit.kind == "write"}, rows)


def sentence(view: View, hypothesis: int = 0) -> Sentence | None:
    """One of the hypotheses as a picture; None for an empty text."""
    found = translation(view)
    return drawn(view, found.source, found.hypotheses[hypothesis]) if found.hypotheses else None


def drawn(view: View, source: Sequence[int], hypothesis: Hypothesis) -> Sentence:
    """A hypothesis in words, or in pieces where the view says so."""
    from models.translation.translate import by_words

    vocab = loaded(view.model).vocab
    if view.by_pieces:
        columns, rows = (_pieces(vocab, numbers) for numbers in (source, hypothesis.tokens))
        weights = hypothesis.attention
        steps = tuple((step,) for step in range(len(rows)))
    else:
        columns, rows = ([word for word, _ in vocab.words(numbers)] for numbers in (source, hypothesis.tokens))
        weights = None if hypothesis.attention is None else by_words(vocab, source, hypothesis.tokens, hypothesis.attention)[2]
        steps = tuple(tuple(places) for _, places in vocab.words(hypothesis.tokens))
    alignment = None if weights is None else Alignment(tuple(columns), tuple(rows), weights)
    return Sentence(tuple(columns), tuple(rows), steps, alignment, hypothesis)


def _pieces(vocab: Any, numbers: Sequence[int]) -> list[str]:
    """Names of pieces; the space before a word is the sign that spaces have on every page."""
    return [surface.replace(BLANK, "·") or vocab.tokens[number] for surface, number in zip(vocab.surfaces(numbers), numbers, strict=True)]


def likely(view: View, shown: Sentence, row: int) -> list[tuple[int, str, float]]:
    """The pieces that were likeliest at a row's first step: number, name, probability."""
    step = shown.steps[row][0]
    numbers = shown.hypothesis.top[step].tolist()
    names = _pieces(loaded(view.model).vocab, numbers)
    return list(zip(numbers, names, np.exp(shown.hypothesis.top_log_probabilities[step]).tolist(), strict=True))


def as_before(view: View) -> Hypothesis:
    """The sentence that is written without edits, made to be written under them: what the same words cost now."""
    plain = translation(view.of(edits=(), width=1)).hypotheses[0]
    looks = tuple(edit for edit in view.edits if edit.kind == "look")
    return forced(view.of(edits=looks), plain.tokens)


def forced(view: View, tokens: Sequence[int]) -> Hypothesis:
    """Given pieces written by the network: their log-probabilities, its attention and states on the way ("teacher forcing")."""
    writes = tuple(Edit(step, "write", int(token)) for step, token in enumerate(tokens))
    looks = tuple(edit for edit in view.edits if edit.kind == "look" and edit.step < len(tokens))
    return translation(view.of(edits=tuple(sorted(writes + looks)), width=1)).hypotheses[0]


def traces(view: View, tokens: Sequence[int]) -> dict[str, Trace]:
    """States of encoder, in both directions, and decoder while the network writes given pieces, by path.

    The way any module takes: a recording listens to a forward pass; nothing of the network's own reports is used.
    """
    import explorer
    from models.translation.translate import log_probabilities, source_of

    def make():
        network = loaded(view.model)
        source = source_of(network.vocab, view.text)
        with explorer.record(network.module) as recording:
            log_probabilities(network.module, source, tokens)
        before = [START, *tokens[:-1]]
        names = {path: _pieces(network.vocab, before if path == "decoder" else source) for path in recording.paths}
        return {path: recording.trace(tuple(named), path=path) for path, named in names.items()}

    return shared_cache("translations", 128).get(("traces", view.model, view.text, tuple(tokens)), make)
