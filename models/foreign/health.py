"""A quick look at the weights of a stranger's network: what does not fit, and what is broken. It needs no torch.

Findings are sentences, the worst first; those on the behaviour of the network are in `experiments`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.foreign.layout import Choice, unused
from models.foreign.opening import Assumptions, Opened, known_function, rows, why_no_predictions, why_not

LEVELS = ("error", "warning", "info")
LONGEST_NAME = 80  # characters of a name in a sentence
LOUD = 100.0  # weights beyond this are not of a network that trains well


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


def of_weights(
    opened: Opened, chosen: Choice | None, tokens: Sequence[str] | None = None, assumed: Assumptions | None = None
) -> list[Finding]:
    """Findings on the tensors of a file.

    Args:
        opened: The file.
        chosen: The network among its tensors.
        tokens: The list of tokens, if there is one.
        assumed: What was chosen where the weights do not say; default: what is assumed unless their owner says otherwise.
    """
    findings = [Finding("shapes", "warning", sentence) for sentence in opened.layout.odd]
    findings += [_not_finite(name, value) for name, value in opened.weights.tensors.items() if not np.isfinite(value).all()]
    findings += [
        Finding("large", "warning", f"{name} has values up to {np.abs(value).max():.0f}: the training may have diverged.")
        for name, value in opened.weights.tensors.items()
        if value.dtype.kind == "f" and np.isfinite(value).all() and np.abs(value).max() > LOUD and not name.endswith("running_var")
    ]
    if chosen is not None and not why_not(opened, chosen) and (missing := why_no_predictions(opened, chosen)):
        findings.append(Finding("no_predictions", "info", missing))
    if reason := why_not(opened, chosen):
        findings.append(Finding("not_run", "warning", reason) if chosen else Finding("no_recurrent_layers", "error", reason))
    elif chosen is not None and not opened.is_described and (left := unused(opened.layout, chosen)):
        findings.append(_left_out(left))
    findings += on_tokens(rows(opened, chosen), tokens)
    if chosen is not None and not all(chosen.sure):
        guessed = " and ".join(what for what, sure in zip(("the embedding", "the output"), chosen.sure, strict=True) if not sure)
        findings.append(Finding("guessed", "warning", f"By shape alone {guessed} was guessed; look at the table of tensors."))
    trained = [name for name, value in opened.weights.settings.items() if name.split(".")[-1] == "training" and value is True]
    if trained:
        findings.append(Finding("training_mode", "info", "It was saved in training mode; here it runs without dropout."))
    findings += [Finding("note", "info", note) for note in opened.weights.notes]
    return worst_first(findings + ([] if opened.is_described else _assumed(opened, chosen, assumed or Assumptions())))


def _left_out(names: Sequence[str]) -> Finding:
    """A warning on tensors of the file that have no part in what runs: a normalisation left out makes other predictions."""
    listed = ", ".join(name[:LONGEST_NAME] for name in names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
    text = f"Not all of the file runs here: {listed} {'is' if len(names) == 1 else 'are'} left out."
    return Finding(
        "left_out", "warning", f"{text} If they act between its layers, its real states and predictions differ from those shown here."
    )


def _not_finite(name: str, value: np.ndarray) -> Finding:
    many = int((~np.isfinite(value)).sum())
    return Finding("not_finite", "error", f"{name} has {many:,} of {value.size:,} values that are NaN or infinite: the training failed.")


def on_tokens(count: int | None, tokens: Sequence[str] | None) -> list[Finding]:
    """A warning if a list of tokens has another length than a network has tokens; nothing where either is not known."""
    if tokens is None or count is None or len(tokens) == count:
        return []
    more = f"the last {len(tokens) - count} are not used" if len(tokens) > count else f"{count - len(tokens)} ids have no name"
    text = f"The vocabulary has {len(tokens):,} tokens, the network {count:,}: {more}. Order and special tokens may not fit."
    return [Finding("vocabulary_size", "warning", text)]


def _assumed(opened: Opened, chosen: Choice | None, taken: Assumptions) -> list[Finding]:
    """What weights do not say, and what was taken for it; what their owner chose otherwise is not assumed."""
    if chosen is None:
        return []
    assumed, own = ["no dropout (it has no effect after training)"], Assumptions()
    plain = any(stack.kind == "rnn" for stack in chosen.stacks)
    if plain and known_function(opened, chosen) is None and taken.nonlinearity == own.nonlinearity:
        assumed.append("tanh in the plain RNN, not relu")
    if any(stack.kind != "rnn" and not stack.is_named_by_torch for stack in chosen.stacks):
        assumed.append("torch's order of gates")
    if _may_be_turned(chosen):
        assumed.append("[output, input] weights")
    if len(chosen.outputs) > 1 and taken.activation == own.activation:
        assumed.append("relu between the output layers")
    if chosen.embedding:
        assumed.append("no scaling of the embedding")
    assumed.append("no skip connections")
    return [Finding("assumed", "info", f"Not stored with the weights, and assumed: {', '.join(assumed)}.")]


def _may_be_turned(chosen: Choice) -> bool:
    """Whether a matrix is square, so that its shape does not say how it is stored, and its name is not that of a layer of torch."""
    recurrent = [stack for stack in chosen.stacks if stack.kind == "rnn" and stack.inputs == stack.units and not stack.is_named_by_torch]
    square = [name for stack in recurrent for name in stack.names.values()]
    square += [linear.weight for linear in chosen.outputs if linear.inputs == linear.outputs]
    return any(not name.endswith(("weight", "bias")) for name in square)


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Findings by their level."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
