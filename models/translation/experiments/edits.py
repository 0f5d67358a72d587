"""Translation under edits (moved attention, forced subwords), as rows and columns of an alignment and as states."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import explorer
from explorer.records import Alignment, Trace
from models.checkpoint import Loaded
from models.decoding import Edits, Hypothesis, Search, no_report
from models.translation.translate import Translation, by_words, log_probabilities, source_of, translate, weights_on
from models.vocabulary.subwords import BLANK, END, START, Subwords

ALIKE = -1  # instead of the index of a source word: equal weight on all of them


@dataclass(frozen=True, order=True)
class Edit:
    """A choice that replaces the network's own.

    Args:
        step: Decoder step, counted from 0.
        kind: "look" puts all attention on one source word; "write" forces a subword, whatever its probability.
        value: Index of the source word, or ALIKE, for "look"; id of the subword for "write".
    """

    step: int
    kind: str
    value: int


@dataclass(frozen=True, eq=False)
class Sentence:
    """A hypothesis as the rows and columns of an alignment.

    Args:
        source: Names of the columns, [in].
        target: Names of the rows, [out].
        steps: Decoder steps of each row, [out].
        alignment: Weights between them; None if the network has no attention.
        text: The hypothesis as text.
        subwords: The subwords written, as the vocabulary lists them, [step].
        source_words: Each source word with the indices of its subwords, the end mark last.
        hypothesis: The hypothesis itself.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    steps: tuple[tuple[int, ...], ...]
    alignment: Alignment | None
    text: str
    subwords: tuple[str, ...] = field(repr=False)
    source_words: tuple[tuple[str, Sequence[int]], ...] = field(repr=False)
    hypothesis: Hypothesis = field(repr=False)


def possible(loaded: Loaded, text: str, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits that are possible for a network and a text.

    Attention can only be moved to a word of the source and only in a network with attention; only ids of the vocabulary
    can be written.
    """
    columns = len(loaded.vocab.words(source_of(loaded.vocab, text)))
    values = {"look": range(ALIKE, columns if has_attention(loaded) else ALIKE), "write": range(END, len(loaded.vocab))}
    return tuple(edit for edit in edits if edit.value in values[edit.kind])


def reached(translation: Translation, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits at steps before the end of the translation."""
    steps = len(translation.hypotheses[0].tokens) if translation.hypotheses else 0
    return tuple(edit for edit in edits if edit.step < steps)


def has_attention(loaded: Loaded) -> bool:
    """Whether a translation network has attention."""
    return loaded.card["arguments"].get("attention") != "none"


def edited(loaded: Loaded, text: str, edits: Sequence[Edit], width: int = 1, report: Callable[[int, int], None] = no_report) -> Translation:
    """The translation of a text under edits.

    Args:
        loaded: The network.
        text: Text to translate.
        edits: Possible edits, see `possible`.
        width: Beam width; 1 is greedy decoding.
        report: Called with (steps done, maximum number of steps); may raise to stop.
    """
    module: Any = loaded.module
    source = source_of(loaded.vocab, text)
    looks = {edit.step: None if edit.value == ALIKE else edit.value for edit in edits if edit.kind == "look"}
    rows = {step: weights_on(loaded.vocab, source, word) for step, word in looks.items()}
    writes = {edit.step: edit.value for edit in edits if edit.kind == "write"}
    return translate(module, loaded.vocab, text, Search(width), Edits(writes, rows), report)


def forcing(tokens: Sequence[int], edits: Iterable[Edit] = ()) -> tuple[Edit, ...]:
    """Edits that force the network to write given subwords (teacher forcing); moved attention stays moved."""
    writes = [Edit(step, "write", int(token)) for step, token in enumerate(tokens)]
    looks = [edit for edit in edits if edit.kind == "look" and edit.step < len(tokens)]
    return tuple(sorted(writes + looks))


def sentence(loaded: Loaded, source: Sequence[int], hypothesis: Hypothesis, by_subwords: bool = False) -> Sentence:
    """A hypothesis as a Sentence, by words or by subwords.

    Args:
        loaded: The network.
        source: Ids of the source with the end mark, [in].
        hypothesis: A hypothesis for that source.
        by_subwords: Whether rows and columns are subwords instead of words.
    """
    vocab, tokens, weights = loaded.vocab, hypothesis.tokens, hypothesis.attention
    source_words, words = vocab.words(source), vocab.words(tokens)
    if by_subwords:
        columns, rows, steps = named(vocab, source), named(vocab, tokens), [(step,) for step in range(len(tokens))]
    else:
        columns, rows, steps = [word for word, _ in source_words], [word for word, _ in words], [tuple(own) for _, own in words]
        weights = None if weights is None else by_words(vocab, source, tokens, weights)[2]
    alignment = None if weights is None else Alignment(tuple(columns), tuple(rows), weights)
    about = (vocab.decode(tokens), listed(vocab, tokens), tuple(source_words), hypothesis)
    return Sentence(tuple(columns), tuple(rows), tuple(steps), alignment, *about)


def named(vocab: Subwords, ids: Sequence[int]) -> list[str]:
    """Names of subwords; the space before a word is drawn with the same sign as in every figure."""
    return [surface.replace(BLANK, "·") or vocab.tokens[id] for surface, id in zip(vocab.surfaces(ids), ids, strict=True)]


def listed(vocab: Subwords, ids: Sequence[int]) -> tuple[str, ...]:
    """Subwords as the vocabulary lists them; a part of a character is shown as its byte."""
    return tuple(vocab.tokens[id].replace(BLANK, "·") for id in ids)


def likely(loaded: Loaded, hypothesis: Hypothesis, step: int) -> list[tuple[int, str, float]]:
    """The most likely subwords at a step: id, name, probability."""
    ids = hypothesis.top[step].tolist()
    return list(zip(ids, named(loaded.vocab, ids), np.exp(hypothesis.top_log_probabilities[step]).tolist(), strict=True))


def traces(loaded: Loaded, text: str, tokens: Sequence[int]) -> dict[str, Trace]:
    """Traces of the encoder, in both directions, and of the decoder under teacher forcing of `tokens`, by path.

    They come from a recording of a forward pass, as for any other module; nothing that the network itself returns is used.
    """
    module: Any = loaded.module
    source = source_of(loaded.vocab, text)
    with explorer.record(module) as recording:
        log_probabilities(module, source, tokens)
    read = {path: [START, *tokens[:-1]] if path == "decoder" else source for path in recording.paths}
    return {path: recording.trace(tuple(named(loaded.vocab, ids)), path=path) for path, ids in read.items()}


def scores(loaded: Loaded, text: str, tokens: Sequence[int]) -> np.ndarray | None:
    """Scores e_ij before the softmax under teacher forcing of `tokens`, [out, in]; None if the network has no attention.

    The softmax of a row gives the attention weights of that step.
    """
    module: Any = loaded.module
    if module.score is None:
        return None
    rows: list[np.ndarray] = []
    handle = module.score.register_forward_hook(lambda _, given, scored: rows.append(scored[0].numpy()))
    try:
        log_probabilities(module, source_of(loaded.vocab, text), tokens)
    finally:
        handle.remove()
    return np.stack(rows)


@dataclass(frozen=True, eq=False)
class Phases:
    """Training compared with inference: the network fed a reference translation, and fed its own output.

    Args:
        fed: The reference translation under teacher forcing.
        predicted: The most likely subword at each step of it, [step].
        differs_at: First step at which the reference and the network's own translation differ; None if they are equal.
        nats_per_subword: Mean cross-entropy of the reference.
    """

    fed: Sentence
    predicted: tuple[str, ...]
    differs_at: int | None
    nats_per_subword: float


def phases(loaded: Loaded, fed: Sentence, own: Sentence) -> Phases:
    """Compares training with inference, given the reference and the network's own translation of one text, both by subwords."""
    hypothesis, steps = fed.hypothesis, zip(fed.hypothesis.tokens, own.hypothesis.tokens, strict=False)
    predicted = listed(loaded.vocab, [int(best[0]) for best in hypothesis.top])
    differs_at = next((step for step, (reference, written) in enumerate(steps) if reference != written), None)
    return Phases(fed, predicted, differs_at, -float(hypothesis.log_probabilities.mean()))


def reference_tokens(loaded: Loaded, reference: str, own: Hypothesis) -> tuple[int, ...]:
    """Ids of a reference translation; its last token is that of the network's own translation, or the end mark if that was truncated."""
    return (*loaded.vocab.encode(reference), own.tokens[-1] if own.finished else END)
