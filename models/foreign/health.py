"""A quick look at a stranger's network: what does not fit, what is broken, and whether it predicts a text better than chance.

Findings are sentences, the worst first. Those on the weights need no torch; those on behaviour run the network on a short text.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.foreign.layout import Choice
from models.foreign.opening import Assumptions, Listed, Opened, fitting, language_model, rows, why_not

if TYPE_CHECKING:
    from models.checkpoint import Loaded

LEVELS = ("error", "warning", "info")
DEAD = 1e-3  # a unit whose state stays within this of 0 is dead
CONSTANT = 1e-4  # a unit whose state has a smaller standard deviation is constant
LOUD = 100.0  # weights beyond this are not of a network that trains well
SAMPLE = (
    "A network that reads a text one character at a time keeps a state. After each character the state changes, and from the state "
    "the network predicts the character that comes next. It learns that a q is followed by a u, that an open bracket (like this one) "
    "must be closed, and that words end with a space.\n\nNobody told it what a word is. In 1990, Jeffrey Elman showed that such a "
    "network finds the words of a text written without spaces: its surprise is high where a word begins, and falls inside it.\n"
)


@dataclass(frozen=True)
class Finding:
    """One result of the look.

    Args:
        code: A short name that does not change.
        level: "error", "warning" or "info".
        text: A sentence.
    """

    code: str
    level: str
    text: str


def of_weights(opened: Opened, chosen: Choice | None, tokens: Sequence[str] | None = None) -> list[Finding]:
    """Findings on the tensors of a file.

    Args:
        opened: The file.
        chosen: The network among its tensors.
        tokens: The list of tokens, if there is one.
    """
    findings = [Finding("shapes", "warning", sentence) for sentence in opened.layout.odd]
    findings += [_not_finite(name, value) for name, value in opened.weights.tensors.items() if not np.isfinite(value).all()]
    findings += [
        Finding("large", "warning", f"{name} has values up to {np.abs(value).max():.0f}: the training may have diverged.")
        for name, value in opened.weights.tensors.items()
        if value.dtype.kind == "f" and np.isfinite(value).all() and np.abs(value).max() > LOUD and not name.endswith("running_var")
    ]
    if reason := why_not(opened, chosen):
        findings.append(Finding("not_run", "warning", reason) if chosen else Finding("no_recurrent_layers", "error", reason))
    findings += _on_tokens(rows(opened, chosen), tokens)
    if chosen is not None and not all(chosen.sure):
        guessed = " and ".join(what for what, sure in zip(("the embedding", "the output"), chosen.sure, strict=True) if not sure)
        findings.append(Finding("guessed", "warning", f"By shape alone {guessed} was guessed; look at the table of tensors."))
    trained = [name for name, value in opened.weights.settings.items() if name.split(".")[-1] == "training" and value is True]
    if trained:
        findings.append(Finding("training_mode", "info", "It was saved in training mode; here it runs without dropout."))
    findings += [Finding("note", "info", note) for note in opened.weights.notes]
    return _sorted(findings + _assumed(chosen))


def _not_finite(name: str, value: np.ndarray) -> Finding:
    many = int((~np.isfinite(value)).sum())
    return Finding("not_finite", "error", f"{name} has {many:,} of {value.size:,} values that are NaN or infinite: the training failed.")


def _on_tokens(count: int | None, tokens: Sequence[str] | None) -> list[Finding]:
    if tokens is None or count is None or len(tokens) == count:
        return []
    more = f"the last {len(tokens) - count} are not used" if len(tokens) > count else f"{count - len(tokens)} ids have no name"
    text = f"The vocabulary has {len(tokens):,} tokens, the network {count:,}: {more}. Order and special tokens may not fit."
    return [Finding("vocabulary_size", "warning", text)]


def _assumed(chosen: Choice | None) -> list[Finding]:
    """What weights do not say, and what was taken for it."""
    if chosen is None:
        return []
    assumed = ["no dropout (it has no effect after training)"]
    if any(stack.kind == "rnn" for stack in chosen.stacks):
        assumed.append("tanh in the plain RNN, not relu")
    if len(chosen.outputs) > 1:
        assumed.append("relu between the output layers")
    if chosen.embedding:
        assumed.append("an embedding that is not scaled")
    return [Finding("assumed", "info", f"Weights do not say everything. Assumed: {', '.join(assumed)}.")]


def of_run(loaded: "Loaded", text: str = SAMPLE) -> list[Finding]:
    """Findings on the behaviour of a network on a text: bits per token beside two baselines, and units that do nothing.

    Args:
        loaded: The network.
        text: The text to read, at least 50 characters.
    """
    bits, uniform, unigram = surprise(loaded, text)
    beside = (
        f"{bits:.2f} bits per token on this text; a uniform guess needs {uniform:.2f}, the frequencies of the text itself {unigram:.2f}"
    )
    if bits >= uniform - 0.1:
        level, verdict = "warning", "It predicts no better than chance: it is untrained, or the order of the tokens is another."
    elif bits > unigram:
        level, verdict = (
            "warning",
            "It predicts worse than the frequencies: the tokens may be in another order, or the text of another kind.",
        )
    else:
        level, verdict = "info", "It predicts better than the frequencies, so the order of the tokens is right."
    return _sorted([Finding("bits", level, f"{beside}. {verdict}"), *_idle_units(loaded, text)])


def surprise(loaded: "Loaded", text: str) -> tuple[float, float, float]:
    """Bits per known token of a text: of the network, of a uniform guess, and of the frequencies of the text itself."""
    from models.char_lm.reading import read

    reading = read(loaded, text)
    known = reading.ids != 0
    counts = np.array(list(Counter(reading.ids[known].tolist()).values()), float)
    share = counts / counts.sum()
    return float(reading.bits[known].mean()), math.log2(len(loaded.vocab) - 1), float(-(share * np.log2(share)).sum())


def _idle_units(loaded: "Loaded", text: str) -> list[Finding]:
    from models.char_lm.experiments.window import record_window
    from models.char_lm.reading import read

    hidden = record_window(loaded, read(loaded, text)).trace.hidden
    dead, constant = (np.abs(hidden) < DEAD).all(0), hidden.std(0) < CONSTANT
    findings = []
    for code, idle, words in (("dead_units", dead, "stay at 0"), ("constant_units", constant & ~dead, "never change")):
        if idle.any():
            layers = ", ".join(f"{int(row.sum())} in layer {index + 1}" for index, row in enumerate(idle) if row.any())
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
    tried = {one: surprise(language_model(opened, chosen, one.tokens, assumed), text)[0] for one in lists if _covers(one, text)}
    if not tried:
        return (lists[0], {}) if lists else None
    own = [one for one in tried if one.sure]
    best = own[0] if own else min(tried, key=lambda one: tried[one])
    return best, {one.source: bits for one, bits in tried.items()}


def _covers(one: Listed, text: str) -> bool:
    """Whether a list has at least half of the characters of a text."""
    return sum(character in set(one.tokens) for character in text) > len(text) / 2


def _sorted(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
