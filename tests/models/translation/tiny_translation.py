"""A very small translation network, with random weights, its vocabulary, and a made-up pair of languages."""

import random

import torch

from models import checkpoint
from models.checkpoint import Loaded
from models.translation.network import Seq2Seq
from models.vocabulary.subwords import Subwords
from tests.models.tiny import sharpen

WORDS = {"red": "rouge", "blue": "bleu", "cat": "chat", "dog": "chien", "two": "deux", "the": "le", "eats": "mange", "sees": "voit"}


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Distinct pairs of two made-up languages, the second a word-for-word translation."""
    drawn, pairs = random.Random(seed), {}
    while len(pairs) < count:
        words = drawn.choices(list(WORDS), k=drawn.randint(1, 7))
        pairs[" ".join(words) + "."] = " ".join(WORDS[word] for word in words) + " ."
    return list(pairs.items())


def vocabulary(size: int = 320) -> Subwords:
    return Subwords.learn([sentence for pair in sentences(200) for sentence in pair], size)


def network(attention: str = "additive", vocab_size: int = 7, seed: int = 0, units: int = 6) -> Seq2Seq:
    """Far from uniform everywhere, so that a mistake shows."""
    torch.manual_seed(seed)
    module = Seq2Seq(vocab_size, attention, units, embedding=5, width=4)
    sharpen(module)
    return module.eval().requires_grad_(False)


def tiny_translator(attention: str = "additive", seed: int = 0) -> Loaded:
    pieces = vocabulary()
    module = network(attention, len(pieces), seed)
    arguments = {"vocab_size": len(pieces), "attention": attention, "units": 6, "embedding": 5, "width": 4}
    card = {"kind": "seq2seq", "direction": "en-fr", "arguments": arguments, "parameters": 1} | pieces.card()
    return Loaded("tiny", module, pieces, card)


def save_tiny_translator(path, **arguments) -> Loaded:
    loaded = tiny_translator(**arguments)
    checkpoint.save(loaded.module, loaded.card, path)
    return loaded


def names(*rows) -> list[list[str]]:
    """Numbers as the words that a record wants."""
    return [[str(token) for token in row] for row in rows]
