"""Sentences in, translations out, with all that was seen on the way: in batches, by words or by pieces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.decoding import NO_EDITS, Edits, Found, Hypothesis, Search, beam, greedy, no_report
from models.translation.network import Memory, Seq2Seq, batch_of
from models.vocabulary.subwords import END, START, Subwords

ROWS, PIECES = 64, 3_000  # of a batch, at most: sentences, and pieces of all of them with their padding
BEAM, GREEDY = Search(width=5), Search(width=1)


@dataclass(frozen=True, eq=False)
class Translation:
    """One sentence and what became of it.

    Args:
        text: The translation.
        source: Numbers of the source's pieces, the end mark last, [in]; empty for an empty source.
        hypotheses: What was found, the best first; one where the search was greedy, none for an empty source.
        beam: With its whole tree; None where the search was greedy.
    """

    text: str
    source: tuple[int, ...]
    hypotheses: tuple[Hypothesis, ...]
    beam: Found | None = None


def source_of(pieces: Subwords, sentence: str) -> list[int]:
    """What the encoder reads of a sentence: its pieces and the end mark, [in]."""
    return [*pieces.encode(sentence), END]


def translate(
    module: Seq2Seq,
    pieces: Subwords,
    sentence: str,
    search: Search = BEAM,
    edits: Edits = NO_EDITS,
    report: Callable[[int, int], None] = no_report,
) -> Translation:
    """One sentence, alone in its batch: what a recording of the network hears is this sentence and nothing else.

    Args:
        module: In eval mode.
        pieces: Its vocabulary.
        sentence: Any text; an empty one has an empty translation.
        search: Greedy where its width is 1. Its longest is shortened to what the source's length allows.
        edits: Tokens to write and attention to use, by step.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    numbers = source_of(pieces, sentence)
    return _searched(module, pieces, [numbers], search, edits, report)[0] if len(numbers) > 1 else Translation("", (), ())


def translate_all(
    module: Seq2Seq,
    pieces: Subwords,
    sentences: Sequence[str],
    search: Search = BEAM,
    report: Callable[[int, int], None] = no_report,
) -> list[Translation]:
    """Many sentences, those of like length side by side, given in their own order.

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
    """Rows of like length, longest first; sentences without a piece are left out."""
    order = sorted((row for row, length in enumerate(lengths) if length > 1), key=lambda row: -lengths[row])
    while order:
        size = max(1, min(ROWS, PIECES // lengths[order[0]]))
        yield order[:size]
        order = order[size:]


def _searched(
    module: Seq2Seq,
    pieces: Subwords,
    sources: list[list[int]],
    search: Search,
    edits: Edits = NO_EDITS,
    report: Callable[[int, int], None] = no_report,
) -> list[Translation]:
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


def encoded(module: Seq2Seq, sources: list[list[int]]) -> Memory:
    """What the encoder leaves of some sentences, given as numbers with their end marks."""
    import torch

    table, lengths = batch_of(sources)
    with torch.inference_mode():
        return module.encode(table.to(module.bias.device), lengths)


def log_probabilities(module: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> np.ndarray:
    """What each piece of a translation costs when it is fed as the truth ("teacher forcing"), [out], natural logarithm.

    Args:
        source: Numbers with the end mark, [in].
        target: Numbers with the end mark, [out].
    """
    import torch

    wanted = torch.tensor([list(target)])
    with torch.inference_mode():
        logits = module(torch.tensor([list(source)]), torch.tensor([[START, *target[:-1]]]))
        return logits.log_softmax(-1).gather(2, wanted[..., None])[0, :, 0].numpy()


def weights_on(pieces: Subwords, source: Sequence[int], word: int | None) -> np.ndarray:
    """Weights [in] that lie on one source word's pieces alone, the same on each; None: on all pieces of the sentence.

    Args:
        source: Numbers of pieces with the end mark, [in].
        word: Place among the source's words, the end mark the last.
    """
    places = range(len(source)) if word is None else pieces.words(source)[word][1]
    weights = np.zeros(len(source))
    weights[list(places)] = 1 / len(places)
    return weights


def by_words(
    pieces: Subwords, source: Sequence[int], target: Sequence[int], weights: np.ndarray
) -> tuple[list[str], list[str], np.ndarray]:
    """Attention between words: weights summed over a source word's pieces, averaged over a target word's.

    Args:
        pieces: The vocabulary.
        source, target: Numbers of pieces, [in] and [out]; end marks are words of their own.
        weights: [out, in].

    Returns:
        Source words, target words, and the weights between them [target word, source word]; rows still sum to 1.
    """
    columns, rows = pieces.words(source), pieces.words(target)
    summed = np.stack([weights[:, places].sum(1) for _, places in columns], 1)
    averaged = np.stack([summed[places].mean(0) for _, places in rows])
    return [word for word, _ in columns], [word for word, _ in rows], averaged
