"""Result table of scene captioners: true captions and the pointing game."""

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
            f"On scenes of {split_of(cards)}: the share of true captions, and of named figures that are in the scene. Then the pointing "
            "game: how often the region with the largest attention lies on the named figure. Its baselines are the centre of the picture, "
            "its brightest spot, the map of another word, and the map of the same word from another picture.",
            ("network", "parameters", "scenes", "true captions", "named correctly", "size of the figure", "words", *LOOKS.values()),
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
