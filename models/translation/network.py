"""Translation: a recurrent encoder, a recurrent decoder, and what lies between them, by name."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from explorer.tap import Tap
from models.decoding import Step
from models.vocabulary.subwords import PAD


class Memory(NamedTuple):
    """What the encoder leaves for the decoder, one row a sentence."""

    states: Tensor  # h_j, [batch, in, unit]
    keys: Tensor  # what the score needs of them, worked out once, [batch, in, key]
    padding: Tensor  # True where there is no token, [batch, in]
    thought: Tensor  # [h_n forward; h_1 backward], [batch, unit]


class Additive(nn.Module):
    """e_ij = v^T tanh(W s_{i-1} + U h_j).

    Source: Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2015, A.1.2.
    """

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.query = nn.Linear(units, width)
        self.key = nn.Linear(units, width, bias=False)
        self.weight = nn.Linear(width, 1, bias=False)

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        return self.weight(torch.tanh(self.query(hidden)[:, None] + memory.keys))[..., 0]


class Bilinear(nn.Module):
    """e_ij = s_{i-1}^T W h_j / sqrt(units).

    Without the root the scores are so large that softmax picks one word for good within the first half epoch: no gradient
    then reaches W, and the network ends below one with equal weights.

    Source: Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation", 2015: their
    "general" score has this form, on the current state s_i; here it is on the state before, as in the additive one. The
    root: Vaswani et al., "Attention Is All You Need", 2017, 3.2.1.
    """

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Linear(units, units, bias=False)

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        return torch.bmm(memory.keys, hidden[..., None])[..., 0] / hidden.shape[1] ** 0.5


class Uniform(nn.Module):
    """e_ij = 0: every source token weighs the same, in training too.

    Source: Wiegreffe and Pinter, "Attention is not not Explanation", 2019: the baseline that no learnt weights should miss.
    """

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Identity()

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        return hidden.new_zeros(memory.padding.shape)


class DecoderOnly(nn.Module):
    """e_ij = w_j^T [E y_{i-1}; s_{i-1}] + b_j: a weight for the j-th column, whatever was read there. A fake, to look at.

    The table has COLUMNS rows w_j: a shorter source is weighed by the first of them, and what stands behind in a longer one
    gets no weight at all.

    Source: the attention of the PyTorch tutorial "Translation with a Sequence to Sequence Network and Attention", 2017-2023.
    """

    COLUMNS = 64

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Identity()
        self.table = nn.Linear(embedding + units, self.COLUMNS)

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        scores = self.table(torch.cat([embedded, hidden], -1))
        return nn.functional.pad(scores, (0, memory.padding.shape[1] - self.COLUMNS), value=-torch.inf)  # less than 0 cuts


SCORES = {"none": None, "additive": Additive, "bilinear": Bilinear, "uniform": Uniform, "decoder": DecoderOnly}


class Seq2Seq(nn.Module):
    """A sentence in, one row of logits for each next piece of its translation out.

    E is one matrix for both languages and for reading and writing; a piece x is read as E x sqrt(width of E), since what makes
    good logits is too small to read (below just E x).
    Encoder: h_j = [forward GRU; backward GRU] at source piece j, over E x_1 .. E x_n; x_n is the end mark.
    Between: alpha_ij = softmax over j of e_ij, the score that `attention` names; c_i = sum over j of alpha_ij h_j.
    With "none" c_i is the thought vector [h_n forward; h_1 backward] at every step, so that all have the same decoder.
    Decoder: s_0 = tanh(W_0 [h_n forward; h_1 backward] + b_0); s_i = GRU([E y_{i-1}; c_i], s_{i-1}).
    Read-out: t_i = tanh(W_t [s_i; c_i; E y_{i-1}] + b_t); logits_i = E t_i + b.

    alpha_i is worked out from s_{i-1}, before piece i is chosen: it is what was used to choose it.

    Args:
        vocab_size: Number of pieces, the marks included.
        attention: "none", "additive", "bilinear", "uniform" or "decoder".
        units: Width of s_i, and of h_j (half of it each direction).
        embedding: Width of E and of t_i.
        width: Of the additive score's hidden layer.
        dropout: Share of values dropped from embeddings, h_j and t_i, in training only.

    Source: Bahdanau, Cho and Bengio, 2015, appendix A, with a GRU as torch writes it and a tanh read-out in place of maxout;
    "none": Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014; E in three places: Press and
    Wolf, "Using the Output Embedding to Improve Language Models", 2017; its scale: Vaswani et al., "Attention Is All You
    Need", 2017, 3.4.
    """

    def __init__(self, vocab_size: int, attention: str, units: int = 320, embedding: int = 256, width: int = 192, dropout: float = 0.0):
        super().__init__()
        if attention not in SCORES:
            raise ValueError(f"attention is {attention!r}; expected one of {', '.join(SCORES)}.")
        if units % 2:
            raise ValueError(f"units is {units}; expected an even number, half for each direction of the encoder.")
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.encoder = nn.GRU(embedding, units // 2, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(units, units)
        score = SCORES[attention]
        self.score = score(units, width, embedding) if score else None
        self.attention = Tap("attention", axes="batch in")
        self.decoder = nn.GRUCell(embedding + units, units)
        self.mixture = nn.Linear(units + units + embedding, embedding)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)  # logits start near 0

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Memory:
        """Read sentences `source` [batch, in], padded to one length; `lengths` [batch] where they differ."""
        embedded = self.dropout(self._embedded(source))
        if lengths is None or bool((lengths == source.shape[1]).all()):
            states, last = self.encoder(embedded)
            padding = torch.zeros_like(source, dtype=torch.bool)
        else:
            packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
            read, last = self.encoder(packed)
            states, _ = pad_packed_sequence(read, batch_first=True, total_length=source.shape[1])
            padding = torch.arange(source.shape[1], device=source.device) >= lengths[:, None]
        states = self.dropout(states)
        keys = self.score.key(states) if self.score is not None else states
        return Memory(states, keys, padding, last.transpose(0, 1).flatten(1))

    def start(self, memory: Memory) -> tuple[Tensor]:
        """The decoder's state before the first piece: s_0, [batch, unit]."""
        return (torch.tanh(self.bridge(memory.thought)),)

    def step(self, memory: Memory, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One piece further.

        Args:
            memory, state: Of each row.
            token: The piece before, [batch].
            attention: Weights [batch, in] to use in place of the network's own.
        """
        embedded = self._embedded(token)
        hidden, context, weights = self._advance(memory, state[0], embedded, attention)
        return Step(self._logits(hidden, context, embedded), (hidden,), weights)

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits [batch, out, vocab] for the piece after each of `target` [batch, out], which starts with the start mark.

        Args:
            source: [batch, in], each with its end mark; `lengths` [batch] where they differ.
            target: What was written so far: the truth, in training ("teacher forcing").
        """
        memory = self.encode(source, lengths)
        (hidden,) = self.start(memory)
        embedded = self.dropout(self._embedded(target))
        hiddens, contexts = [], []
        for word in embedded.unbind(1):
            hidden, context, _ = self._advance(memory, hidden, word)
            hiddens.append(hidden)
            contexts.append(context)
        return self._logits(torch.stack(hiddens, 1), torch.stack(contexts, 1), embedded)

    def _embedded(self, numbers: Tensor) -> Tensor:
        return self.embedding(numbers) * self.embedding.embedding_dim**0.5

    def _advance(
        self, memory: Memory, hidden: Tensor, embedded: Tensor, attention: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """s_i, c_i and alpha_i from s_{i-1} and E y_{i-1}."""
        weights = None
        context = memory.thought
        if self.score is not None:
            own = self.score(hidden, embedded, memory).masked_fill(memory.padding, -torch.inf).softmax(-1)
            weights = self.attention(own if attention is None else attention)
            context = torch.bmm(weights[:, None], memory.states)[:, 0]
        return self.decoder(torch.cat([embedded, context], -1), hidden), context, weights

    def _logits(self, hidden: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        mixed = self.dropout(torch.tanh(self.mixture(torch.cat([hidden, context, embedded], -1))))
        return nn.functional.linear(mixed, self.embedding.weight, self.bias)


def batch_of(sentences: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Sentences of unlike lengths as one table [batch, in], padded, and their lengths [batch]."""
    rows = [torch.tensor(sentence, dtype=torch.long) for sentence in sentences]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD), torch.tensor([len(row) for row in rows])
