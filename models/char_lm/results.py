"""Result tables of character networks: cross-entropy per character with an n-gram baseline, measured units, learning rates tried."""

import json
from collections.abc import Mapping
from typing import Any

import models
from models.results import Cards, Table, code, split_of

UNCLEAR = "a unit that does nothing clear"  # how cards call a unit without a clear meaning
CAUSES = ("elsewhere", "chance", "rank", "as much")
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
    return [costs, units, causes_table(cards), wiring_table(), tuning]


def causes_table(cards: Cards) -> Table:
    """Table of what silencing the measured units costs, as `python -m models measure NAME causes` found."""
    return Table(
        "Units that are used",
        "A unit that tracks a concept need not be used. Here every unit of a network is silenced in passages of the later pages of "
        "dev, on which no unit was chosen, and the table shows the units of the table above. *There* are the characters that cannot "
        "be predicted well without the concept: those at which it ends, and after an indentation the first character. The extra "
        "cost there in nats per prediction, with a 95 % interval over the places, is given with the unit's state (the cell of an "
        "LSTM) held at zero, at its mean, and at values from elsewhere; the next columns are with the mean: the extra cost "
        "elsewhere, chance (the largest extra cost of any unit where the places are shifted along the text), the rank among all "
        "units of the network, and how many others cost as much. A unit is used for a concept if its extra cost there exceeds "
        "chance and surely exceeds the one elsewhere; the column names the replacements for which that holds. The last column is "
        "the unit without which most is lost there. Each unit is silenced alone, so that units that do the same hide each other.",
        ("network", "concept", "layer, unit", "places", "zero", "mean", "values from elsewhere", *CAUSES, "used", "largest"),
        [_cause_row(name, line) for name, card in cards.items() for line in causes(str(card["data"].get("corpus", "")), name)],
    )


def wiring_table() -> Table:
    """Table of what the instruments find in networks whose wiring is known, as `python -m models measure char_lm wiring` found."""
    file = models.file_of("known-wiring.json")
    values = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"instruments": {}}
    rows = []
    for name, one in values["instruments"].items():
        precision, recall = one["right"] / max(one["named"], 1), one["right"] / max(one["used"], 1)
        rows.append([name, f"{precision:.2f}", f"{recall:.2f}", str(one["right"]), str(one["named"]), str(one["used"])])
    if rows:
        right, of = values["writers"]["right"], values["writers"]["of"]
        rows.append(["provenance: largest write by a character of the wiring", f"{right / of:.3f}", "", f"{right:,}", f"{of:,}", ""])
    return Table(
        "Instruments on networks whose wiring is known",
        f"{values.get('wirings', 0)} LSTMs of 20 units whose weights are set by hand (`models.char_lm.glass_box`), each on "
        f"{values.get('characters', 0):,} characters that it wrote. Six units are used: one counts brackets, one is on between quotation "
        "marks, two do the same thing, two act only together. A seventh counts brackets as well and is not read; thirteen are noise. "
        "Each instrument names the units for four kinds of prediction. *Correlation*: above .5 with what the units should know. "
        "*Silencing*: held at the mean, with the rule of the table above. *Pairs*: two units held together of which none is used alone. "
        "*Parts of the logit*: above a tenth of the prediction on average; such a part is exact, and yet need not matter. Pairs miss a "
        "unit that is on nearly always, so that its mean does its work.",
        ("instrument", "precision", "recall", "right", "named", "used"),
        rows,
    )


def causes(corpus: str, name: str) -> list[dict[str, Any]]:
    """Entries of CORPUS-causes.json for a network; empty if it was not measured."""
    file = models.file_of(f"{corpus}-causes.json")
    return json.loads(file.read_text(encoding="utf-8"))["networks"].get(name, {}).get("causes", []) if file.exists() else []


def _cause_row(name: str, line: Mapping[str, Any]) -> list[str]:
    ways = {"zero": "zero", "mean": "mean", "elsewhere": "values from elsewhere"}
    effects = [f"{line[way]['there']:+.2f} ({line[way]['low']:+.2f} to {line[way]['high']:+.2f})" for way in ways]
    one, used = line["mean"], [words for way, words in ways.items() if line[way]["is_used"]]
    beside = [f"{one['elsewhere']:+.3f}", f"{one['chance']:.2f}", str(one["rank"]), str(one["as_much"])]
    largest = f"{one['most'][0] + 1}, {one['most'][1]}: {one['most_there']:+.2f}"
    where = [code(name), line["concept"], f"{line['layer'] + 1}, {line['unit']}", str(one["places"])]
    return [*where, *effects, *beside, ", ".join(used) or "no", largest]


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
