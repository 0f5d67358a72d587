"""What was found in a file of weights, as one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from explorer.errors import CheckpointError
from models.foreign import health
from models.foreign.experiments import behaviour
from models.foreign.experiments.reading import read_text
from models.foreign.layout import Choice, uses
from models.foreign.listed import Listed
from models.foreign.opening import Assumptions, Opened, assumptions, network_of, open_file, rows, why_not


def report(content: bytes, file: str, given: Listed | None = None) -> dict[str, Any]:
    """Recurrent paths, embedding, output, vocabulary, the use of every tensor, and findings on a file of weights.

    Args:
        content: The bytes of the file.
        file: Its name.
        given: Its list of tokens; default: the file's own, or the standard alphabet of the right length that predicts best.

    Raises:
        CheckpointError: the file cannot be read.
    """
    opened = open_file(content, file)
    chosen = opened.choice
    tokens = given and given.tokens
    findings = health.of_weights(opened, chosen, tokens)
    if chosen is not None and not why_not(opened, chosen) and not any(one.code == "not_finite" for one in findings):
        listed, more = _run(opened, given)
        tokens, findings = tokens or listed, findings + more
    findings.sort(key=lambda one: health.LEVELS.index(one.level))
    return {
        "paths": [
            {"path": one.path, "kind": one.kind, "layers": one.layers, "units": one.units, "directions": one.directions}
            for one in opened.layout.stacks
        ],
        "embedding": list(opened.layout.shapes[chosen.embedding]) if chosen and chosen.embedding else None,
        "output": chosen.outputs[-1].outputs if chosen and chosen.outputs else None,
        "vocabulary": len(tokens) if tokens else None,
        "tensors": [
            {"name": one.name, "shape": list(one.shape), "used_as": one.used_as, "sure": one.sure} for one in uses(opened.layout, chosen)
        ],
        "findings": [asdict(one) for one in findings],
    }


def _run(opened: Opened, given: Listed | None) -> tuple[Sequence[str] | None, list[health.Finding]]:
    """The list of tokens that is used, and findings on the run."""
    chosen = opened.choice
    assert chosen is not None
    assumed = assumptions(opened, chosen)
    if given is not None:
        try:
            return given.tokens, _of_run(opened, chosen, given, assumed)
        except CheckpointError as error:
            return given.tokens, [health.Finding("vocabulary", "error", str(error))]
    best = behaviour.best_list(opened, chosen, assumed)
    if best is None:
        count = rows(opened, chosen)
        text = f"The file lists no tokens, and no known alphabet has {count:,}. Give a list of them to run the network."
        return None, [health.Finding("no_vocabulary", "warning", text)]
    listed = best[0]
    said = [_on_list(listed, rows(opened, chosen) or 0), *health.on_tokens(rows(opened, chosen), listed.tokens)]
    return listed.tokens, said + _of_run(opened, chosen, listed, assumed)


def _on_list(listed: Listed, count: int) -> health.Finding:
    """Where the list of tokens of a network with so many comes from."""
    if listed.sure:
        return health.Finding("vocabulary", "info", f"Tokens: the file's own ({count:,}).")
    why = "which has as many" if len(listed.tokens) == count else f"a list in the file with {len(listed.tokens):,}"
    return health.Finding("vocabulary", "warning", f"Tokens: assumed to be {listed.source}, {why} ({count:,} in the network).")


def _of_run(opened: Opened, chosen: Choice, listed: Listed, assumed: Assumptions) -> list[health.Finding]:
    loaded = network_of(opened, chosen, listed, assumed)
    return behaviour.of_run(loaded, read_text(loaded, behaviour.SAMPLE))
