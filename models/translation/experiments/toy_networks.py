"""Translation networks for toy languages whose attention is known to be healthy, or a fake of a known kind."""

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

LONGEST = 16  # rows and columns of the tables of fakes
SIZE = {"units": 32, "embedding": 32, "width": 32}
RATE = 2e-2


class Counting(nn.Module, ABC):
    """A score that knows which step it is at: the network's `start` sets it to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.at = nn.Identity(), 0

    def forward(self, hidden: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        row = self.row(min(self.at, LONGEST - 1), memory)
        self.at += 1
        return row.expand(memory.padding.shape)

    @abstractmethod
    def row(self, at: int, memory: Memory) -> Tensor:
        """Scores e_ij of output `at`, [in]."""


class PositionOnly(Counting):
    """e_ij = T_ij, learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(LONGEST, LONGEST))

    def row(self, at: int, memory: Memory) -> Tensor:
        """Row `at` of the table, [in]."""
        return self.table[at, : memory.padding.shape[1]]


class SameRow(PositionOnly):
    """e_ij = T_j, learnt from a start that is far from even."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LONGEST, LONGEST) * 3)

    def row(self, at: int, memory: Memory) -> Tensor:
        """Its only row, [in]."""
        return super().row(0, memory)


class RandomButFixed(PositionOnly):
    """e_ij = T_ij, drawn once and never learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LONGEST, LONGEST) * 3, requires_grad=False)


class AllOnEnd(Counting):
    """All weight on the end mark, the last column that is no padding."""

    def row(self, at: int, memory: Memory) -> Tensor:
        """Nothing but the last column, [batch, in]."""
        last = (~memory.padding).sum(1, keepdim=True) - 1
        return torch.where(torch.arange(memory.padding.shape[1]) == last, 0.0, -torch.inf)


class Faked(Seq2Seq):
    """The translation network with a score of our own."""

    def __init__(self, vocab_size: int, score: Counting):
        super().__init__(vocab_size, "uniform", **SIZE)
        self.score = score

    def start(self, memory: Memory) -> tuple[Tensor]:
        """As the network that it is one of, at step 0."""
        self.score.at = 0
        return super().start(memory)


class Both(NamedTuple):
    """What two encoders leave: that of the network that looks, as in `Memory`, and that of the one that writes."""

    states: Tensor
    keys: Tensor
    padding: Tensor
    thought: Tensor
    of_writer: Memory


class ThrownAway(Seq2Seq):
    """Real attention of a trained network, and words of another one that has none: it looks, and is not needed.

    The first network runs along, so that its weights are what they always are; only the second one writes.
    """

    def __init__(self, real: Seq2Seq, writer: Seq2Seq):
        super().__init__(len(real.bias), "additive", **SIZE)
        self.load_state_dict(real.state_dict())
        self.writer = writer

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Any:
        """What both encoders leave."""
        return Both(*super().encode(source, lengths), self.writer.encode(source, lengths))

    def start(self, memory: Any) -> tuple[Tensor, ...]:
        """The states of both decoders."""
        return (*super().start(memory), *self.writer.start(memory.of_writer))

    def step(self, memory: Any, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """The attention of the one, the logits of the other."""
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
    """A network that has learnt a toy language in seconds, in eval mode."""
    torch.manual_seed(seed)
    module = network(attention, len(pieces))
    module.embedding.weight.data *= 2  # few updates are enough then
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
