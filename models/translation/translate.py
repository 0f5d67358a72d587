"""Translation of sentences, singly or in batches, with attention by subwords or by words. Torch is imported with the first one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.decoding import NO_EDITS, Edits, Found, Hypothesis, Search, no_report
from models.vocabulary.subwords import END, START, Subwords

if TYPE_CHECKING:
    from models.translation.network import Memory, Seq2Seq

ROWS, PIECES = 64, 3_000  # limits of a batch: sentences, and subwords in all, padding included
BEAM, GREEDY = Search(width=5), Search(width=1)


@dataclass(frozen=True, eq=False)
class Translation:
    """The translation of one sentence, with all hypotheses of the search.

    Args:
        text: The translation.
        source: Subword ids of the source, the end mark last, [in]; empty for an empty source.
        hypotheses: All hypotheses, best first; one for greedy decoding, none for an empty source.
        beam: The beam search with its whole tree; None for greedy decoding.
    """

    text: str
    source: tuple[int, ...]
    hypotheses: tuple[Hypothesis, ...]
    beam: Found | None = None


def source_of(pieces: Subwords, sentence: str) -> list[int]:
    """The encoder's input for a sentence: its subword ids and the end mark, [in]."""
    return [*pieces.encode(sentence), END]


def translate(
    module: "Seq2Seq",
    pieces: Subwords,
    sentence: str,
    search: Search = BEAM,
    edits: Edits = NO_EDITS,
    report: Callable[[int, int], None] = no_report,
) -> Translation:
    """The translation of one sentence, alone in its batch, so that a recording of the network contains this sentence only.

    Args:
        module: A translation network in eval mode.
        pieces: Its vocabulary.
        sentence: Any text; the translation of an empty text is empty.
        search: Search settings; greedy if the width is 1. The maximum length is reduced to the limit for the source's length.
        edits: Forced tokens and replaced attention, by step.
        report: Called with (steps done, maximum number of steps); may raise to stop.
    """
    numbers = source_of(pieces, sentence)
    return _searched(module, pieces, [numbers], search, edits, report)[0] if len(numbers) > 1 else Translation("", (), ())


def translate_all(
    module: "Seq2Seq",
    pieces: Subwords,
    sentences: Sequence[str],
    search: Search = BEAM,
    report: Callable[[int, int], None] = no_report,
) -> list[Translation]:
    """The translations of many sentences, in their order; sentences of similar length share a batch.

    Args:
        report: Called with (done, total) sentences; may raise to stop.
    """
    numbers = [[*tokens, END] for tokens in pieces.encode_all(sentences)]
    translations = [Translation("", (), ())] * len(sentences)
    done = sum(len(tokens) == 1 for tokens in numbers)
    for rows in _batches([len(tokens) for tokens in numbers]):
        report(done, len(sentences))
        for row, translation in zip(rows, _searched(module, pieces, [numbers[row] for row in rows], search), strict=True):
            translations[row] = translation
        done += len(rows)
    report(len(sentences), len(sentences))
    return translations


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Batches of rows of similar length, longest first; empty sentences are left out."""
    order = sorted((row for row, length in enumerate(lengths) if length > 1), key=lambda row: -lengths[row])
    while order:
        size = max(1, min(ROWS, PIECES // lengths[order[0]]))
        yield order[:size]
        order = order[size:]


def _searched(
    module: "Seq2Seq",
    pieces: Subwords,
    sources: list[list[int]],
    search: Search,
    edits: Edits = NO_EDITS,
    report: Callable[[int, int], None] = no_report,
) -> list[Translation]:
    from models.decoding import beam, greedy

    memory = encoded(module, sources)
    longest = min(search.longest, 2 * max(map(len, sources)) + 10)
    bounded = replace(search, longest=longest)
    if search.width > 1:
        results = [(result.hypotheses, result) for result in beam(module, memory, bounded, edits, report)]
    else:
        results = [((hypothesis,), None) for hypothesis in greedy(module, memory, bounded, edits, report)]
    translations = []
    for source, (hypotheses, tree) in zip(sources, results, strict=True):
        alone = tuple(_without_padding(hypothesis, len(source)) for hypothesis in hypotheses)
        translations.append(Translation(pieces.decode(alone[0].tokens), tuple(source), alone, tree and Found(alone, tree.tree)))
    return translations


def _without_padding(hypothesis: Hypothesis, length: int) -> Hypothesis:
    return hypothesis if hypothesis.attention is None else replace(hypothesis, attention=hypothesis.attention[:, :length])


def encoded(module: "Seq2Seq", sources: list[list[int]]) -> "Memory":
    """Encoder output for sentences given as subword ids with their end marks."""
    import torch

    from models.translation.network import batch_of

    table, lengths = batch_of(sources)
    with torch.inference_mode():
        return module.encode(table.to(module.bias.device), lengths)


def log_probabilities(module: "Seq2Seq", source: Sequence[int], target: Sequence[int]) -> np.ndarray:
    """Log probability (natural logarithm) of each subword of a translation under teacher forcing, [out].

    Args:
        module: A translation network in eval mode.
        source: Subword ids with the end mark, [in].
        target: Subword ids with the end mark, [out].
    """
    import torch

    wanted = torch.tensor([list(target)])
    with torch.inference_mode():
        logits = module(torch.tensor([list(source)]), torch.tensor([[START, *target[:-1]]]))
        return logits.log_softmax(-1).gather(2, wanted[..., None])[0, :, 0].numpy()


def weights_on(pieces: Subwords, source: Sequence[int], word: int | None) -> np.ndarray:
    """Weights [in] spread evenly over the subwords of one source word, or over the whole sentence for None.

    Args:
        pieces: The vocabulary.
        source: Subword ids with the end mark, [in].
        word: Index of the source word, the end mark being the last.
    """
    places = range(len(source)) if word is None else pieces.words(source)[word][1]
    weights = np.zeros(len(source))
    weights[list(places)] = 1 / len(places)
    return weights


def by_words(
    pieces: Subwords, source: Sequence[int], target: Sequence[int], weights: np.ndarray
) -> tuple[list[str], list[str], np.ndarray]:
    """Attention between words: weights summed over the subwords of a source word, averaged over those of a target word.

    Args:
        pieces: The vocabulary.
        source: Subword ids of the source, [in]; the end mark is a word of its own.
        target: Subword ids of the target, [out]; the end mark is a word of its own.
        weights: Attention, [out, in].

    Returns:
        Source words, target words, and the weights between them [target word, source word]; rows still sum to 1.
    """
    columns, rows = pieces.words(source), pieces.words(target)
    summed = np.stack([weights[:, places].sum(1) for _, places in columns], 1)
    averaged = np.stack([summed[places].mean(0) for _, places in rows])
    return [word for word, _ in columns], [word for word, _ in rows], averaged
