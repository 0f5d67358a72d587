"""From a recipe to a checkpoint: batches, losses and dev score of captioners, and the card of what came out."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models import bleu, captions, checkpoint, encoder
from models.caption_scores import PUBLISHED, against_four, in_form, scored
from models.captioner import Captioner, Memory
from models.captions import Collection
from models.decoding import Search
from models.describer import BEAM, LONGEST, SIDE_BY_SIDE, describe_all, eye
from models.encoder import VIEWS
from models.features import Looking, encoder_sha256
from models.pictures import opened, squashed
from models.pieces import END, PAD, START
from models.recipes import RECIPES, TrainingError
from models.train import Job, Recipe, Trainer, commit, kept_state
from models.words import RARE, Words

GREEDY = Search(width=1, longest=LONGEST)
REGIONS = "regions"  # folder of what the encoder saw, beside the training states
TURNED = {"left": "right", "right": "left", "lefthand": "righthand", "righthand": "lefthand"}
Report = Callable[[int, int], None]
Batch = list[tuple[int, int]]  # picture, and 1 where it is mirrored
find, read = captions.find, captions.read


class Examples(NamedTuple):
    """What a captioner learns from: pictures as they are and, where they were looked at so, mirrored."""

    features: tuple[Tensor, ...]  # each [picture, in, channel]
    captions: tuple[list[list[list[int]]], ...]  # numbers with the end mark, [picture][caption]


def mirrored(caption: str) -> str:
    """What is said of a picture when left and right have changed places."""
    return " ".join(TURNED.get(word, word) for word in caption.lower().split())


def numbers(words: Words, said: Sequence[Sequence[str]], turned: bool = False) -> list[list[list[int]]]:
    """The captions of pictures as numbers with their end marks, [picture][caption]."""
    return [[[*words.encode(mirrored(caption) if turned else caption), END] for caption in each] for each in said]


def job(module: Captioner, examples: Examples, score: Callable[[nn.Module], float], recipe: Recipe, about: dict[str, float]) -> Job:
    """Teacher forcing over all captions of a batch of pictures, which are taken in once for all of them.

    Args:
        module: A network, on the device it is trained on.
        examples: What it learns from.
        score: Dev score, lower is better.
        recipe: Its batch is in pictures.
        about: `smoothing` and `coverage`, see `nats`.
    """

    def batches(epoch: int) -> Iterator[Batch]:
        drawn = random.Random(recipe.seed * 1_000 + epoch)
        order = drawn.sample(range(len(examples.features[0])), len(examples.features[0]))
        order = [(row, drawn.randrange(len(examples.features))) for row in order]
        for start in range(0, len(order), recipe.batch):
            yield order[start : start + recipe.batch]

    def loss(module: Any, batch: Batch, carry: Any) -> tuple[Tensor, Any]:
        features = torch.stack([examples.features[turned][row] for row, turned in batch])
        return nats(module, features, [examples.captions[turned][row] for row, turned in batch], about), None

    return Job(module, batches, loss, score, -(-len(examples.features[0]) // recipe.batch))


def nats(module: Captioner, features: Tensor, said: list[list[list[int]]], about: dict[str, float]) -> Tensor:
    """Mean nats of the words of captions that are known, under teacher forcing, with what training adds.

    Args:
        module: A captioner.
        features: Its pictures, each taken in once for all its captions, [picture, in, channel].
        said: Numbers with the end mark, [picture][caption].
        about: `smoothing`: share of each target that is spread over all words (Szegedy et al., 2016). `coverage`: weight of the
            mean over regions of (1 - sum over t of alpha_ti)^2, the doubly stochastic penalty of Xu et al., 2015, 4.2.1.
    """
    device = module.bias.device
    pairs = [(place, caption) for place, each in enumerate(said) for caption in each]
    pairs.sort(key=lambda pair: -len(pair[1]))  # so that padding is not worked out
    rows = torch.tensor([place for place, _ in pairs], device=device)
    read, wanted = (
        nn.utils.rnn.pad_sequence(list(map(torch.tensor, each)), True, PAD).to(device)
        for each in ([[START, *caption[:-1]] for _, caption in pairs], [caption for _, caption in pairs])
    )
    memory = module.encode(features.to(module.bias))
    written = module.written(Memory(*(part[rows] for part in memory)), read)
    known = (wanted != PAD) & (wanted != RARE)
    logits = module.read_out(written.hidden[known], written.context[known], written.embedded[known])
    cost = nn.functional.cross_entropy(logits, wanted[known], label_smoothing=about["smoothing"])
    if written.attention is None or not about["coverage"]:
        return cost
    return cost + about["coverage"] * (1 - written.attention.sum(1)).square().mean()


def dev_score(words: Words, features: Tensor, references: Sequence[Sequence[str]]) -> Callable[[nn.Module], float]:
    """Minus the BLEU-4 of greedy captions of dev pictures [picture, in, channel], [-100, 0]: the lower the better."""
    wanted = in_form(references)

    def score(module: Any) -> float:
        found = describe_all(module, words, features.split(SIDE_BY_SIDE), GREEDY)
        return -bleu.bleu([each.text for each in found], wanted)

    return score


def trainers(name: str, data: Collection, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer | Looking]:
    """First the encoder looks at every picture, once and for all; then the one training of a recipe.

    Raises:
        TrainingError: there are no lists of training and dev pictures, or a state file of another recipe or of other pictures.
    """
    about = RECIPES[name]
    recipe = Recipe(**about["recipe"])
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    train, dev = _parts(data)
    state.parent.mkdir(parents=True, exist_ok=True)
    seen = [Looking(data.files(part), about["view"], state.parent / REGIONS, turned) for part, turned in _wanted(about, train, dev)]
    yield from seen
    words = Words.learn((caption for each in data.said(train) for caption in each), about["at_least"])
    turned = (False, True)[: 1 + about["mirrored"]]
    features = tuple(seen[0].read(data.files(train), each) for each in turned)
    torch.manual_seed(recipe.seed)
    module = Captioner(**_arguments(name, words))
    module.average.copy_(features[0].mean(0, dtype=torch.float32))
    module.to(device)
    score = dev_score(words, seen[1].read(data.files(dev)), data.said(dev))
    examples = Examples(features, tuple(numbers(words, data.said(train), each) for each in turned))
    try:
        yield Trainer(job(module, examples, score, recipe, about["loss"]), recipe, state)
    except (ValueError, RuntimeError) as error:
        raise TrainingError(f"The training cannot go on from {state}: {str(error).splitlines()[0]}") from None


def _parts(data: Collection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    train, dev = (data.parts.get(part, ()) for part in ("train", "dev"))
    if not train or not dev:
        lists = ", ".join(captions.LISTS.values())
        raise TrainingError(f"{data.folder} has {len(train)} training and {len(dev)} dev pictures. Expected the lists {lists}.")
    return train, dev


def _wanted(about: dict[str, Any], train: tuple[str, ...], dev: tuple[str, ...]) -> list[tuple[tuple[str, ...], bool]]:
    return [(train, about["mirrored"]), (dev, False)]


def _arguments(name: str, words: Words) -> dict[str, Any]:
    view = VIEWS[RECIPES[name]["view"]]
    sizes = {"vocab_size": len(words), "cells": view.grid[0] * view.grid[1], "channels": view.channels}
    return sizes | RECIPES[name]["arguments"]


def finish(name: str, state: Path, data: Collection, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Pack the best weights of a training state as a checkpoint with its full card; gives the card.

    What is scored is what ships: the float16 weights, read back from the file, over all of dev.

    Args:
        name: A recipe of a captioner.
        state: State file of its training, running or finished.
        data: The pictures it was trained on, dev included.
        target: The checkpoint to write.
        report: Called with (done, total) parts of the scoring.

    Raises:
        TrainingError: the state is none, has no score yet, or is not of this recipe and these pictures.
    """
    about, kept, (train, dev) = RECIPES[name], kept_state(state), _parts(data)
    words = Words.learn((caption for each in data.said(train) for caption in each), about["at_least"])
    arguments = _arguments(name, words)
    module = Captioner(**arguments)
    try:
        module.load_state_dict(kept["best"])
    except RuntimeError as error:
        raise TrainingError(f"{state} does not fit {name}: {str(error).splitlines()[-1].strip()}") from None
    card = {"kind": "captioner", "name": name, "arguments": arguments} | words.card()
    card |= {"encoder": {"name": encoder.NAME, "view": about["view"], "sha256": encoder_sha256()}}
    trained = {key: about[key] for key in ("loss", "mirrored", "at_least")}
    card |= {"data": captions.data_card(data, about["corpus"]), "recipe": kept["recipe"] | trained}
    card |= {"seed": kept["recipe"]["seed"], "commit": commit(), "parameters": sum(p.numel() for p in module.parameters())}
    card["curve"] = [{key: value for key, value in row.items() if key != "dev"} | {"bleu_4": -row["dev"]} for row in kept["curve"]]
    looking = Looking(data.files(dev), about["view"], state.parent / REGIONS)
    looking.run()
    seen, said = looking.read(data.files(dev)), data.said(dev)
    return packed(module, card, target, lambda loaded: {"scores": card_scores(loaded, seen, said, report)})


def packed(module: nn.Module, card: dict[str, Any], target: Path, measure: Callable[[checkpoint.Loaded], dict[str, Any]]) -> dict[str, Any]:
    """Write a checkpoint twice: so that `measure` gets what ships, and then with the fields of its card that it gives; gives the card."""
    partial = target.with_name(f"{target.stem}.{os.getpid()}.partial")
    checkpoint.save(module, card, partial)
    try:
        checkpoint.save(module, card | measure(checkpoint.load(partial)), target)
    finally:
        partial.unlink(missing_ok=True)
    return checkpoint.read_card(target)


def card_scores(loaded: checkpoint.Loaded, features: Tensor, references: Sequence[Sequence[str]], report: Report) -> dict[str, Any]:
    """Every score of dev that a card holds; `bleu_4` is that of beam 3.

    Args:
        loaded: A captioner.
        features: Of dev pictures, [picture, in, channel].
        references: What people said of each.
        report: Called with (done, total) parts of the pictures, for each beam.
    """
    module: Any = loaded.module
    beams, four = {}, {}
    for search in (GREEDY, BEAM):
        found = [each.text for each in describe_all(module, loaded.vocab, features.split(SIDE_BY_SIDE), search, report)]
        beams[str(search.width)] = scored(found, references)
        four[str(search.width)] = against_four(found, references)
    scores = {"split": "dev", "bleu_4": beams[str(BEAM.width)]["bleu"][3], "beams": beams}
    return scores | {"against_four": {"people": against_four(None, references)} | four, "published": PUBLISHED}


def captions_of(
    loaded: checkpoint.Loaded, files: Sequence[Path], search: Search = BEAM, report: Report = lambda done, total: None
) -> list[str]:
    """The captions of picture files.

    Args:
        report: Called with (done, total) pictures.

    Raises:
        PictureError: one is no picture.
        CheckpointError: the captioner's encoder is not here.
    """
    look, found = eye(loaded), []
    module: Any = loaded.module
    for start in range(0, len(files), SIDE_BY_SIDE):
        report(start, len(files))
        features = look([squashed(opened(file)) for file in files[start : start + SIDE_BY_SIDE]])
        found += [each.text for each in describe_all(module, loaded.vocab, [features], search)]
    report(len(files), len(files))
    return found


def evaluate(
    loaded: checkpoint.Loaded, path: str | os.PathLike, report: Report = lambda done, total: None, width: int = BEAM.width
) -> dict[str, Any]:
    """How a captioner does on every picture of a folder with `images/` and `Flickr8k.token.txt`; lists are not asked for.

    Args:
        loaded: A captioner.
        path: The folder.
        report: Called with (done, total) pictures.
        width: Of the beam.

    Returns:
        bleu (1 to 4, with brevity penalty), cider_d, images, and what goes with them; `missing`: pictures with captions but no file.
    """
    data = captions.read(path)
    names = tuple(data.captions)
    found = captions_of(loaded, data.files(names), replace(BEAM, width=width), report)
    return scored(found, data.said(names)) | {"beam": width, "missing": data.missing}


def compare(each: dict[str, checkpoint.Loaded], data: Collection, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Several captioners on the dev pictures, each held against the first by a paired bootstrap of BLEU-4, beam 3.

    Returns:
        For "all": by name bleu, interval and p.

    Raises:
        TrainingError: there is no list of dev pictures.
    """
    _, dev = _parts(data)
    found = {name: captions_of(loaded, data.files(dev), BEAM, report) for name, loaded in each.items()}
    return {"all": bleu.paired(found, in_form(data.said(dev)))}
