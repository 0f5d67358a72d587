"""Behaviour of a network found in a file: how well it predicts a text, under which list of tokens, and which units do nothing."""

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from models.foreign.experiments.reading import read_text
from models.foreign.health import Finding, worst_first
from models.foreign.layout import Choice
from models.foreign.opening import Assumptions, Listed, Opened, fitting, network_of, rows

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


def of_run(loaded: "Loaded", text: str = SAMPLE) -> list[Finding]:
    """Findings on the behaviour of a network on a text: bits per token beside two baselines, and units that do nothing.

    Args:
        loaded: The network.
        text: The text to read, at least 50 characters.
    """
    idle = _idle_units(loaded, text)
    if not loaded.module.predicts:  # it predicts no next token
        return worst_first(idle)
    bits, uniform, unigram = surprise(loaded, text)
    if math.isnan(bits):
        return worst_first([Finding("unknown_text", "warning", "It knows hardly a token of this text. Try a text of its own kind."), *idle])
    beside = f"{bits:.2f} bits per token on this text; a uniform guess needs {uniform:.2f}, the text's own frequencies {unigram:.2f}"
    level, verdict = "info", "It predicts better than the frequencies, so the list of tokens fits."
    if bits >= uniform - 0.1:
        level, verdict = "warning", "It predicts no better than chance: it is untrained, or the tokens are in another order."
    elif not _is_long_enough(loaded, text):
        verdict = "The text has too few tokens for a verdict: its own frequencies fit it too well."
    elif bits > unigram:
        level, verdict = "warning", "It predicts worse than the frequencies: is the order of the tokens another, or the kind of text?"
    return worst_first([Finding("bits", level, f"{beside}. {verdict}"), *idle])


def _is_long_enough(loaded: "Loaded", text: str) -> bool:
    """Whether a known token of a text occurs often enough for its frequency there to be that of the language."""
    known = [index for index in loaded.vocab.encode(text) if index]
    return len(known) >= OFTEN * len(set(known))


def surprise(loaded: "Loaded", text: str) -> tuple[float, float, float]:
    """Bits per known token of a text after its first one: of the network, of a uniform guess, and of the frequencies of the text itself."""
    import torch

    ids = torch.tensor(loaded.vocab.encode(text))
    with torch.inference_mode():
        logs = loaded.module(ids[None])[0][0, :-1].double().log_softmax(-1)
    known, actual = ids[1:] != 0, ids[1:, None]
    counts = np.array(list(Counter(ids[ids != 0].tolist()).values()), float)
    share = counts / counts.sum()
    bits = -logs.gather(1, actual)[known].mean().item() / math.log(2)
    return bits, math.log2(len(loaded.vocab) - 1), float(-(share * np.log2(share)).sum())


def _idle_units(loaded: "Loaded", text: str) -> list[Finding]:
    hidden = read_text(loaded, text).trace.hidden
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
    networks = {} if own else {one: network_of(opened, chosen, one.tokens, assumed) for one in lists if _covers(one, text)}
    tried = {one: surprise(loaded, text)[0] for one, loaded in networks.items() if loaded.module.predicts}
    best = own[0] if own else min(tried, key=lambda one: tried[one], default=lists[0] if lists else None)
    return None if best is None else (best, {one.source: bits for one, bits in tried.items()})


def _covers(one: Listed, text: str) -> bool:
    """Whether a list has at least half of the characters of a text."""
    return sum(character in set(one.tokens) for character in text) > len(text) / 2
