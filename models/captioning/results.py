"""Result tables of photograph captioners: BLEU and CIDEr-D, a comparison with human captions, and one of encoder feature maps."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.results import Cards, Table, code, interval, paired, split_of


def tables(cards: Cards) -> list[Table]:
    """Tables of scores, of scores against four references with human captions, and of encoder feature maps."""
    captioners = {name: card for name, card in cards.items() if "beams" in card["scores"]}
    scores = Table(
        "Captioners of photographs",
        f"BLEU-1 to BLEU-4 with brevity penalty (BLEU-4 with its interval) and CIDEr-D on {split_of(captioners)}, five references "
        "per picture; then BLEU-1 to BLEU-4 without the penalty, and the p-value of a paired bootstrap against the named network. The "
        "published figures have no brevity penalty and are for other pictures and features: they are only a rough guide.",
        ("network", "parameters", "beam", "pictures", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr-D", "without penalty", "p-value"),
        [row for name, card in captioners.items() for row in _rows(name, card)] + _published(captioners),
    )
    people = Table(
        "Captioners against four references",
        "The same BLEU against four of the five references. Human captions are scored in the same way, each against the other four.",
        ("network", "beam", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"),
        [row for name, card in captioners.items() for row in _against_four(name, card)],
    )
    views = Table(
        "Feature maps of the encoder",
        "How well a captioner does with each feature map of the encoder, by greedy BLEU-4 on dev. With one score: the best of a short "
        "training of a smaller network on the first pictures of the training list, on part of dev. With several: after each epoch of a "
        "training of full size on all pictures.",
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
    """Published scores, one row per source."""
    published = {card["scores"]["published"]["source"]: card["scores"]["published"] for card in captioners.values()}
    return [[source, *[""] * 8, " / ".join(_four(scores["without_brevity_penalty"])), ""] for source, scores in published.items()]


def _against_four(name: str, card: Mapping[str, Any]) -> Iterator[list[str]]:
    for width, scores in card["scores"]["against_four"].items():
        who = [f"human captions, on the pictures of {code(name)}", ""] if width == "people" else [code(name), width]
        yield [*who, *_four(scores["bleu"])]


def _views(features: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for row in features.get("views", []):
        size = [row["view"], row["regions"], f"{row['channels']:,}", f"{features['pictures']:,}", f"{features['epochs']:g}"]
        rows.append([*size, f"{row['bleu_4']:.2f}"])
    whole = features.get("whole")
    for name, scores in ((whole["view"], whole["bleu_4"]), ("published network", whole["ships"])) if whole else ():
        rows.append([name, "", "", "all", f"{len(scores)}", ", ".join(f"{score:.2f}" for score in scores)])
    return rows
