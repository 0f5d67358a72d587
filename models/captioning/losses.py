"""What captioners learn by: what people said, word by word; and then the score of what they say themselves."""

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

Said = list[list[list[int]]]  # numbers with the end mark, [picture][caption]
Batch = list[tuple[int, int]]  # picture, and 1 where it is mirrored
Loss = Callable[[Any, Tensor, Said], Tensor]
MARKS = (PAD, START, RARE)  # never drawn
LONGEST = 24  # words of a caption that is drawn to be learnt from


class Examples(NamedTuple):
    """What a captioner learns from: pictures as they are and, where they were looked at so, mirrored."""

    features: tuple[Tensor, ...]  # each [picture, in, channel]
    captions: tuple[Said, ...]


class Forced(NamedTuple):
    """The known words of captions under teacher forcing."""

    logits: Tensor  # [word, vocab]
    wanted: Tensor  # the words, [word]
    caption: Tensor  # the caption that each stands in, counted through all pictures, [word]
    attention: Tensor | None  # [caption, out, in], captions sorted by length


def job(module: Captioner, examples: Examples, score: Callable[[nn.Module], float], recipe: Recipe, loss: Loss) -> Job:
    """A training over batches of pictures, each as it is or mirrored, by chance.

    Args:
        module: A network, on the device it is trained on.
        examples: What it learns from.
        score: Dev score, lower is better.
        recipe: Its batch is in pictures.
        loss: Given the module, pictures [picture, in, channel] and their captions.
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
    """Captions [picture][caption] under teacher forcing; each picture [picture, in, channel] is taken in once for all of its own."""
    device = module.bias.device
    pairs = [(picture, caption) for picture, captions in enumerate(said) for caption in captions]
    order = sorted(range(len(pairs)), key=lambda index: -len(pairs[index][1]))  # so that padding is not worked out
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
    """Mean nats of the words of captions that are known, under teacher forcing, with what training adds.

    Args:
        module: A captioner.
        features: Its pictures, [picture, in, channel].
        said: What people said of each.
        about: `smoothing`: share of each target that is spread over all words (Szegedy et al., 2016). `coverage`: weight of the
            mean over regions of (1 - sum over t of alpha_ti)^2, the doubly stochastic penalty of Xu et al., 2015, 4.2.1.
    """
    predicted = teacher_forced(module, features, said)
    cost = nn.functional.cross_entropy(predicted.logits, predicted.wanted, label_smoothing=about["smoothing"])
    if predicted.attention is None or not about["coverage"]:
        return cost
    return cost + about["coverage"] * (1 - predicted.attention.sum(1)).square().mean()


def self_critical(module: Captioner, features: Tensor, said: Said, known: Rarity, count: int) -> Tensor:
    """Captions are drawn; the words of those that score above the other captions of their picture become likelier.

    -(r_k - mean of the other r) log p(word), mean over the words drawn; r is CIDEr-D against what people said, the end mark
    counted as a word, so that a caption cut short is no better for it.

    Args:
        module: A captioner; it learns as it is used, without dropout.
        features: Its pictures, [picture, in, channel].
        said: What people said of each.
        known: What n-grams weigh.
        count: Captions drawn of each picture, 2 or more.

    Source: Rennie et al., "Self-critical Sequence Training for Image Captioning", 2017; the others as what is to be beaten:
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
    """Captions as the score reads them: numbers in place of words, the end mark among them."""
    return [" ".join(map(str, caption)) for caption in captions]


def drawn(module: Captioner, features: Tensor, count: int) -> Said:
    """Captions drawn word by word from what the network expects of pictures [picture, in, channel], the end mark last where it came."""
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
