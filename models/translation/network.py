"""The translation network: a recurrent encoder, a recurrent decoder, and a choice of attention between them."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from explorer.tap import Tap
from models.decoding import Step
from models.vocabulary.subwords import PAD


class Memory(NamedTuple):
    """The encoder's output for the decoder, one row per sentence."""

    states: Tensor  # h_j, [batch, in, unit]
    keys: Tensor  # projection of the states for the score, computed once, [batch, in, key]
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

    Without the square root the scores become so large that softmax saturates on one word within the first half epoch. Then
    no gradient reaches W, and the network ends up worse than one with uniform weights.

    Source: Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation", 2015: their
    "general" score has this form, on the current state s_i; here it uses the previous state, like the additive score. Square
    root: Vaswani et al., "Attention Is All You Need", 2017, 3.2.1.
    """

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Linear(units, units, bias=False)

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        return torch.bmm(memory.keys, hidden[..., None])[..., 0] / hidden.shape[1] ** 0.5


class Uniform(nn.Module):
    """e_ij = 0: uniform weights on all source tokens, in training too.

    Source: Wiegreffe and Pinter, "Attention is not not Explanation", 2019: the baseline that learnt weights should beat.
    """

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Identity()

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        return hidden.new_zeros(memory.padding.shape)


class DecoderOnly(nn.Module):
    """e_ij = w_j^T [E y_{i-1}; s_{i-1}] + b_j: the score of column j does not depend on the source token there. A fake attention.

    There are COLUMNS vectors w_j: a shorter source uses the first of them, and tokens of a longer source beyond them get no
    weight.

    Source: the attention of the PyTorch tutorial "Translation with a Sequence to Sequence Network and Attention", 2017-2023.
    """

    COLUMNS = 64

    def __init__(self, units: int, width: int, embedding: int):
        super().__init__()
        self.key = nn.Identity()
        self.table = nn.Linear(embedding + units, self.COLUMNS)

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        scores = self.table(torch.cat([embedded, hidden], -1))
        return nn.functional.pad(scores, (0, memory.padding.shape[1] - self.COLUMNS), value=-torch.inf)  # a negative width truncates


SCORES = {"none": None, "additive": Additive, "bilinear": Bilinear, "uniform": Uniform, "decoder": DecoderOnly}


class Seq2Seq(nn.Module):
    """Encoder-decoder translation network: logits for each next subword of the translation of a source sentence.

    E is one matrix for both languages and for input and output embeddings. A subword x is embedded as E x sqrt(width of E),
    because weights of the right size for logits are too small as inputs (the scale is not written below).

    Encoder: h_j = [forward GRU; backward GRU] at source subword j, over E x_1 .. E x_n; x_n is the end mark.
    Attention: alpha_ij = softmax over j of e_ij, the score named by `attention`; c_i = sum over j of alpha_ij h_j.
    With "none" c_i is the thought vector [h_n forward; h_1 backward] at every step, so that all networks have the same decoder.
    Decoder: s_0 = tanh(W_0 [h_n forward; h_1 backward] + b_0); s_i = GRU([E y_{i-1}; c_i], s_{i-1}).
    Output: t_i = tanh(W_t [s_i; c_i; E y_{i-1}] + b_t); logits_i = E t_i + b.

    alpha_i is computed from s_{i-1}, before subword i is chosen: it is the attention used to choose it.

    Args:
        vocab_size: Number of subwords, special marks included.
        attention: "none", "additive", "bilinear", "uniform" or "decoder".
        units: Width of s_i and of h_j (half of it for each direction).
        embedding: Width of E and of t_i.
        width: Width of the additive score's hidden layer.
        dropout: Dropout rate of embeddings, h_j and t_i, in training only.

    Source: Bahdanau, Cho and Bengio, 2015, appendix A, with the GRU of torch and a tanh output layer instead of maxout;
    "none": Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014; shared E: Press and
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
        """Encodes sentences `source` [batch, in], padded to one length; `lengths` [batch] if they differ."""
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
        """The decoder's initial state s_0, [batch, unit]."""
        return (torch.tanh(self.bridge(memory.thought)),)

    def step(self, memory: Memory, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One decoder step.

        Args:
            memory: Encoder output of each row.
            state: Decoder state of each row.
            token: The previous subword, [batch].
            attention: Weights [batch, in] to use instead of the network's own.
        """
        embedded = self._embedded(token)
        hidden, context, weights = self._advance(memory, state[0], embedded, attention)
        return Step(self._logits(hidden, context, embedded), (hidden,), weights)

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits [batch, out, vocab] for the subword after each of `target` [batch, out], which begins with the start mark.

        Args:
            source: Subword ids, [batch, in], each row with its end mark.
            target: Previous subwords; in training those of the reference (teacher forcing).
            lengths: Source lengths, [batch], if they differ.
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
    """Sentences of different lengths as one padded tensor [batch, in], and their lengths [batch]."""
    rows = [torch.tensor(sentence, dtype=torch.long) for sentence in sentences]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD), torch.tensor([len(row) for row in rows])
