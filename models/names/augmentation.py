"""Data augmentation for name classifiers: recombined names with soft targets from n-grams, or from an ensemble.

A third of the held-out names share their first five letters with a training name of their language. N-grams memorise these
stems, but a small network trained on the lists alone does not: its accuracy on such names is 0.87, that of the n-grams 0.91.
With this augmentation the network reaches 0.91 too (names-gru). It is also trained on recombined names, made of the beginning
of one name and the end of another, with the probabilities of an n-gram classifier as targets. This is knowledge distillation
with unlimited inputs (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015). Networks trained in this
way and the n-grams make different errors, so their ensemble is a better teacher than either.
"""

from collections.abc import Sequence

import numpy as np

from models.names.baselines import ngram_answers
from models.names.data import Names, is_held_out

SHORTEST, LONGEST = 3, 25  # letters of a recombined name
TRIES = 50  # attempts per requested name; short lists may give fewer names
SMALLEST = 1e-7  # lower limit of a probability in an ensemble, so that no member can rule a class out


def recombined(train: Names, count: int, seed: int) -> tuple[str, ...]:
    """Distinct names that are not in `train` and not held out, each joined from two names of one language at a common letter.

    Args:
        train: Source of the parts; languages are chosen in proportion to their number of names.
        count: Number of names; the result has fewer if the lists are too short.
        seed: Random seed.
    """
    rng, known = np.random.default_rng(seed), set(train.texts)
    parts = [[train.texts[row] for row in np.flatnonzero(train.targets == language)] for language in range(len(train.labels))]
    made: dict[str, None] = {}
    for _ in range(TRIES * count):
        if len(made) == count:
            break
        of = parts[int(train.targets[rng.integers(len(train))])]
        first, second = (of[index] for index in rng.integers(len(of), size=2))
        text = _joined(first, second, rng)
        if text and text not in known and not is_held_out(text):
            made[text] = None
    return tuple(made)


def _joined(first: str, second: str, rng: np.random.Generator) -> str:
    """The beginning of the first and the end of the second name, joined at a common letter; "" if there is none."""
    if min(len(first), len(second)) < SHORTEST:
        return ""
    start = int(rng.integers(1, len(first)))
    places = [cut for cut in range(1, len(second)) if second[cut - 1] == first[start - 1]]
    text = first[:start] + second[places[int(rng.integers(len(places)))] :] if places else ""
    return text if SHORTEST <= len(text) <= LONGEST else ""


def distillation_targets(train: Names, count: int, seed: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Recombined names and their probabilities under the n-gram classifier of the training names, [name, class]."""
    texts = recombined(train, count, seed)
    return texts, ngram_answers(train, texts).astype(np.float32)


def ensemble(members: Sequence[np.ndarray]) -> np.ndarray:
    """The geometric mean of the probabilities [name, class] of several classifiers, scaled to sum to 1."""
    logs = sum(np.log(np.maximum(p, SMALLEST)) for p in members) / len(members)
    mean = np.exp(logs)
    return (mean / mean.sum(1, keepdims=True)).astype(np.float32)
