"""Result tables of character networks: cross-entropy per character with an n-gram baseline, measured units, learning rates tried."""

from collections.abc import Mapping
from typing import Any

from models.results import Cards, Table, code, split_of

UNCLEAR = "a unit that does nothing clear"  # how cards call a unit without a clear meaning
UNIT_SCORES = ("r", "AUC", "balanced accuracy", "chance r", "untrained r", "table r", "table AUC")


def tables(cards: Cards) -> list[Table]:
    """Tables of cross-entropy per character, of measured units, and of the learning rates that were tried."""
    costs = Table(
        "Character networks",
        f"Cross-entropy per character on {split_of(cards)}, which is held out from training; lower is better. The last two columns: "
        "cross-entropy of the best n-gram model (interpolated Witten-Bell, orders 1 to 10) on the same text with the same vocabulary, and "
        "the network's cross-entropy divided by it. A network starts from the zero state, is scored on the first character too, and "
        "carries its state through the whole text. A character outside the vocabulary costs -ln p(unknown) + ln(1,114,112 - size of the "
        "vocabulary) nats, so that a small vocabulary is no advantage.",
        ("network", "parameters", "layers x units", "text", "characters", "nats", "bits", "best n-gram, nats", "ratio"),
        [_row(name, card) for name, card in cards.items()],
    )
    units = Table(
        "Units of character networks",
        "For each concept the unit that tracks it best, chosen on the first pages of dev and scored on later ones. A unit has to beat "
        "three baselines, in correlation r and, where there is one, in AUC: chance (the best of all units when the concept is shifted "
        "along the text), the best unit of the same network before training, and a table of the last 1 to 4 characters. Most units "
        "have no clear meaning; the last row of each network is one of them, with the concept closest to it.",
        ("network", "concept", "layer, unit", *UNIT_SCORES, "better than all", "characters"),
        [_unit_row(name, unit) for name, card in cards.items() for unit in card.get("units", [])],
    )
    tuning = Table(
        "Learning rates that were tried",
        "Short trainings of equal length before the long one: nats per character on dev, read as 16 rows. The best rate is used.",
        ("network", "learning rate", "epochs", "dropout", "nats"),
        [_tuning_row(name, run) for name, card in cards.items() for run in card.get("tuning", [])],
    )
    return [costs, units, tuning]


def _row(name: str, card: Mapping[str, Any]) -> list[str]:
    scores, form = card["scores"], card["arguments"]
    order, baseline = min(scores["ngram_nats"].items(), key=lambda item: item[1])
    nats = scores["nats_per_character"]
    size = [code(name), f"{card['parameters']:,}", f"{form['layers']} x {form['units']}", card["data"]["title"]]
    costs = [f"{scores['characters']:,}", f"{nats:.3f}", f"{scores['bits_per_character']:.3f}"]
    return [*size, *costs, f"{baseline:.3f} ({order}-gram)", f"{nats / baseline:.3f}"]


def _concept(unit: Mapping[str, Any]) -> str:
    """The concept of a unit; of one without a clear meaning, the closest one."""
    return f"no clear meaning, closest: {unit['nearest']}" if unit["concept"] == UNCLEAR else unit["concept"]


def _unit_row(name: str, unit: Mapping[str, Any]) -> list[str]:
    baselines = unit["baselines"]
    lookups = [scores for key, scores in baselines.items() if key.startswith("last")]
    table_auc = None if unit["auc"] is None else max(scores["auc"] for scores in lookups)
    own = (unit["r"], unit["auc"], None if unit["auc"] is None else unit["balanced_accuracy"])
    scores = (*own, baselines["chance"]["r"], baselines["untrained"]["r"], max(scores["r"] for scores in lookups), table_auc)
    where = [code(name), _concept(unit), f"{unit['layer'] + 1}, {unit['unit']}"]
    written = ["" if score is None else f"{score:.2f}" for score in scores]
    return [*where, *written, "yes" if unit["clears_all"] else "no", f"{unit['characters']:,}"]


def _tuning_row(name: str, run: Mapping[str, Any]) -> list[str]:
    return [code(name), f"{run['learning_rate']:g}", f"{run['epochs']:g}", f"{run['dropout']:g}", f"{run['dev']:.3f}"]
