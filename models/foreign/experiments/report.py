"""What was found in a file of weights, as one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from explorer.errors import CheckpointError
from models.foreign import health
from models.foreign.experiments import behaviour
from models.foreign.layout import uses
from models.foreign.opening import Opened, assumptions, network_of, open_file, rows, why_not


def report(content: bytes, file: str, tokens: Sequence[str] | None = None) -> dict[str, Any]:
    """Recurrent paths, embedding, output, vocabulary, the use of every tensor, and findings on a file of weights.

    Args:
        content: The bytes of the file.
        file: Its name.
        tokens: Its list of tokens; default: the file's own, or the standard alphabet of the right length that predicts best.

    Raises:
        CheckpointError: the file cannot be read.
    """
    opened = open_file(content, file)
    chosen = opened.choice
    findings = health.of_weights(opened, chosen, tokens)
    if chosen is not None and not why_not(opened, chosen) and not any(one.code == "not_finite" for one in findings):
        listed, more = _run(opened, tokens)
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


def _run(opened: Opened, tokens: Sequence[str] | None) -> tuple[Sequence[str] | None, list[health.Finding]]:
    """The list of tokens that is used, and findings on the run."""
    chosen = opened.choice
    assert chosen is not None
    assumed = assumptions(opened, chosen)
    if tokens is not None:
        try:
            return tokens, behaviour.of_run(network_of(opened, chosen, tokens, assumed))
        except CheckpointError as error:
            return tokens, [health.Finding("vocabulary", "error", str(error))]
    best = behaviour.best_list(opened, chosen, assumed)
    if best is None:
        count = rows(opened, chosen)
        text = f"The file lists no tokens, and no known alphabet has {count:,}. Give a list of them to run the network."
        return None, [health.Finding("no_vocabulary", "warning", text)]
    source = "the file's own" if best[0].sure else f"assumed to be {best[0].source}, which has as many"
    said = health.Finding("vocabulary", "info" if best[0].sure else "warning", f"Tokens: {source} ({len(best[0].tokens)}).")
    return best[0].tokens, [said, *behaviour.of_run(network_of(opened, chosen, best[0].tokens, assumed))]
