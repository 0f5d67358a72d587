"""Sentence pairs for translation: read, grouped by source, and cut into training and dev so that neither side leaks."""

import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models import corpora
from models.corpora import DataError, origin, read_text, sha256
from models.vocabulary.subwords import spaced

Pair = tuple[str, str]
find, fetch, summary = corpora.find, corpora.fetch, corpora.summary

# Lengths of a source in words, from and to, and how many English sentences of each are dev. Long ones are rare (620 of
# 115,000) and are what a comparison of attentions is about, so dev holds far more of them than their share.
BUCKETS = ((1, 5), (6, 8), (9, 11), (12, 15), (16, None))
QUOTAS = (900, 900, 400, 300, 220)
SEED = 1


@dataclass(frozen=True)
class Split:
    """Training and dev pairs, English first; no sentence of either language stands on both sides."""

    train: tuple[Pair, ...]
    dev: tuple[Pair, ...]


def read(path: str | os.PathLike) -> list[Pair]:
    """English-French pairs of a text file, each once: English, tab, French, further columns ignored; see `spaced` for white space.

    Raises:
        DataError: the file is missing, empty or not UTF-8, or a line has no two sentences; the message says which.
    """
    pairs = []
    for line_number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        columns = [spaced(column) for column in line.split("\t")[:2]]
        if len(columns) < 2 or not all(columns):
            raise DataError(f"Line {line_number:,} of {path} has no two sentences; expected English, a tab, French.")
        pairs.append((columns[0], columns[1]))
    if not pairs:
        raise DataError(f"{path} holds no pairs; expected lines of English, a tab, French.")
    return list(dict.fromkeys(pairs))


def turned(pairs: Iterable[Pair], direction: str) -> list[Pair]:
    """Pairs as (source, target) of a direction, "en-fr" or "fr-en"."""
    return [(french, english) if direction == "fr-en" else (english, french) for english, french in pairs]


def grouped(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Every target of each source: its references, in the order of the pairs."""
    references: dict[str, list[str]] = {}
    for source, target in pairs:
        references.setdefault(source, []).append(target)
    return references


def bucket(sentence: str) -> int:
    """The place in BUCKETS of a sentence, by its words as spaces cut them."""
    words = len(sentence.split())
    return next(index for index, (_, most) in enumerate(BUCKETS) if most is None or words <= most)


def bucket_names() -> list[str]:
    """What the buckets are called: "1-5", ..., "16+"."""
    return [f"{least}+" if most is None else f"{least}-{most}" for least, most in BUCKETS]


def split(pairs: Sequence[Pair], quotas: Sequence[int] = QUOTAS) -> Split:
    """Pairs in two: dev gets whole groups of sentences that hang together, training all others.

    Two pairs hang together if they share their English or their French sentence, directly or through others. Groups are
    drawn at random until dev has its quota of English sentences in each bucket of length, the longest first.

    Args:
        pairs: English first, each once.
        quotas: English sentences of dev in each of BUCKETS; never more than a third of those there are.

    Raises:
        DataError: there are too few pairs to cut.
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
    """Rows that hang together, by the first of them: union-find over sentences of both languages."""
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
    """What a card says of its training pairs."""
    cut = (
        "groups of pairs that hang together by a sentence of either language, drawn at random until each length of English "
        "sentences has its number; long ones are over-represented in dev"
    )
    text = "\n".join("\t".join(pair) for pair in data)
    sizes = {"train_pairs": len(parts.train), "dev_pairs": len(parts.dev), "sha256": sha256(text)}
    return origin(name) | {"split": cut, "white_space": "every non-breaking or thin space is an ordinary one, everywhere"} | sizes


def near_twins(sentences: Iterable[str], training: Iterable[str]) -> set[str]:
    """Those sentences that have one at most one word away in training: a word replaced, left out or put in; case does not count."""
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
    """The ways to look at a sentence such that two sentences share one just if they are at most one word apart."""
    words = tuple(sentence.casefold().split())
    with_hole = [(*words[:at], None, *words[at + 1 :]) for at in range(len(words))]  # one replaced
    longer = [(*words[:at], None, *words[at:]) for at in range(len(words) + 1)]  # one put in: a longer one with a hole there
    return [words, *with_hole, *longer]
