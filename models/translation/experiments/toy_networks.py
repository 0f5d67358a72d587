"""Translation networks for toy languages whose attention is known to be real, or fake in a known way."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.decoding import Step
from models.training import Recipe
from models.translation.experiments.toy_languages import Example
from models.translation.network import Memory, Seq2Seq
from models.translation.training import examples_of, job
from models.vocabulary.subwords import Subwords

LONGEST = 16  # rows and columns of the score tables of fake attentions
SIZE = {"units": 32, "embedding": 32, "width": 32}
RATE = 2e-2


class Counting(nn.Module, ABC):
    """A score function that counts decoder steps; the network's `start` resets the count to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.at = nn.Identity(), 0

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        row = self.row(min(self.at, LONGEST - 1), memory)
        self.at += 1
        return row.expand(memory.padding.shape)

    @abstractmethod
    def row(self, at: int, memory: Memory) -> Tensor:
        """Scores e_ij at output step `at`, [in]."""


class PositionOnly(Counting):
    """e_ij = T_ij, a learnt table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(LONGEST, LONGEST))

    def row(self, at: int, memory: Memory) -> Tensor:
        """Row `at` of the table, [in]."""
        return self.table[at, : memory.padding.shape[1]]


class SameRow(PositionOnly):
    """e_ij = T_j, learnt from an initial value far from uniform."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LONGEST, LONGEST) * 3)

    def row(self, at: int, memory: Memory) -> Tensor:
        """Its only row, [in]."""
        return super().row(0, memory)


class RandomButFixed(PositionOnly):
    """e_ij = T_ij, a random table that is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LONGEST, LONGEST) * 3, requires_grad=False)


class AllOnEnd(Counting):
    """All weight on the end mark, the last column before the padding."""

    def row(self, at: int, memory: Memory) -> Tensor:
        """Scores that select the last column, [batch, in]."""
        last = (~memory.padding).sum(1, keepdim=True) - 1
        return torch.where(torch.arange(memory.padding.shape[1]) == last, 0.0, -torch.inf)


class Faked(Seq2Seq):
    """A translation network with a given score function."""

    def __init__(self, vocab_size: int, score: Counting):
        super().__init__(vocab_size, "uniform", **SIZE)
        self.score = score

    def start(self, memory: Memory) -> tuple[Tensor]:
        """The initial state of the decoder; resets the step count to 0."""
        self.score.at = 0
        return super().start(memory)


class Both(NamedTuple):
    """Output of two encoders: that of the attending network, with the fields of `Memory`, and that of the writing network."""

    states: Tensor
    keys: Tensor
    padding: Tensor
    thought: Tensor
    of_writer: Memory


class ThrownAway(Seq2Seq):
    """The real attention of one trained network with the output of another that has none: attention without effect.

    The first network runs in parallel, so its attention is unchanged; the output comes from the second network alone.
    """

    def __init__(self, real: Seq2Seq, writer: Seq2Seq):
        super().__init__(len(real.bias), "additive", **SIZE)
        self.load_state_dict(real.state_dict())
        self.writer = writer

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Any:
        """Output of both encoders."""
        return Both(*super().encode(source, lengths), self.writer.encode(source, lengths))

    def start(self, memory: Any) -> tuple[Tensor, ...]:
        """The initial states of both decoders."""
        return (*super().start(memory), *self.writer.start(memory.of_writer))

    def step(self, memory: Any, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One step of both: the attention of the first network, the logits of the second."""
        looked = super().step(memory, state[:1], token, attention)
        written = self.writer.step(memory.of_writer, state[1:], token)
        return Step(written.logits, (*looked.state, *written.state), looked.attention)


FAKES: dict[str, Callable[[], Counting]] = {
    "position only": PositionOnly,
    "same row": SameRow,
    "random but fixed": RandomButFixed,
    "all on the end mark": AllOnEnd,
}


def network(attention: str, size: int) -> Seq2Seq:
    """An untrained network with an attention of `models.translation.network.SCORES` or of FAKES."""
    return Faked(size, FAKES[attention]()) if attention in FAKES else Seq2Seq(size, attention, **SIZE)


def trained(attention: str, examples: list[Example], pieces: Subwords, seed: int, updates: int = 180) -> Seq2Seq:
    """A network trained on a toy language, in eval mode; takes seconds."""
    torch.manual_seed(seed)
    module = network(attention, len(pieces))
    module.embedding.weight.data *= 2  # so that few updates are enough
    learning = job(
        module, examples_of(pieces, [example.pair for example in examples]), lambda module: 0.0, Recipe(1, batch=64, seed=seed), 0.0
    )
    optimiser = torch.optim.AdamW(module.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, updates + 1)
    done, epoch = 0, 0
    while done < updates:
        for batch in learning.batches(epoch):
            loss, _ = learning.loss(module, batch, None)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            done += 1
            if done == updates:
                break
        epoch += 1
    return module.eval().requires_grad_(False)
