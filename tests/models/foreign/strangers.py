"""Networks as other people write and save them: the witnesses of these tests. Nothing of the project is used here."""

import io
import string

import numpy as np
import torch
from torch import nn

LETTERS = string.ascii_lowercase + " .,;'"  # 31 tokens
TEXT = "the cat sat on the mat, and the dog looked at it; 'no.'"


class CharRNN(nn.Module):
    """As in many tutorials: encoder, recurrent layers, decoder."""

    def __init__(self, kind: str = "GRU", layers: int = 2, units: int = 12, tokens: int = len(LETTERS), width: int = 7, **more):
        super().__init__()
        self.encoder = nn.Embedding(tokens, width)
        self.rnn = getattr(nn, kind)(width, units, layers, batch_first=True, **more)
        self.decoder = nn.Linear(more.get("proj_size", units), tokens)

    def forward(self, ids):
        return self.decoder(self.rnn(self.encoder(ids))[0])


class OneHot(nn.Module):
    """One-hot characters into an LSTM, and a linear layer called fc."""

    def __init__(self, tokens: int = len(LETTERS)):
        super().__init__()
        self.tokens = tokens
        self.lstm = nn.LSTM(tokens, 9, 2, dropout=0.5, batch_first=True)
        self.fc = nn.Linear(9, tokens)

    def forward(self, ids):
        return self.fc(self.lstm(nn.functional.one_hot(ids, self.tokens).float())[0])


class TwoWidths(nn.Module):
    """Two recurrent layers of different widths, and two output layers."""

    def __init__(self, tokens: int = len(LETTERS)):
        super().__init__()
        self.embedding = nn.Embedding(tokens, 6)
        self.lstm1 = nn.LSTM(6, 10, batch_first=True)
        self.lstm2 = nn.LSTM(10, 8, batch_first=True)
        self.fc1, self.fc2 = nn.Linear(8, 14), nn.Linear(14, tokens)

    def forward(self, ids):
        return self.fc2(self.fc1(self.lstm2(self.lstm1(self.embedding(ids))[0])[0]).relu())


class Tagger(nn.Module):
    """A tag for each character, read in both directions."""

    def __init__(self, tokens: int = len(LETTERS)):
        super().__init__()
        self.embed = nn.Embedding(tokens, 6)
        self.lstm = nn.LSTM(6, 9, 2, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(18, 4)


class Cells(nn.Module):
    """A list of cells of one width, and output weights tied to the embedding."""

    def __init__(self, tokens: int = len(LETTERS), width: int = 8):
        super().__init__()
        self.emb = nn.Embedding(tokens, width)
        self.cells = nn.ModuleList(nn.GRUCell(width, width) for _ in range(3))

    def forward(self, ids):
        states, out = [None] * len(self.cells), []
        for x in self.emb(ids).unbind(1):
            for index, cell in enumerate(self.cells):
                x = states[index] = cell(x, states[index])
            out.append(x @ self.emb.weight.T)
        return torch.stack(out, 1)


def saved(value) -> bytes:
    """The bytes that torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def npz(**arrays) -> bytes:
    """The bytes that numpy.savez writes."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def min_char_rnn(tokens: int = len(LETTERS), units: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights with the names of Karpathy's min-char-rnn."""
    draw = np.random.default_rng(seed).normal(0, 0.3, (5, units, max(tokens, units)))
    shapes = {"Wxh": (units, tokens), "Whh": (units, units), "bh": (units, 1)}
    weights = {name: draw[index][: shape[0], : shape[1]] for index, (name, shape) in enumerate(shapes.items())}
    return weights | {"Why": draw[3][:, :tokens].T, "by": draw[4][:1, :tokens].T}


def logits_of_min_char_rnn(weights: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """Its equations, written out, [time, token]."""
    hidden, out = np.zeros_like(weights["bh"]), []
    for index in ids:
        x = np.zeros((weights["Wxh"].shape[1], 1))
        x[index] = 1
        hidden = np.tanh(weights["Wxh"] @ x + weights["Whh"] @ hidden + weights["bh"])
        out.append((weights["Why"] @ hidden + weights["by"])[:, 0])
    return np.array(out)
