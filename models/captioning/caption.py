"""Captions of pictures with their attention, and log probabilities of words with and without regions of the picture."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import CheckpointError
from models import checkpoint
from models.captioning.encoder import VIEWS, regions
from models.captioning.feature_cache import encoder_file, encoder_sha256
from models.captioning.network import Captioner
from models.decoding import NO_EDITS, Edits, Found, Hypothesis, Search, beam, greedy, shares
from models.vocabulary.subwords import END, START
from models.vocabulary.words import Words

if TYPE_CHECKING:
    from models.checkpoint import Loaded

SIDE_BY_SIDE = 50  # pictures
LONGEST = 40  # words, the end mark included
BEAM = Search(width=3, longest=LONGEST)
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Caption:
    """The caption of one picture.

    Args:
        text: The caption as text.
        hypotheses: All hypotheses, best first; one for greedy decoding.
        beam: The beam search with its whole tree; None for greedy decoding.
    """

    text: str
    hypotheses: tuple[Hypothesis, ...]
    beam: Found | None = None


def feature_extractor(loaded: "Loaded") -> Callable[[list[np.ndarray]], Tensor]:
    """A function from squashed pictures, each [row, column, channel], to a captioner's input features, [picture, in, channel].

    Raises:
        CheckpointError: its encoder is missing, or is not the one it was trained with.
    """
    module: Any = loaded.module
    if "encoder" not in loaded.card:
        return module.look
    about = loaded.card["encoder"]
    if not isinstance(about, dict) or about.get("view") not in VIEWS:
        raise CheckpointError(f"The card of {loaded.name} names no view of an encoder; expected one of {', '.join(VIEWS)}. It is damaged.")
    encoder: Any = checkpoint.load(encoder_file()).module
    if about.get("sha256") != encoder_sha256():
        raise CheckpointError(f"{loaded.name} was not trained with the encoder {encoder_file()}. Train it again, or copy its encoder.")
    return lambda pictures: regions(encoder, pictures, about["view"])


def grid(loaded: "Loaded") -> tuple[int, int]:
    """Numbers of rows and columns of a captioner's image regions."""
    module: Any = loaded.module
    side = round(len(module.average) ** 0.5)
    return side, side


def describe(module: Captioner, words: Words, features: Tensor, search: Search = BEAM, edits: Edits = NO_EDITS) -> Caption:
    """The caption of one picture, alone in its batch, so that a recording contains this picture only.

    Args:
        module: A captioner in eval mode.
        words: Its vocabulary.
        features: The encoder's features, [in, channel].
        search: Search settings; greedy if the width is 1.
        edits: Forced words and replaced attention, by step.
    """
    return _described(module, words, features[None], search, edits)[0]


def describe_all(
    module: Captioner, words: Words, features: Iterable[Tensor], search: Search = BEAM, report: Report = lambda done, total: None
) -> list[Caption]:
    """The captions of many pictures, in batches.

    Args:
        features: The encoder's features in parts, each [picture, in, channel].
        report: Called with (done, total) parts.
    """
    parts, captions = list(features), []
    for done, part in enumerate(parts):
        report(done, len(parts))
        captions += _described(module, words, part, search, NO_EDITS)
    report(len(parts), len(parts))
    return captions


def _described(module: Captioner, words: Words, features: Tensor, search: Search, edits: Edits) -> list[Caption]:
    memory = encoded(module, features)
    if search.width > 1:
        results = beam(module, memory, search, edits)
        return [Caption(words.decode(result.hypotheses[0].tokens), result.hypotheses, result) for result in results]
    return [Caption(words.decode(hypothesis.tokens), (hypothesis,)) for hypothesis in greedy(module, memory, search, edits)]


def encoded(module: Captioner, features: Tensor) -> Any:
    """The decoder's memory of pictures [batch, in, channel]."""
    with torch.inference_mode():
        return module.encode(features.to(module.bias))


def samples(module: Captioner, features: Tensor, temperature: float = 1.0, count: int = 5, seed: int = 0) -> list[Hypothesis]:
    """Captions of one picture sampled word by word; the same seed gives the same captions.

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [in, channel].
        temperature: p_k = softmax(logits / temperature); 0 is greedy decoding.
        count: Number of captions.
        seed: Seed of the sampling.
    """
    generator, memory = torch.Generator().manual_seed(seed), encoded(module, features[None])
    drawn = [_drawn(module, memory, temperature, generator) for _ in range(count)]
    forced = [Edits(tokens=dict(enumerate(tokens))) for tokens in drawn]
    searches = [Search(longest=len(tokens)) for tokens in drawn]
    return [greedy(module, memory, search, edits)[0] for search, edits in zip(searches, forced, strict=True)]


def _drawn(module: Captioner, memory: Any, temperature: float, generator: torch.Generator) -> list[int]:
    state: tuple[Tensor, ...] = module.start(memory)
    token, tokens = torch.tensor([START]), []
    with torch.inference_mode():
        while len(tokens) < LONGEST and token != END:
            step = module.step(memory, state, token)
            logits, state = step.logits[0].clone(), step.state
            logits[START] = -torch.inf  # a mark that is never written; `shares` excludes padding
            token = torch.multinomial(shares(logits, temperature), 1, generator=generator)
            tokens.append(int(token))
    return tokens


def log_probabilities(module: Captioner, features: Tensor, target: Sequence[int]) -> np.ndarray:
    """Log probability (natural logarithm) of each word of a caption given the preceding words, for each picture, [picture, out].

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [picture, in, channel]; for example of one picture with different regions hidden.
        target: Ids of the caption's words, the end mark last, [out].
    """
    wanted = torch.tensor(list(target))
    read = torch.tensor([[START, *target[:-1]]]).expand(len(features), -1)
    with torch.inference_mode():
        logits = module(features.to(module.bias), read)
        return logits.log_softmax(-1).gather(2, wanted.expand(len(features), -1)[..., None])[..., 0].numpy()


def next_words(module: Captioner, features: Tensor, words: Sequence[int]) -> np.ndarray:
    """Probability of each word of the vocabulary as the next one, [vocab], 0..1.

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [in, channel]; those of the mean picture show what the previous words alone predict.
        words: Ids of the previous words; empty for the first word.
    """
    with torch.inference_mode():
        logits = module(features[None].to(module.bias), torch.tensor([[START, *words]]))
        return logits[0, -1].softmax(-1).numpy()


def without(module: Captioner, features: Tensor, cells: Sequence[int]) -> Tensor:
    """Features [in, channel] of a picture in which some regions, counted from 0, are replaced by those of the mean training picture.

    With no region hidden they are unchanged; with all regions hidden no information about the picture is left.
    """
    hidden = features.to(module.average).clone()
    hidden[list(cells)] = module.average[list(cells)]
    return hidden


def occlusion_importance(
    module: Captioner,
    features: Tensor,
    target: Sequence[int],
    report: Report = lambda done, total: None,
    hidden: Sequence[Sequence[int]] | None = None,
) -> np.ndarray:
    """Loss in log probability of each word when regions are hidden, [out, in], nats; negative where hiding them helps.

    log p(word | picture) - log p(word | picture without the regions), both given the preceding words.

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [in, channel].
        target: Ids of the caption's words, the end mark last, [out].
        report: Called with (done, total) regions; may raise to stop.
        hidden: The regions that are hidden together, for each region of the map, [in]; each alone where None.
    """
    hidden = [[cell] for cell in range(len(features))] if hidden is None else hidden
    own, lost = log_probabilities(module, features[None], target)[0], []
    for start in range(0, len(features), SIDE_BY_SIDE):
        report(start, len(features))
        part = hidden[start : start + SIDE_BY_SIDE]
        lost.append(own - log_probabilities(module, torch.stack([without(module, features, list(cells)) for cells in part]), target))
    report(len(features), len(features))
    return np.concatenate(lost).T


def visual(module: Captioner, features: Tensor, target: Sequence[int]) -> np.ndarray:
    """log p(word | picture) - log p(word | mean picture) of each word [out] given the preceding words, nats.

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [in, channel].
        target: Ids of the caption's words, the end mark last.
    """
    both = torch.stack([features.to(module.average), module.average])
    own, mean = log_probabilities(module, both, target)
    return own - mean


def visual_gates(module: Captioner, features: Tensor, hypothesis: Hypothesis) -> np.ndarray | None:
    """The visual gate beta, which scales the attended regions, for each word, [out], 0..1; None if the network has no gate.

    Args:
        module: A captioner in eval mode.
        features: The encoder's features, [in, channel].
        hypothesis: A caption for these features.
    """
    if not module.looks:
        return None
    with torch.inference_mode():
        first = module.start(encoded(module, features[None]))[0]
        before = torch.cat([first, torch.from_numpy(hypothesis.states[0][:-1])])
        return torch.sigmoid(module.gate(before))[:, 0].numpy()
