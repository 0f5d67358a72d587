"""A name classifier that also reads character n-grams: a teacher of the published networks, which read letters alone."""

import torch
from torch import Tensor, nn

from models.names.network import Classifier
from models.recurrent import CELLS

LENGTHS = (2, 3, 4, 5)  # letters of an n-gram
BUCKETS = 16_381  # vectors shared by all n-grams; a prime, so that the remainder of a division spreads n-grams evenly
WIDTH = 64  # width of a vector
SCALE = 0.05  # standard deviation of the initial vectors


class NgramClassifier(Classifier):
    """The same network with a second input at each letter: the sum of the vectors of the n-grams that end there.

    Args:
        vocab_size: Number of letters, the unknown mark included.
        classes: Number of labels.
        cell: "rnn", "lstm" or "gru".
        units: Width of the state.
        more: Dropout rates, as for Classifier.
    """

    def __init__(self, vocab_size: int, classes: int, cell: str, units: int = 128, **more: float):
        super().__init__(vocab_size, classes, cell, units, **more)
        self.vectors = nn.Embedding(BUCKETS, WIDTH)
        nn.init.normal_(self.vectors.weight, 0, SCALE)
        self.rnn = CELLS[cell](vocab_size + WIDTH, units, batch_first=True)

    def _inputs(self, ids: Tensor) -> Tensor:
        buckets = torch.stack([self._buckets(ids, length) for length in LENGTHS], -1)
        return torch.cat((super()._inputs(ids), self.vectors(buckets).sum(-2)), -1)

    def _buckets(self, ids: Tensor, length: int) -> Tensor:
        """The bucket of the n-gram that ends at each letter, [batch, time]; before a name there are marks."""
        mark = base = self.vocab_size
        n_grams = nn.functional.pad(ids, (length - 1, 0), value=mark).unfold(1, length, 1)
        powers = (base + 1) ** torch.arange(length, device=ids.device)
        return ((n_grams * powers).sum(-1) * len(LENGTHS) + length) % BUCKETS
