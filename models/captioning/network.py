"""The captioning network: an LSTM decoder over the regions of a picture, with soft attention or without."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.tap import Tap
from models.decoding import Step
from models.vocabulary.subwords import PAD, START

ATTENTIONS = ("none", "soft")


class Memory(NamedTuple):
    """The decoder's input from pictures, one row per picture."""

    regions: Tensor  # a_i, [batch, in, unit]
    keys: Tensor  # U a_i, [batch, in, key]
    whole: Tensor  # the mean of a_i, [batch, unit]


class Written(NamedTuple):
    """A decoder's steps under teacher forcing, zero where a caption has ended."""

    hidden: Tensor  # h_t, [batch, out, unit]
    context: Tensor  # z_t, [batch, out, unit]
    embedded: Tensor  # the scaled embedding E y_{t-1}, [batch, out, embedding]
    attention: Tensor | None  # alpha_t, [batch, out, in]


class Captioner(nn.Module):
    """Captioning network: logits of each next word, given the regions of a picture.

    Regions: a_i = relu(W_a f_i + b_a) for the encoder's features f_i; their mean is a.
    "soft": e_ti = v^T tanh(W h_{t-1} + U a_i); alpha_t = softmax over i of e_ti; beta_t = sigmoid(w_b h_{t-1} + b_b);
    z_t = beta_t * sum over i of alpha_ti a_i; h_0 = tanh(W_h a + b_h), c_0 = tanh(W_c a + b_c).
    "none": z_1 = a, and z_t = 0 at every later step; h_0 = c_0 = 0. The picture enters once: its part of the LSTM's
    input is the b_v of the paper, added to the gates at t = 1 only.
    Both: h_t, c_t = LSTM([E y_{t-1}; z_t], h_{t-1}, c_{t-1}); logits_t = E tanh(W_t [h_t; z_t; E y_{t-1}] + b_t) + b.
    E is shared by input and output. A word is embedded as E y sqrt(width of E), written E y above, because weights of the right
    size for logits are too small as inputs. alpha_t and beta_t are computed from h_{t-1}, before word t is chosen: they are
    the values used to choose it.

    Args:
        vocab_size: Number of words, special marks included.
        attention: "none" or "soft".
        cells: Number of regions of a picture.
        channels: Width of the encoder's features.
        units: Width of h_t and of a_i.
        embedding: Width of E.
        width: Width of the score's hidden layer.
        dropout: Dropout rate of f_i, a_i, E y and the output layer, in training only.

    Source: "soft": Xu et al., "Show, Attend and Tell", 2015, 3.1 and 4.2; "none": Karpathy and Fei-Fei, "Deep Visual-Semantic
    Alignments for Generating Image Descriptions", 2015, 3.2, with an LSTM. In both E is shared with the output layer, as in translation.
    """

    average: Tensor

    def __init__(
        self,
        vocab_size: int,
        attention: str,
        cells: int,
        channels: int,
        units: int = 512,
        embedding: int = 300,
        width: int = 256,
        dropout: float = 0.0,
    ):
        super().__init__()
        if attention not in ATTENTIONS:
            raise ValueError(f"attention is {attention!r}; expected one of {', '.join(ATTENTIONS)}.")
        self.register_buffer("average", torch.zeros(cells, channels))  # f_i of the mean training picture
        self.looks = attention == "soft"
        self.region = nn.Linear(channels, units)
        if self.looks:
            self.begin = nn.Linear(units, 2 * units)
            self.query = nn.Linear(units, width)
            self.key = nn.Linear(units, width, bias=False)
            self.weight = nn.Linear(width, 1, bias=False)
            self.gate = nn.Linear(units, 1)
        self.attention = Tap("attention", axes="batch in")
        self.visual_gate = Tap("visual_gate", axes="batch unit")
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.decoder = nn.LSTMCell(embedding + units, units)
        self.mixture = nn.Linear(units + units + embedding, embedding)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)  # logits start near 0

    def encode(self, features: Tensor) -> Memory:
        """The decoder's memory of pictures, from their features [batch, in, channel]."""
        regions = self.dropout(torch.relu(self.region(self.dropout(features))))
        return Memory(regions, self.key(regions) if self.looks else regions[..., :0], regions.mean(1))

    def start(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """The decoder's initial state h_0 and c_0, each [batch, unit]."""
        if self.looks:
            hidden, cell = torch.tanh(self.begin(memory.whole)).chunk(2, -1)
            return hidden, cell
        return torch.zeros_like(memory.whole), torch.zeros_like(memory.whole)

    def step(self, memory: Memory, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One decoder step.

        Args:
            memory: Encoded picture of each row.
            state: Decoder state of each row.
            token: The previous word, [batch].
            attention: Weights [batch, in] to use instead of the network's own.
        """
        embedded = self._read(token)
        hidden, cell, context, weights = self._advance(memory, state, (token, embedded), attention)
        return Step(self.read_out(hidden, context, embedded), (hidden, cell), weights)

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """Logits [batch, out, vocab] for the word after each of `target` [batch, out], which begins with the start mark.

        Args:
            features: The encoder's features, [batch, in, channel].
            target: Previous words; in training those of the reference (teacher forcing).
        """
        written = self.written(self.encode(features), target)
        return self.read_out(written.hidden, written.context, written.embedded)

    def written(self, memory: Memory, target: Tensor) -> Written:
        """All steps of given captions `target` [batch, out]; at each step only the rows up to the last unfinished one are computed.

        For a batch sorted by length, longest first, no padding is computed.
        """
        embedded = self.dropout(self._read(target))
        rows = torch.arange(1, len(target) + 1, device=target.device)[:, None]
        open_rows = ((target != PAD) * rows).amax(0).tolist()  # PAD is only ever at the end
        state, hiddens, contexts, looked = self.start(memory), [], [], []
        for at, count in enumerate(open_rows):
            part = Memory(*(table[:count] for table in memory))
            word = target[:count, at], embedded[:count, at]
            *state, context, weights = self._advance(part, tuple(table[:count] for table in state), word)
            missing = (0, 0, 0, len(target) - count)
            hiddens.append(functional.pad(state[0], missing))
            contexts.append(functional.pad(context, missing))
            looked += [functional.pad(weights, missing)] if weights is not None else []
        attention = torch.stack(looked, 1) if looked else None
        return Written(torch.stack(hiddens, 1), torch.stack(contexts, 1), embedded, attention)

    def read_out(self, hidden: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        """Logits [..., vocab] of h_t, z_t and E y_{t-1}."""
        mixed = self.dropout(torch.tanh(self.mixture(torch.cat([hidden, context, embedded], -1))))
        return functional.linear(mixed, self.embedding.weight, self.bias)

    def known(self, hidden: Tensor, embedded: Tensor) -> Tensor:
        """The attention query, [batch, known], from h_{t-1} and E y_{t-1}: here h_{t-1}, which has not read word t - 1 yet."""
        return hidden

    def _read(self, words: Tensor) -> Tensor:
        return self.embedding(words) * self.embedding.embedding_dim**0.5

    def _advance(
        self, memory: Memory, state: tuple[Tensor, ...], word: tuple[Tensor, Tensor], attention: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """h_t, c_t, z_t and alpha_t, from the previous state and the previous word, its id and E y_{t-1}."""
        token, embedded = word
        hidden, weights = state[0], None
        if self.looks:
            scores = self.weight(torch.tanh(self.query(self.known(hidden, embedded))[:, None] + memory.keys))[..., 0]
            weights = self.attention(scores.softmax(-1) if attention is None else attention)
            context = self.visual_gate(torch.sigmoid(self.gate(hidden))) * torch.bmm(weights[:, None], memory.regions)[:, 0]
        else:
            context = memory.whole * (token == START)[:, None]
        hidden, cell = self.decoder(torch.cat([embedded, context], -1), (hidden, state[1]))
        return hidden, cell, context, weights
