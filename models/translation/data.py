"""Sentence pairs for translation: reading, grouping by source, and a training/dev split without leaks in either language."""

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models import corpora, tables
from models.corpora import DataError, origin, sha256
from models.vocabulary.subwords import spaced

Pair = tuple[str, str]
find, fetch, summary = corpora.find, corpora.fetch, corpora.summary

# Ranges of source length in words, and the number of English dev sentences in each. Long sentences are rare (620 of
# 115,000), but they matter most when attentions are compared, so they are over-represented in dev.
BUCKETS = ((1, 5), (6, 8), (9, 11), (12, 15), (16, None))
QUOTAS = (900, 900, 400, 300, 220)
SEED = 1

# Headings of the columns, and of tables in other languages.
ENGLISH = ("en", "eng", "english", "anglais", "inglés", "englisch", "source", "src", "en-US", "en-GB", "source text", "english sentence")
FRENCH = ("fr", "fra", "fre", "french", "français", "francés", "französisch", "target", "tgt", "fr-FR", "target text", "french sentence")
OTHERS = (
    *ENGLISH, *FRENCH, "de", "deu", "ger", "german", "deutsch", "es", "spa", "spanish", "español", "it", "ita", "italian", "italiano",
    "pt", "por", "portuguese", "português", "nl", "nld", "dutch", "nederlands", "pl", "pol", "polish", "polski", "ru", "rus", "russian",
    "русский", "uk", "ukrainian", "українська", "cs", "ces", "czech", "čeština", "sv", "swedish", "svenska", "da", "danish", "dansk",
    "fi", "finnish", "suomi", "tr", "turkish", "türkçe", "el", "greek", "ελληνικά", "ar", "arabic", "العربية", "he", "hebrew", "עברית",
    "zh", "chinese", "中文", "ja", "japanese", "日本語", "ko", "korean", "한국어", "hi", "hindi", "हिन्दी", "vi", "vietnamese",
)  # fmt: skip
FREQUENT = ("the i you is a it he she to we they my that", "le la les je tu vous est un une il elle nous de")  # English, French
SAMPLE = 1_000  # sentences in which they are counted


@dataclass(frozen=True)
class Split:
    """Training and dev pairs, English first; no sentence of either language is in both."""

    train: tuple[Pair, ...]
    dev: tuple[Pair, ...]


def read(path: str | os.PathLike) -> list[Pair]:
    """The distinct English-French pairs of a table: English, tab, French; further columns are ignored. White space: see `spaced`.

    Commas or semicolons may separate the sentences too, and a heading may name the columns, in any order. What is assumed, and
    lines that do not hold two sentences and are left out, are written to the log.

    Raises:
        DataError: the file is missing, empty or not text, it holds no pair, or its columns are swapped.
    """
    pairs, problems, note = table_of(corpora.read_bytes(path), str(path))
    tables.warn(path, problems, [note] if note else [])
    return list(dict.fromkeys(pairs))


def table_of(content: bytes, name: str) -> tuple[list[Pair], list[tuple[int, str]], str]:
    """The English-French pairs of a table, as `read` takes them, in their order; lines that are left out, and a note on the encoding.

    Args:
        content: The bytes of its file.
        name: Its name, for sentences.

    Raises:
        DataError: as for `read`.
    """
    text, note = tables.decoded(content, name)
    rows = list(tables.rows(text, is_prose=True))
    columns, has_heading = _columns(rows[0].cells if rows else [])
    pairs: list[Pair] = []
    problems = []
    for row in rows[has_heading:]:
        sentences = [spaced(row.cells[column]) for column in columns if column < len(row.cells)]
        if row.problem or len(sentences) < 2 or not all(sentences):
            problems.append((row.line, row.problem or "it does not hold two sentences."))
        else:
            pairs.append((sentences[0], sentences[1]))
    if not pairs:
        why = f" Line {problems[0][0]:,}: {problems[0][1]}" if problems else ""
        raise DataError(f"{name} holds no pairs; expected lines of English, a tab, French.{why}")
    if not has_heading and _is_french([english for english, _ in pairs]) and not _is_french([french for _, french in pairs]):
        raise DataError(f"The first column of {name} looks French: are the columns swapped? Expected English first, or a heading: en, fr.")
    return pairs, problems, note


def lines_of(source: bytes, target: bytes, names: tuple[str, str]) -> list[Pair]:
    """The pairs of two files, one sentence per line: line n of the second translates line n of the first. Lines blank in both are left out.

    Args:
        source, target: The bytes of the files.
        names: Their names, for sentences.

    Raises:
        DataError: a file is no text, they differ in their number of lines, or hold no pair.
    """
    files = zip((source, target), names, strict=True)
    one, other = (tables.decoded(content, name)[0].removesuffix("\n").split("\n") for content, name in files)
    if len(one) != len(other):
        counts = f"{names[0]} has {len(one):,} lines and {names[1]} {len(other):,}"
        raise DataError(f"{counts}; expected as many, with a sentence and its translation in the same line.")
    pairs = [(spaced(first), spaced(second)) for first, second in zip(one, other, strict=True)]
    half = next((line for line, pair in enumerate(pairs, 1) if bool(pair[0]) != bool(pair[1])), None)
    if half:
        raise DataError(f"Line {half:,} is blank in one of {names[0]} and {names[1]}; expected a sentence in both.")
    if not any(first for first, _ in pairs):
        raise DataError(f"{names[0]} and {names[1]} hold no pairs; expected one sentence per line.")
    return [pair for pair in pairs if pair[0]]


def _columns(cells: Sequence[str]) -> tuple[tuple[int, int], bool]:
    """Indices of the columns English and French, and whether the row is the heading that says so."""
    english, french = tables.heading(cells, (ENGLISH, FRENCH))
    if english is not None and french is not None:
        return (english, french), True
    return (0, 1), len(cells) > 1 and all(tables.heading([cell], [OTHERS]) == [0] for cell in cells[:2])


def _is_french(sentences: Sequence[str]) -> bool:
    """Whether sentences hold more of the frequent words of French than of English."""
    words = Counter(word for sentence in sentences[:SAMPLE] for word in sentence.casefold().split())
    english, french = (sum(words[word] for word in frequent.split()) for frequent in FREQUENT)
    return french > english


def turned(pairs: Iterable[Pair], direction: str) -> list[Pair]:
    """Pairs as (source, target) for a direction, "en-fr" or "fr-en"."""
    return [(french, english) if direction == "fr-en" else (english, french) for english, french in pairs]


def grouped(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """All targets of each source, its references, in the order of the pairs."""
    references: dict[str, list[str]] = {}
    for source, target in pairs:
        references.setdefault(source, []).append(target)
    return references


def bucket(sentence: str) -> int:
    """Index in BUCKETS of a sentence, by its number of words separated by spaces."""
    words = len(sentence.split())
    return next(index for index, (_, most) in enumerate(BUCKETS) if most is None or words <= most)


def bucket_names() -> list[str]:
    """Names of the buckets: "1-5", ..., "16+"."""
    return [f"{least}+" if most is None else f"{least}-{most}" for least, most in BUCKETS]


def split(pairs: Sequence[Pair], quotas: Sequence[int] = QUOTAS) -> Split:
    """Split into training and dev by whole groups of connected sentences.

    Two pairs are connected if they share their English or their French sentence, directly or through other pairs. Groups
    are drawn at random until dev has its quota of English sentences in each length bucket, the longest bucket first.

    Args:
        pairs: Distinct pairs, English first.
        quotas: Number of English dev sentences in each of BUCKETS; at most a third of the bucket is used.

    Raises:
        DataError: there are too few pairs to split.
    """
    groups = list(_groups(pairs).values())
    random.Random(SEED).shuffle(groups)
    lengths = [[bucket(english) for english in {pairs[row][0] for row in group}] for group in groups]
    there = [sum(buckets.count(bucket_index) for buckets in lengths) for bucket_index in range(len(BUCKETS))]
    counts, chosen = [0] * len(BUCKETS), set()
    for bucket_index in reversed(range(len(BUCKETS))):
        wanted = min(quotas[bucket_index], there[bucket_index] // 3)
        for group_index, buckets in enumerate(lengths):
            if counts[bucket_index] >= wanted:
                break
            if bucket_index in buckets and group_index not in chosen:
                chosen.add(group_index)
                counts = [count + buckets.count(at) for at, count in enumerate(counts)]
    dev = {row for group_index in chosen for row in groups[group_index]}
    if not dev or len(dev) == len(pairs):
        raise DataError(f"There are {len(pairs)} pairs; expected enough to set some aside for dev, at least 3 of one length.")
    rows = range(len(pairs))
    return Split(tuple(pairs[row] for row in rows if row not in dev), tuple(pairs[row] for row in rows if row in dev))


def _groups(pairs: Sequence[Pair]) -> dict[int, list[int]]:
    """Connected rows by the first row of each group: union-find over the sentences of both languages."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(node: tuple[int, str]) -> tuple[int, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for english, french in pairs:
        parent[root((0, english))] = root((1, french))
    first: dict[tuple[int, str], int] = {}
    groups: dict[int, list[int]] = {}
    for row, (english, _) in enumerate(pairs):
        groups.setdefault(first.setdefault(root((0, english)), row), []).append(row)
    return groups


def data_card(name: str, data: list[Pair], parts: Split) -> dict[str, Any]:
    """The "data" field of a card: origin, split and sizes of the training pairs."""
    cut = (
        "groups of pairs that hang together by a sentence of either language, drawn at random until each length of English "
        "sentences has its number; long ones are over-represented in dev"
    )
    text = "\n".join("\t".join(pair) for pair in data)
    sizes = {"train_pairs": len(parts.train), "dev_pairs": len(parts.dev), "sha256": sha256(text)}
    return origin(name) | {"split": cut, "white_space": "every non-breaking or thin space is an ordinary one, everywhere"} | sizes


def near_twins(sentences: Iterable[str], training: Iterable[str]) -> set[str]:
    """Sentences with a neighbour in training at a distance of at most one word (replaced, deleted or inserted), ignoring case."""
    holes: dict[tuple, set[str]] = {}
    for sentence in sentences:
        for form in _forms(sentence):
            holes.setdefault(form, set()).add(sentence)
    twins: set[str] = set()
    for other in dict.fromkeys(training):
        for form in _forms(other):
            twins |= holes.get(form, set())
    return twins


def _forms(sentence: str) -> list[tuple]:
    """Keys of a sentence such that two sentences share a key exactly if they differ by at most one word."""
    words = tuple(sentence.casefold().split())
    with_hole = [(*words[:at], None, *words[at + 1 :]) for at in range(len(words))]  # one word replaced
    longer = [(*words[:at], None, *words[at:]) for at in range(len(words) + 1)]  # one word inserted: a longer sentence with a hole there
    return [words, *with_hole, *longer]
