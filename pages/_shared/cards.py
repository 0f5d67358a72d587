"""What the pages believe of a checkpoint's card: whatever stands in a file may be missing or of the wrong form."""

from typing import Any

UNKNOWN = {"corpus": "", "source": "a text its card does not name", "licence": "unknown"}
OF_A_UNIT = {"concept": str, "layer": int, "unit": int, "sign": int, "clears_all": bool, "verdict": str, "baselines": dict, "r": float}


def believed(card: dict[str, Any]) -> dict[str, Any] | None:
    """The card with every field that pages read in its right form; None where it does not even tell its network's size."""
    size = card.get("arguments")
    if not isinstance(size, dict) or size.get("cell") not in ("rnn", "lstm", "gru"):
        return None
    if not all(type(size.get(name)) is int and size[name] > 0 for name in ("layers", "units")):
        return None
    data, scores, units = (card.get(name) for name in ("data", "scores", "units"))
    texts = {k: v for k, v in data.items() if isinstance(v, str | int)} if isinstance(data, dict) else {}
    told = {"data": UNKNOWN | texts, "scores": scores if _are_numbers(scores) else {}}
    told["units"] = [unit for unit in units if _is_unit(unit, size)] if isinstance(units, list) else []
    told["parameters"] = card["parameters"] if type(card.get("parameters")) is int else 0
    return card | told


def of_module(card: dict[str, Any], module: Any) -> dict[str, Any]:
    """The card of a file nobody vouches for: its size read off the network itself; claims about it are left out."""
    size = {"layers": module.rnn.num_layers, "units": module.rnn.hidden_size}
    told = {"kind": card["kind"], "arguments": card["arguments"] | size}
    return told | {"parameters": sum(p.numel() for p in module.parameters()), "data": UNKNOWN, "scores": {}, "units": []}


def _are_numbers(scores: Any) -> bool:
    if not isinstance(scores, dict) or not isinstance(scores.get("nats_per_character", 0.0), int | float):
        return False
    table = scores.get("ngram_nats", {})
    return isinstance(table, dict) and all(isinstance(nats, int | float) for nats in table.values())


def _is_unit(unit: Any, size: dict[str, Any]) -> bool:
    if not isinstance(unit, dict) or not all(isinstance(unit.get(name), form) for name, form in OF_A_UNIT.items()):
        return False
    return 0 <= unit["layer"] < size["layers"] and 0 <= unit["unit"] < size["units"]
