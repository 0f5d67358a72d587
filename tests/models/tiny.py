"""A very small character network, with random weights, and the card of one."""

import torch

from models import checkpoint
from models.char_lm.network import CharLM
from models.checkpoint import Loaded
from models.vocabulary.characters import UNKNOWN, Vocabulary

LETTERS = "\n abcdefgh[]"


def sharpen(module: torch.nn.Module) -> None:
    """Make the weights larger and the biases random, so that a mistake shows in what the network does; they survive being stored."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.mul_(3)
            if name == "bias":
                parameter.normal_()
            parameter.copy_(parameter.half().float())


def tiny(cell: str = "lstm", layers: int = 2, units: int = 6, embedding: int = 4, seed: int = 0) -> Loaded:
    vocab = Vocabulary((UNKNOWN, *sorted(LETTERS)))
    arguments = {"vocab_size": len(vocab), "cell": cell, "layers": layers, "units": units, "embedding": embedding, "dropout": 0.0}
    torch.manual_seed(seed)
    module = CharLM(**arguments)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(3)  # far from the uniform distribution, so that a mistake shows
            parameter.copy_(parameter.half().float())  # survives being stored
    card = {"kind": "char_lm", "arguments": arguments, "vocabulary": list(vocab.tokens), "data": {"corpus": "wiki"}, "parameters": 1}
    return Loaded("tiny", module.eval().requires_grad_(False), vocab, card)


def save_tiny(path, **arguments) -> Loaded:
    loaded = tiny(**arguments)
    checkpoint.save(loaded.module, loaded.card, path)
    return loaded
