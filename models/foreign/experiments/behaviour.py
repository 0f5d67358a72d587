"""Behaviour of a network found in a file: how well it predicts a text, under which list of tokens, and which units do nothing."""

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from models.foreign.experiments.reading import FoundRun, read_text
from models.foreign.health import Finding, worst_first
from models.foreign.layout import Choice
from models.foreign.listed import Listed
from models.foreign.opening import Assumptions, Opened, fitting, network_of, rows

if TYPE_CHECKING:
    from models.checkpoint import Loaded

OFTEN = 8  # mean count of a token in a text whose frequencies are compared
DEAD = 1e-3  # a unit whose state stays within this of 0 is dead
CONSTANT = 1e-4  # a unit whose state has a smaller standard deviation is constant
SAMPLE = (
    "A network that reads a text one character at a time keeps a state. After each character the state changes, and from the state "
    "the network predicts the character that comes next. It learns that a q is followed by a u, that an open bracket (like this one) "
    "must be closed, and that words end with a space.\n\nNobody told it what a word is. In 1990, Jeffrey Elman showed that such a "
    "network finds the words of a text written without spaces: its surprise is high where a word begins, and falls inside it.\n"
)
# Latin-1 and UTF-8 differ here alone, where SAMPLE has no letter.
BEYOND_ASCII = "L'été dernier, à Genève, une élève naïve mangeait des crêpes là où la forêt commençait. Où était Zoë? À côté."


def of_run(loaded: "Loaded", run: FoundRun) -> list[Finding]:
    """Findings on the behaviour of a network on a text: bits per token beside two baselines, and units that do nothing.

    Args:
        loaded: The network.
        run: A text as it reads it, at least 50 characters.
    """
    idle = _idle_units(run.trace.hidden)
    if run.bits is None:  # it predicts no next token
        return worst_first(idle)
    bits, uniform, unigram = surprise(loaded, run)
    if math.isnan(bits):
        return worst_first([Finding("unknown_text", "warning", "It knows hardly a token of this text. Try a text of its own kind."), *idle])
    beside = f"{bits:.2f} bits per token on this text; a uniform guess needs {uniform:.2f}, the text's own frequencies {unigram:.2f}"
    level, verdict = "info", "It predicts better than the frequencies, so the list of tokens fits."
    if bits >= uniform - 0.1:
        level, verdict = "warning", "It predicts no better than chance: it is untrained, or the tokens are in another order."
    elif not _is_long_enough(run):
        verdict = "The text has too few tokens for a verdict: its own frequencies fit it too well."
    elif bits > unigram:
        level, verdict = "warning", "It predicts worse than the frequencies: is the order of the tokens another, or the kind of text?"
    return worst_first([Finding("bits", level, f"{beside}. {verdict}"), *idle])


def _predicted(run: FoundRun) -> tuple[list[str], np.ndarray]:
    """The tokens of a text that a network knows after the first one, and its surprise at each, [token]."""
    assert run.bits is not None
    known = np.flatnonzero(~np.isnan(run.bits))
    return [run.trace.tokens[at] for at in known], run.bits[known]


def _is_long_enough(run: FoundRun) -> bool:
    """Whether a known token of a text occurs often enough for its frequency there to be that of the language."""
    known = _predicted(run)[0]
    return len(known) >= OFTEN * len(set(known))


def surprise(loaded: "Loaded", run: FoundRun) -> tuple[float, float, float]:
    """Bits per known token of a text after its first one: of the network, of a uniform guess, and of the frequencies of those tokens.

    A uniform guess is among the tokens that the network can predict: its unknown mark is one of them if the network has one of its own.
    All are nan if it knows none of them.
    """
    known, bits = _predicted(run)
    if not known:
        return math.nan, math.nan, math.nan
    counts = np.array(list(Counter(known).values()), float)
    share = counts / counts.sum()
    predictable = len(loaded.vocab) - (not loaded.vocab.has_unknown)
    return float(bits.mean(dtype=float)), math.log2(predictable), float(-(share * np.log2(share)).sum())


def _idle_units(hidden: np.ndarray) -> list[Finding]:
    """Units whose state hidden [time, layer, unit] does not move."""
    dead, constant = np.all(np.abs(hidden) < DEAD, axis=0), hidden.std(0) < CONSTANT
    findings = []
    for code, idle, words in (("dead_units", dead, "stay at 0"), ("constant_units", constant & ~dead, "never change")):
        if idle.any():
            layers = ", ".join(f"{int(row.sum())} in layer {index + 1}" for index, row in enumerate(list(idle)) if row.any())
            findings.append(Finding(code, "warning", f"{int(idle.sum())} of {idle.size} units {words} on this text ({layers})."))
    return findings


def best_list(opened: Opened, chosen: Choice, assumed: Assumptions, text: str = SAMPLE) -> tuple[Listed, dict[str, float]] | None:
    """The list of tokens under which a network predicts a text best, and bits per token under each; None if no list fits.

    Args:
        opened, chosen: The file, and the network among its tensors.
        assumed: What the weights do not say.
        text: A text of the kind that the network knows.
    """
    lists = fitting(opened, rows(opened, chosen) or 0)
    own = [one for one in lists if one.sure]
    networks = {} if own else {one: network_of(opened, chosen, one, assumed) for one in lists if _covers(one, text)}
    tried = {one: surprise(loaded, read_text(loaded, text))[0] for one, loaded in networks.items() if loaded.module.predicts}
    alike = [one for one in tried if tried[one] <= min(tried.values()) + 1e-6]
    best = own[0] if own else min(alike, key=lambda one: _beyond(networks[one], len(alike)), default=lists[0] if lists else None)
    return None if best is None else (best, {one.source: bits for one, bits in tried.items()})


def _beyond(loaded: "Loaded", alike: int) -> float:
    """All bits of a text beyond ASCII, where several lists predict another text alike: a letter may be one token or two."""
    bits = read_text(loaded, BEYOND_ASCII).bits if alike > 1 else None
    return 0.0 if bits is None else float(np.nansum(bits))


def _covers(one: Listed, text: str) -> bool:
    """Whether a list has at least half of the characters of a text."""
    known = set(one.tokens)
    return sum(character in known for character in text) > len(text) / 2
