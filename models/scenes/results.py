"""The scores of captioners of drawn scenes as a table: true captions, and where they look when they name a thing."""

from models.results import Cards, Table, code, split_of

LOOKS = {
    "attention": "attention",
    "centre": "centre",
    "brightest": "brightest spot",
    "another_word": "another word",
    "another_picture": "another picture",
}


def tables(cards: Cards) -> list[Table]:
    """True captions and the pointing game, by size of the thing."""
    return [
        Table(
            "Captioners of drawn scenes",
            f"On scenes of {split_of(cards)}: the share of captions that are true and of figures named rightly; then of the names said, "
            "how often the brightest region lies on the thing named, beside the centre of the picture, its brightest spot, the map of "
            "another word, and the map of the same word from another picture.",
            ("network", "parameters", "scenes", "true captions", "named rightly", "things", "names", *LOOKS.values()),
            [
                [
                    *(code(name), f"{card['parameters']:,}", f"{card['scores']['scenes']:,}"),
                    *(f"{card['scores'][key]:.3f}" for key in ("true_captions", "named_right")),
                    *(size, f"{shares['n']:,}"),
                    *(f"{shares[key]:.2f}" for key in LOOKS),
                ]
                for name, card in cards.items()
                for size, shares in card["scores"]["pointing"].items()
            ],
        )
    ]
