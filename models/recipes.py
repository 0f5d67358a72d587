"""What is trained and how: one literal table, read by the command line and by the order of the pickers."""

from typing import Any

from explorer.errors import ExplorerError


class TrainingError(ExplorerError):
    """A training that cannot start or go on."""


def recipe(name: str) -> dict[str, Any]:
    """What is trained under a name.

    Raises:
        TrainingError: there is no such recipe; the message lists those there are.
    """
    if name not in RECIPES:
        raise TrainingError(f"There is no recipe called {name!r}. Known: {', '.join(RECIPES)}.")
    return RECIPES[name]


# kind: a key of models.checkpoint.KINDS. corpus: a key of CORPORA in models.corpora or models.names.data. arguments: of the
# network. view: of models.captioning.encoder.VIEWS. at_least: times a word is used to be known. mirrored: whether pictures are
# learnt from turned round too. recipe: of models.training.Recipe. loss: of a classifier or captioner, see models.names.training.job
# and models.captioning.losses. then: a second training, of captions drawn by the network itself. samples: how many of each picture.
RECIPES: dict[str, dict] = {
    "wiki-lstm": {
        "kind": "char_lm",
        "corpus": "wiki",
        "arguments": {"cell": "lstm", "layers": 2, "units": 384, "embedding": 64, "dropout": 0.1},
        "recipe": {"epochs": 4, "learning_rate": 4e-3},
    },
    "wiki-gru": {
        "kind": "char_lm",
        "corpus": "wiki",
        "arguments": {"cell": "gru", "layers": 2, "units": 384, "embedding": 64, "dropout": 0.1},
        "recipe": {"epochs": 5, "learning_rate": 1.5e-3},
    },
    "wiki-rnn": {
        "kind": "char_lm",
        "corpus": "wiki",
        "arguments": {"cell": "rnn", "layers": 2, "units": 384, "embedding": 64, "dropout": 0.0},
        "recipe": {"epochs": 4, "learning_rate": 1.2e-3},
    },
    "linux-lstm": {
        "kind": "char_lm",
        "corpus": "linux",
        "arguments": {"cell": "lstm", "layers": 2, "units": 320, "embedding": 32, "dropout": 0.1},
        "recipe": {"epochs": 3, "learning_rate": 4e-3},
    },
    **{
        f"{direction}-{attention}": {
            "kind": "seq2seq",
            "corpus": "tatoeba",
            "direction": direction,
            "arguments": {"attention": attention, "units": 320, "embedding": 256, "width": 192, "dropout": 0.1},
            "smoothing": 0.1,
            "recipe": {"epochs": 4, "batch": 128, "learning_rate": 2e-3},
        }
        for direction, attention in (
            ("en-fr", "additive"),
            ("en-fr", "none"),
            ("en-fr", "bilinear"),
            ("en-fr", "uniform"),
            ("fr-en", "additive"),
        )
    },
    "en-fr-fake": {  # attention that never looks at the source, to be seen beside the real one
        "kind": "seq2seq",
        "corpus": "tatoeba",
        "direction": "en-fr",
        "arguments": {"attention": "decoder", "units": 192, "embedding": 128, "dropout": 0.1},
        "smoothing": 0.1,
        "recipe": {"epochs": 2, "batch": 128, "learning_rate": 2e-3},
    },
    **{
        f"caption-{attention}": {
            "kind": "captioner",
            "corpus": "flickr8k",
            "view": "late",
            "arguments": {"attention": attention, "units": 512, "embedding": 300, "width": 256, "dropout": 0.4},
            "at_least": 5,
            "mirrored": True,
            "loss": {"smoothing": 0.1, "coverage": 1.0},
            "recipe": {"epochs": 16, "batch": 32, "learning_rate": 1e-3, "clip": 5.0, "checks": 1, "patience": 16},
            "then": {"epochs": 5, "batch": 32, "learning_rate": 1e-4, "clip": 5.0, "checks": 2, "patience": 10},
            "samples": 5,
        }
        for attention in ("soft", "none")
    },
    **{
        name: {
            "kind": "scenes",
            "corpus": "scenes",
            "arguments": {"attention": "soft", "units": 128, "embedding": 64, "width": 64},
            "loss": {"smoothing": 0.0, "coverage": 0.0},
            "recipe": {"epochs": 20, "batch": 32, "learning_rate": 2e-3, "checks": 1, "patience": 20, "seed": seed},
        }
        for name, seed in (("scenes-soft", 2), ("scenes-soft-2", 1), ("scenes-soft-3", 3))  # the best of three on dev ships
    },
    "shakespeare-lstm": {
        "kind": "char_lm",
        "corpus": "shakespeare",
        "arguments": {"cell": "lstm", "layers": 2, "units": 256, "embedding": 32, "dropout": 0.3},
        "recipe": {"epochs": 24, "steps": 128, "learning_rate": 3e-3, "checks": 1},
    },
    **{
        name: {
            "kind": "classifier",
            "corpus": name.split("-")[0],
            "arguments": {"cell": cell, "units": units, "dropout": 0.2, "letters": 0.02, "recurrent": 0.1},
            "loss": {"letters": 0.2, "weighting": 0.5, "recombined": 150_000},
            "recipe": {"epochs": 14, "batch": 64, "learning_rate": rate, "decay": 0.01, "checks": 1},
        }
        for name, cell, units, rate in (
            ("names-gru", "gru", 256, 4e-3),
            ("names-lstm", "lstm", 192, 4e-3),
            ("names-rnn", "rnn", 256, 1e-3),
            ("names18-gru", "gru", 256, 4e-3),
        )
    },
}
