"""Attention weights over many sentence pairs, and the cross-entropy of the reference when the weights are perturbed.

Everything is measured under teacher forcing on the reference, in batches, and returned as plain arrays, one entry per sentence.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError
from models.decoding import Decodable
from models.translation.data import Pair
from models.translation.gold_alignments import words
from models.translation.network import Memory, Seq2Seq, batch_of
from models.translation.translate import encoded
from models.vocabulary.subwords import END, PAD, START, Subwords

ROWS = 64  # sentences per batch
ALIKE = 10  # sentences drawn together with the same source and target lengths, so that each can be compared with others
SENTENCES = 400


class ProbingError(ExplorerError):
    """The network or the sentences do not allow the measurement."""


@dataclass(frozen=True, eq=False)
class Probe:
    """One sentence pair read by a network under teacher forcing.

    Args:
        source: Subword ids of the source, the end mark last, [in].
        target: Subword ids of the target, the end mark last, [out].
        weights: The network's own attention, [out, in].
        order: Permutation of the encoder states: column j reads the state at order[j], [in].
        permuted: Attention over the permuted states, [out, in]. The decoder's initial state is unchanged; the contexts change.
        costs: Cross-entropy of the whole target in nats, by condition: "own", the network's own weights; "uniform", equal
            weights on all source subwords; "permuted", its own weights moved to other columns by `order`; "states", the
            encoder states permuted by `order`.
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    weights: np.ndarray
    order: tuple[int, ...]
    permuted: np.ndarray
    costs: dict[str, float]


def alike(pairs: Iterable[Pair], count: int = SENTENCES, seed: int = 0) -> list[Pair]:
    """Random pairs in groups of ten with equal source and target lengths in words; long pairs are over-represented.

    Args:
        pairs: Source and target; the first target of each source is used.
        count: Maximum number of pairs.
        seed: Seed of the random choice.

    Raises:
        ProbingError: there are no ten pairs with equal lengths.
    """
    of_length: dict[tuple[int, int], list[Pair]] = {}
    for source, target in dict(reversed(list(pairs))).items():
        of_length.setdefault((len(words(source)), len(words(target))), []).append((source, target))
    drawn, tens = random.Random(seed), []
    for _, group in sorted(of_length.items()):
        drawn.shuffle(group)
        tens += [group[start : start + ALIKE] for start in range(0, len(group) - ALIKE + 1, ALIKE)]
    if not tens:
        raise ProbingError(f"No {ALIKE} pairs have equal lengths in words in both languages; expected more pairs, to compare them.")
    drawn.shuffle(tens)
    return [pair for ten in tens[: max(1, count // ALIKE)] for pair in ten]


def probe(
    module: Seq2Seq, pieces: Subwords, pairs: Sequence[Pair], seed: int = 0, report: Callable[[int, int], None] = lambda done, total: None
) -> list[Probe]:
    """One Probe per sentence pair, in the order of the pairs.

    Args:
        module: A network with attention, in eval mode.
        pieces: Its vocabulary.
        pairs: Source and target sentences.
        seed: Seed of the permutations of the encoder states; they have no fixed points.
        report: Called with (done, total) pairs.

    Raises:
        ProbingError: the network has no attention, or a sentence is empty.
    """
    if module.score is None:
        raise ProbingError("This network has no attention; expected a network with attention over its source.")
    sources, targets = (pieces.encode_all([pair[side] for pair in pairs]) for side in (0, 1))
    if not all(map(len, [*sources, *targets])):
        raise ProbingError("A sentence is empty; expected pairs of sentences.")
    drawn = random.Random(seed)
    orders = [moved(len(source) + 1, drawn) for source in sources]
    probes: dict[int, Probe] = {}
    rows = sorted(range(len(pairs)), key=lambda row: (len(sources[row]), len(targets[row])))
    for start in range(0, len(rows), ROWS):
        batch = rows[start : start + ROWS]
        read = [([*sources[row], END], [*targets[row], END]) for row in batch]
        probes |= zip(batch, _probed(module, read, [orders[row] for row in batch]), strict=True)
        report(start + len(batch), len(rows))
    return [probes[row] for row in range(len(pairs))]


def moved(count: int, drawn: random.Random) -> list[int]:
    """A random permutation of 0 .. count - 1 without fixed points; `count` is at least 2."""
    while True:
        order = drawn.sample(range(count), count)
        if all(index != at for at, index in enumerate(order)):
            return order


def _probed(module: Seq2Seq, read: list[tuple[list[int], list[int]]], orders: list[list[int]]) -> list[Probe]:
    device = module.bias.device
    memory = encoded(module, [source for source, _ in read])
    target = batch_of([target for _, target in read])[0].to(device)
    columns = range(memory.padding.shape[1])
    order = torch.tensor([[*row_order, *columns[len(row_order) :]] for row_order in orders], device=device)  # padding is not permuted
    places = order[..., None]
    with torch.inference_mode():
        states = memory._replace(states=memory.states.take_along_dim(places, 1), keys=memory.keys.take_along_dim(places, 1))
        own, costs = teacher_forced(module, memory, target)
        permuted, of_states = teacher_forced(module, states, target)
        even = (~memory.padding / (~memory.padding).sum(1, keepdim=True))[:, None].expand_as(own)
        given = {"uniform": even, "permuted": own.take_along_dim(order[:, None], 2)}
        all_costs = {"own": costs, "states": of_states} | {
            name: teacher_forced(module, memory, target, attention)[1] for name, attention in given.items()
        }
    probes = []
    for row, (source, wanted) in enumerate(read):
        cut = (row, slice(len(wanted)), slice(len(source)))
        row_costs = {name: float(amounts[row]) for name, amounts in all_costs.items()}
        weights = [table[cut].cpu().numpy() for table in (own, permuted)]
        probes.append(Probe(tuple(source), tuple(wanted), weights[0], tuple(orders[row]), weights[1], row_costs))
    return probes


def teacher_forced(module: Decodable, memory: Memory, target: Tensor, attention: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Attention [row, out, in] under teacher forcing of `target` [row, out], and the cross-entropy in nats, [row].

    Args:
        module: A network with attention, in eval mode.
        memory: The encoded sources, one row per sentence.
        target: Subword ids, each row with its end mark, padded to one length; padding adds no cost.
        attention: Weights [row, out, in] to use in place of the network's own.
    """
    state, token = module.start(memory), torch.full_like(target[:, 0], START)
    costs, looked = torch.zeros(len(target), device=target.device), []
    for at, wanted in enumerate(target.unbind(1)):
        step = module.step(memory, state, token, None if attention is None else attention[:, at])
        cost = torch.nn.functional.cross_entropy(step.logits, wanted, ignore_index=PAD, reduction="none")
        costs, state, token = costs + cost, step.state, wanted
        looked.append(step.attention)
    return torch.stack(looked, 1), costs
