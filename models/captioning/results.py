"""The scores of captioners of photographs as tables: BLEU and CIDEr-D beside people, and the views of a picture that were tried."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.results import Cards, Table, code, interval, paired, split_of


def tables(cards: Cards) -> list[Table]:
    """Scores, against four references beside people, and views of the encoder."""
    captioners = {name: card for name, card in cards.items() if "beams" in card["scores"]}
    scores = Table(
        "Captioners of photographs",
        f"BLEU of maximal orders 1 to 4 with brevity penalty (95 % interval of BLEU-4) and CIDEr-D on {split_of(captioners)}, five "
        "references; p of the paired bootstrap against the network named. The published figures are without penalty, on other pictures and "
        "features: for orientation.",
        ("network", "parameters", "beam", "pictures", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr-D", "without penalty", "paired p"),
        [row for name, card in captioners.items() for row in _rows(name, card)] + _published(captioners),
    )
    people = Table(
        "Captioners against four references",
        "The same BLEU against four of the five references, beside people: each caption against the other four.",
        ("network", "beam", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"),
        [row for name, card in captioners.items() for row in _against_four(name, card)],
    )
    views = Table(
        "Which map of the encoder to look at",
        "Best greedy BLEU-4 of short trainings of a smaller network on the first pictures of the training list, on part of dev; then, of "
        "trainings as long as the network's own, BLEU-4 after each epoch.",
        ("view", "regions", "channels", "pictures", "epochs", "BLEU-4"),
        _views(next((card["features"] for card in captioners.values() if card.get("features")), {})),
    )
    return [scores, people, views]


def _four(bleu: list[float]) -> list[str]:
    return [f"{score:.1f}" for score in bleu]


def _rows(name: str, card: Mapping[str, Any]) -> Iterator[list[str]]:
    for width, scores in card["scores"]["beams"].items():
        last = interval(scores["bleu"][3], scores["intervals"][3])
        plain = " / ".join(_four(scores["without_brevity_penalty"]))
        size = [code(name), f"{card['parameters']:,}", width, f"{scores['images']:,}"]
        yield [*size, *_four(scores["bleu"])[:3], last, f"{scores['cider_d']:.3f}", plain, paired(name, card)]


def _published(captioners: Cards) -> list[list[str]]:
    """What was published, once for each source."""
    published = {card["scores"]["published"]["source"]: card["scores"]["published"] for card in captioners.values()}
    return [[source, *[""] * 8, " / ".join(_four(scores["without_brevity_penalty"])), ""] for source, scores in published.items()]


def _against_four(name: str, card: Mapping[str, Any]) -> Iterator[list[str]]:
    for width, scores in card["scores"]["against_four"].items():
        who = [f"people, on the pictures of {code(name)}", ""] if width == "people" else [code(name), width]
        yield [*who, *_four(scores["bleu"])]


def _views(features: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for row in features.get("views", []):
        size = [row["view"], row["regions"], f"{row['channels']:,}", f"{features['pictures']:,}", f"{features['epochs']:g}"]
        rows.append([*size, f"{row['bleu_4']:.2f}"])
    whole = features.get("whole")
    for name, scores in ((whole["view"], whole["bleu_4"]), ("as it ships", whole["ships"])) if whole else ():
        rows.append([name, "", "", "all", f"{len(scores)}", ", ".join(f"{score:.2f}" for score in scores)])
    return rows
