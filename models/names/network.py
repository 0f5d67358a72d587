"""The name classifier: a recurrent network that reads letter by letter and predicts the language after each letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from explorer.tap import Tap
from models.names.romanise import is_of_names, spelling
from models.recurrent import CELLS as LAYERS
from models.recurrent import read_with_fewer_weights
from models.vocabulary.characters import without_each

if TYPE_CHECKING:
    from models.checkpoint import Loaded

BATCH = 512  # names per batch
MOST_INSTEAD = 200  # tokens that are tried in the place of another; of a larger vocabulary, the unknown mark alone


class LinearRecurrence(nn.Module):
    """The cell of the tutorial: h_t = W x_t + U h_{t-1} + b, without tanh. Its state passes through a Tap, so it can be recorded."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.step = nn.Linear(inputs + units, units)
        self.units = units
        self.hidden = Tap("hidden", axes="batch unit")

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """States [batch, time, unit] for inputs `x` [batch, time, input], and the final state [1, batch, unit]."""
        h = x.new_zeros(len(x), self.units) if state is None else state[0]
        states = []
        for x_t in x.unbind(1):
            h = self.hidden(self.step(torch.cat((x_t, h), 1)))
            states.append(h)
        return torch.stack(states, 1), h[None]


CELLS = LAYERS | {"linear": LinearRecurrence}


class Classifier(nn.Module):
    """Name classifier: log probabilities of the classes after each letter; the prediction is that after the last letter.

    x_t is the one-hot vector of letter t; h_t = cell(x_t, h_{t-1}); log p_t = log softmax(W h_t + b).

    Args:
        vocab_size: Number of letters, the unknown mark included.
        classes: Number of labels.
        cell: "rnn" (tanh), "lstm", "gru", or "linear" (no tanh).
        units: Width of the state.
        dropout: Dropout rate of the state before the output layer, in training only.
        letters: Share of letters replaced by the unknown mark, in training only.
        recurrent: Dropout rate of the recurrent weights, fixed over a batch, in training only (Merity et al., 2018).

    Source: Robertson, "NLP From Scratch: Classifying Names with a Character-Level RNN", PyTorch tutorials, 2017.
    """

    def __init__(self, vocab_size: int, classes: int, cell: str, units: int = 128, dropout=0.0, letters=0.0, recurrent=0.0):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; expected one of {', '.join(CELLS)}.")
        if not (0 <= letters < 1 and 0 <= recurrent < 1):
            raise ValueError(f"letters is {letters} and recurrent {recurrent}; expected shares, 0 or more and less than 1.")
        if classes < 2:
            raise ValueError(f"classes is {classes}; expected at least 2.")
        if recurrent and cell == "linear":
            raise ValueError("recurrent is not 0; expected 0, because the linear cell has no separate recurrent weights. Leave it out.")
        self.vocab_size, self.letters, self.recurrent = vocab_size, letters, recurrent
        self.rnn = LinearRecurrence(vocab_size, units) if cell == "linear" else LAYERS[cell](vocab_size, units, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.readout = nn.Linear(units, classes)

    def forward(self, ids: Tensor, state=None) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Log probabilities [batch, time, class] after each of `ids` [batch, time], and the final state."""
        if self.training and self.letters:
            ids = ids.masked_fill(torch.rand(ids.shape, device=ids.device) < self.letters, 0)
        hidden, state = self._read(self._inputs(ids), state)
        return self.readout(self.dropout(hidden)).log_softmax(-1), state

    def _inputs(self, ids: Tensor) -> Tensor:
        return nn.functional.one_hot(ids, self.vocab_size).to(self.readout.weight.dtype)

    def _read(self, x: Tensor, state) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        if not (self.training and self.recurrent and isinstance(self.rnn, nn.RNNBase)):
            return self.rnn(x, state)
        return read_with_fewer_weights(self.rnn, self.recurrent, x, state)


def padded(encoded: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Names of different lengths as one tensor of ids [name, time], padded with 0, and their lengths [name]."""
    lengths = torch.tensor([len(tokens) for tokens in encoded])
    ids = torch.zeros(len(encoded), int(lengths.max()), dtype=torch.long)
    for row, tokens in zip(ids, encoded, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    return ids, lengths


def after_last(values: Tensor, lengths: Tensor) -> Tensor:
    """Values after the last letter of each name, [name, class], from values [name, time, class] and lengths [name]."""
    return values[torch.arange(len(values), device=values.device), lengths - 1]


def probabilities(loaded: "Loaded", texts: Sequence[str], progress: Callable[[int, int], None] = lambda done, total: None) -> np.ndarray:
    """A classifier's probabilities for many names, [name, class], computed in batches of similar length.

    Args:
        loaded: A classifier.
        texts: Names in any spelling; they are normalised for the network first.
        progress: Called with (done, total) names; may raise to stop.

    Raises:
        ValueError: a text has no letter; `models.names.romanise.spelling` gives what the network reads.
    """
    return _answers(loaded, [_encoded(loaded, text) for text in texts], progress)


def _answers(loaded: "Loaded", encoded: Sequence[list[int]], progress: Callable[[int, int], None] = lambda done, total: None) -> np.ndarray:
    """Probabilities [name, class] for names given as letter ids."""
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    answers = np.zeros((len(encoded), len(loaded.card["labels"])), np.float32)
    for at in range(0, len(order), BATCH):
        progress(at, len(order))
        part = order[at : at + BATCH]
        ids, lengths = padded([encoded[index] for index in part])
        with torch.inference_mode():
            answers[part] = after_last(loaded.module(ids)[0], lengths).exp().numpy()
    progress(len(order), len(order))
    return answers


def after_each_letter(loaded: "Loaded", text: str) -> np.ndarray:
    """Probabilities [letter, class] after each letter of a name, as if the name ended there.

    Raises:
        ValueError: the text has no letter.
    """
    with torch.inference_mode():
        return loaded.module(torch.tensor([_encoded(loaded, text)]))[0][0].exp().numpy()


def letters(loaded: "Loaded", text: str) -> tuple[str, ...]:
    """What a classifier reads: the letters of a romanised name; a classifier found in a file reads a text as it is, by its tokens."""
    return tuple(spelling(text)) if is_of_names(loaded.card) else tuple(loaded.vocab.split(text))


def _encoded(loaded: "Loaded", text: str) -> list[int]:
    encoded = loaded.vocab.encode(spelling(text) if is_of_names(loaded.card) else text)
    if not encoded:
        expected = "no letter that can be romanised; expected a name" if is_of_names(loaded.card) else "nothing that the network could read"
        raise ValueError(f"{text!r} has {expected}.")
    return encoded


@dataclass(frozen=True, eq=False)
class LetterEffects:
    """Effect of each letter of a name on the prediction, which is class `answer` with probability `p` for the unchanged name.

    Args:
        letters: The letters as read, [letter]: a string, or a tuple of words.
        without: Probability of `answer` with the letter deleted, [letter]; nan if no letter would remain.
        instead: Predicted class with the letter deleted, [letter]; -1 if no letter would remain.
        other: The replacement of the letter that lowers the probability of `answer` most, [letter].
        changed: Probability of `answer` with that replacement, [letter].
        becomes: Predicted class with that replacement, [letter].
    """

    letters: Sequence[str]
    answer: int
    p: float
    without: np.ndarray
    instead: np.ndarray
    other: Sequence[str]
    changed: np.ndarray
    becomes: np.ndarray


def letter_effects(loaded: "Loaded", text: str) -> LetterEffects:
    """Effect on the prediction of deleting each letter of a name, and of replacing it by every other letter.

    Raises:
        ValueError: the text has no letter.
    """
    ids = _encoded(loaded, text)
    n, others = len(ids), [index for index, token in enumerate(loaded.vocab.tokens) if token.isalpha()]
    others = others if 0 < len(others) <= MOST_INSTEAD else [0]
    together = loaded.vocab.decode if loaded.vocab.is_of_characters else lambda ids: tuple(loaded.vocab.tokens[index] for index in ids)
    shorter = without_each(ids) if n > 1 else []
    replaced = [[*ids[:at], new, *ids[at + 1 :]] for at in range(n) for new in others]
    p = _answers(loaded, [ids, *shorter, *replaced])
    best, gone, swapped = int(p[0].argmax()), p[1 : 1 + len(shorter)], p[1 + len(shorter) :].reshape(n, len(others), -1)
    is_itself = np.array(others) == np.array(ids)[:, None]
    worst = np.where(is_itself, np.inf, swapped[..., best]).argmin(1)
    return LetterEffects(
        letters=together(ids),
        answer=best,
        p=float(p[0, best]),
        without=gone[:, best] if n > 1 else np.full(1, np.nan, np.float32),
        instead=gone.argmax(1) if n > 1 else np.full(1, -1),
        other=together([others[index] for index in worst]),
        changed=swapped[np.arange(n), worst, best],
        becomes=swapped[np.arange(n), worst].argmax(1),
    )
