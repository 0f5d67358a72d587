"""Losses of captioners: cross-entropy on human captions, and self-critical training on the score of sampled captions."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.captioning.network import Captioner, Memory
from models.metrics.cider import Rarity, cider_d_of
from models.training import Job, Recipe
from models.vocabulary.subwords import END, PAD, START
from models.vocabulary.words import RARE

Said = list[list[list[int]]]  # word ids with the end mark, [picture][caption]
Batch = list[tuple[int, int]]  # picture, and 1 if it is mirrored
Loss = Callable[[Any, Tensor, Said], Tensor]
MARKS = (PAD, START, RARE)  # never sampled
LONGEST = 24  # maximum words of a caption sampled for training


class Examples(NamedTuple):
    """Training examples of a captioner: the pictures and, optionally, their mirror images."""

    features: tuple[Tensor, ...]  # each [picture, in, channel]
    captions: tuple[Said, ...]


class Forced(NamedTuple):
    """The words of captions in the vocabulary, under teacher forcing."""

    logits: Tensor  # [word, vocab]
    wanted: Tensor  # the target words, [word]
    caption: Tensor  # index of the caption of each word, counted over all pictures, [word]
    attention: Tensor | None  # [caption, out, in], captions sorted by length


def job(module: Captioner, examples: Examples, score: Callable[[nn.Module], float], recipe: Recipe, loss: Loss) -> Job:
    """Training on batches of pictures, each mirrored at random.

    Args:
        module: A network on the training device.
        examples: The training examples.
        score: Dev score, lower is better.
        recipe: The recipe; its batch size is in pictures.
        loss: Function of the module, features [picture, in, channel] and their captions.
    """

    def batches(epoch: int) -> Iterator[Batch]:
        drawn = random.Random(recipe.seed * 1_000 + epoch)
        order = drawn.sample(range(len(examples.features[0])), len(examples.features[0]))
        order = [(row, drawn.randrange(len(examples.features))) for row in order]
        for start in range(0, len(order), recipe.batch):
            yield order[start : start + recipe.batch]

    def of_batch(module: Any, batch: Batch, carry: Any) -> tuple[Tensor, Any]:
        features = torch.stack([examples.features[turned][row] for row, turned in batch])
        return loss(module, features, [examples.captions[turned][row] for row, turned in batch]), None

    return Job(module, batches, of_batch, score, -(-len(examples.features[0]) // recipe.batch))


def teacher_forced(module: Captioner, features: Tensor, said: Said) -> Forced:
    """Captions [picture][caption] under teacher forcing; each picture [picture, in, channel] is encoded once for all its captions."""
    device = module.bias.device
    pairs = [(picture, caption) for picture, captions in enumerate(said) for caption in captions]
    order = sorted(range(len(pairs)), key=lambda index: -len(pairs[index][1]))  # so that padding is not computed
    pairs = [pairs[index] for index in order]
    rows = torch.tensor([picture for picture, _ in pairs], device=device)
    read, wanted = (
        nn.utils.rnn.pad_sequence(list(map(torch.tensor, tokens)), True, PAD).to(device)
        for tokens in ([[START, *caption[:-1]] for _, caption in pairs], [caption for _, caption in pairs])
    )
    memory = module.encode(features.to(module.bias))
    written = module.written(Memory(*(part[rows] for part in memory)), read)
    known = (wanted != PAD) & (wanted != RARE)
    logits = module.read_out(written.hidden[known], written.context[known], written.embedded[known])
    caption_index = torch.tensor(order, device=device)[:, None].expand(wanted.shape)
    return Forced(logits, wanted[known], caption_index[known], written.attention)


def nats(module: Captioner, features: Tensor, said: Said, about: dict[str, float]) -> Tensor:
    """Cross-entropy in nats per word in the vocabulary under teacher forcing, plus the penalties of the recipe.

    Args:
        module: A captioner.
        features: Features of the pictures, [picture, in, channel].
        said: Human captions of each picture.
        about: `smoothing`: label smoothing, the share of each target that is spread over all words (Szegedy et al., 2016).
            `coverage`: weight of the mean over regions of (1 - sum over t of alpha_ti)^2, the doubly
            stochastic penalty of Xu et al., 2015, 4.2.1.
    """
    predicted = teacher_forced(module, features, said)
    cost = nn.functional.cross_entropy(predicted.logits, predicted.wanted, label_smoothing=about["smoothing"])
    if predicted.attention is None or not about["coverage"]:
        return cost
    return cost + about["coverage"] * (1 - predicted.attention.sum(1)).square().mean()


def self_critical(module: Captioner, features: Tensor, said: Said, known: Rarity, count: int) -> Tensor:
    """Self-critical loss: raises the probability of sampled captions that score above the other samples of their picture.

    -(r_k - mean of the other r) log p(word), averaged over the sampled words; r is CIDEr-D against human captions. The end
    mark counts as a word, so that truncated captions gain nothing.

    Args:
        module: A captioner; trained without dropout, as at inference.
        features: Features of the pictures, [picture, in, channel].
        said: Human captions of each picture.
        known: Weights of n-grams.
        count: Captions sampled per picture, 2 or more.

    Source: Rennie et al., "Self-critical Sequence Training for Image Captioning", 2017; the other samples as the baseline:
    Luo, "A Better Variant of Self-Critical Sequence Training", 2020.
    """
    module.eval()
    samples = drawn(module, features, count)
    scores = [
        [cider_d_of(caption, in_numbers(wanted), known) for caption in in_numbers(captions)]
        for captions, wanted in zip(samples, said, strict=True)
    ]
    reward = torch.tensor(scores)
    better = (reward - reward.mean(1, keepdim=True)) * (count / (count - 1))
    words = teacher_forced(module, features, samples)
    cost = nn.functional.cross_entropy(words.logits, words.wanted, reduction="none")
    return (better.flatten().to(cost)[words.caption] * cost).mean()


def in_numbers(captions: Sequence[Sequence[int]]) -> list[str]:
    """Captions as strings of word ids, the end mark included, for the score."""
    return [" ".join(map(str, caption)) for caption in captions]


def drawn(module: Captioner, features: Tensor, count: int) -> Said:
    """Captions sampled word by word for pictures [picture, in, channel]; complete captions have the end mark last."""
    with torch.no_grad():
        memory = Memory(*(part.repeat_interleave(count, 0) for part in module.encode(features.to(module.bias))))
        state: tuple[Tensor, ...] = module.start(memory)
        token = torch.full((len(features) * count,), START, device=module.bias.device)
        ended, tokens = torch.zeros_like(token, dtype=torch.bool), []
        while len(tokens) < LONGEST and not ended.all():
            step = module.step(memory, state, token)
            logits, state = step.logits, step.state
            logits[:, list(MARKS)] = -torch.inf
            token = torch.multinomial(logits.softmax(-1), 1)[:, 0]
            ended |= token == END
            tokens.append(token)
    rows = torch.stack(tokens, 1).tolist()
    cut = [row[: row.index(END) + 1] if END in row else row for row in rows]
    return [cut[start : start + count] for start in range(0, len(cut), count)]
