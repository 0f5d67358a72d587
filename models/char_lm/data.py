"""Training texts of character networks: their vocabulary and their description in cards."""

from typing import Any

from models import corpora
from models.corpora import origin, sha256, split
from models.vocabulary.characters import Vocabulary

find, fetch, summary, read = corpora.find, corpora.fetch, corpora.summary, corpora.read_text
AT_LEAST = 5  # minimum count of a character in the vocabulary


def vocabulary(train: str) -> Vocabulary:
    """The characters of a training text that occur often enough to be learnt."""
    return Vocabulary.of_text(train, AT_LEAST)


def data_card(corpus: str, text: str) -> dict[str, Any]:
    """The "data" field of a card: origin, split and size of the training text."""
    train, dev = split(corpus, text)
    cut = "first part for training, the rest for dev; cut at the boundary (page, source file, speech) nearest to 95 %"
    sizes = {"train_characters": len(train), "dev_characters": len(dev), "bytes": len(text.encode()), "sha256": sha256(text)}
    return origin(corpus) | {"split": cut, "unknown_in_dev": vocabulary(train).unknown(dev)} | sizes
