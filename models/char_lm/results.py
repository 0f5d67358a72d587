"""The scores of character networks as tables: cost per character beside n-grams, and the units measured."""

from collections.abc import Mapping
from typing import Any

from models.results import Cards, Table, code, split_of


def tables(cards: Cards) -> list[Table]:
    """Cost per character, and units."""
    costs = Table(
        "Character networks",
        f"Nats per character on {split_of(cards)}, which no network was trained on; beside each the best n-gram of the same training text.",
        ("network", "parameters", "layers x units", "text", "characters", "nats", "bits", "best n-gram", "ratio"),
        [_row(name, card) for name, card in cards.items()],
    )
    units = Table(
        "Units of character networks",
        "The unit that follows each concept best: chosen on the first pages of dev, scored on the later ones. Correlation r (and AUC) of "
        "the unit; r of chance, of the same network untrained, and of the best table of the last 1 to 4 characters; whether it clears "
        "all three.",
        ("network", "concept", "layer, unit", "r", "AUC", "chance", "untrained", "table", "clears all", "characters"),
        [_unit_row(name, unit) for name, card in cards.items() for unit in card.get("units", [])],
    )
    return [costs, units]


def _row(name: str, card: Mapping[str, Any]) -> list[str]:
    scores, form = card["scores"], card["arguments"]
    order, baseline = min(scores["ngram_nats"].items(), key=lambda item: item[1])
    nats = scores["nats_per_character"]
    size = [code(name), f"{card['parameters']:,}", f"{form['layers']} x {form['units']}", card["data"]["title"]]
    costs = [f"{scores['characters']:,}", f"{nats:.3f}", f"{scores['bits_per_character']:.3f}"]
    return [*size, *costs, f"{baseline:.3f} ({order}-gram)", f"{nats / baseline:.3f}"]


def _unit_row(name: str, unit: Mapping[str, Any]) -> list[str]:
    baselines = {key: scores["r"] for key, scores in unit["baselines"].items()}
    table = max(r for key, r in baselines.items() if key.startswith("last"))
    auc = "" if unit["auc"] is None else f"{unit['auc']:.2f}"
    others = [f"{r:.2f}" for r in (baselines["chance"], baselines["untrained"], table)]
    where = [code(name), unit["concept"], f"{unit['layer'] + 1}, {unit['unit']}"]
    return [*where, f"{unit['r']:.2f}", auc, *others, "yes" if unit["clears_all"] else "no", f"{unit['characters']:,}"]
