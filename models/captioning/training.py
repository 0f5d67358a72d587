"""Training of captioners: batches, losses, dev score, evaluation, and the card of the checkpoint."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models import checkpoint
from models.captioning import FAMILY, encoder
from models.captioning import data as captioning_data
from models.captioning.caption import BEAM, LONGEST, SIDE_BY_SIDE, describe_all, feature_extractor
from models.captioning.data import Collection
from models.captioning.encoder import VIEWS
from models.captioning.feature_cache import FeatureCache, encoder_sha256
from models.captioning.images import opened, squashed
from models.captioning.losses import Examples, in_numbers, job, nats, self_critical
from models.captioning.network import Captioner
from models.captioning.scores import PUBLISHED, against_four, in_form, scored
from models.decoding import Search
from models.family import TrainingError
from models.metrics import bleu
from models.metrics.cider import rarity
from models.training import Recipe, Trainer, kept_state, pack, restore, resume
from models.vocabulary.subwords import END
from models.vocabulary.words import Words

GREEDY = Search(width=1, longest=LONGEST)
REGIONS = "regions"  # folder of cached encoder features, next to the training states
TURNED = {"left": "right", "right": "left", "lefthand": "righthand", "righthand": "lefthand"}
Report = Callable[[int, int], None]


def mirrored(caption: str) -> str:
    """The caption of a mirrored picture: left and right swapped."""
    return " ".join(TURNED.get(word, word) for word in caption.lower().split())


def numbers(words: Words, said: Sequence[Sequence[str]], turned: bool = False) -> list[list[list[int]]]:
    """The captions of pictures as word ids with end marks, [picture][caption]."""
    return [[[*words.encode(mirrored(caption) if turned else caption), END] for caption in captions] for captions in said]


def dev_score(words: Words, features: Tensor, references: Sequence[Sequence[str]]) -> Callable[[nn.Module], float]:
    """Minus the BLEU-4 of greedy captions of dev pictures [picture, in, channel], in [-100, 0]; lower is better."""
    wanted = in_form(references)

    def score(module: Any) -> float:
        captions = describe_all(module, words, features.split(SIDE_BY_SIDE), GREEDY)
        return -bleu.bleu([caption.text for caption in captions], wanted)

    return score


def trainers(
    name: str, data: Collection, state: Path, device: str = "cpu", epochs: float | None = None
) -> Iterator[Trainer | FeatureCache]:
    """The stages of a recipe: encoding every picture once, the training, and the second training stage if the recipe has one.

    Raises:
        TrainingError: there are no lists of training and dev pictures, or a state file belongs to another recipe or other pictures.
    """
    about = FAMILY.recipes[name]
    train, dev = _parts(data)
    seen = [FeatureCache(data.files(part), about["view"], state.parent / REGIONS, turned) for part, turned in _wanted(about, train, dev)]
    yield from seen
    words = Words.learn((caption for said in data.said(train) for caption in said), about["at_least"])
    turned = (False, True)[: 1 + about["mirrored"]]
    features = tuple(seen[0].read(data.files(train), mirror) for mirror in turned)
    torch.manual_seed(about["recipe"].get("seed", 1))
    module = Captioner(**_arguments(name, words))
    module.average.copy_(features[0].mean(0, dtype=torch.float32))
    module.to(device)
    score = dev_score(words, seen[1].read(data.files(dev)), data.said(dev))
    examples = Examples(features, tuple(numbers(words, data.said(train), mirror) for mirror in turned))
    losses = [partial(nats, about=about["loss"])]
    if "then" in about:
        losses.append(
            partial(self_critical, known=rarity(in_numbers(captions) for captions in examples.captions[0]), count=about["samples"])
        )
    for stage, (file, loss) in enumerate(zip(states(name, state), losses, strict=True)):
        recipe = Recipe(**about[("recipe", "then")[stage]]).lasting(epochs)
        if stage:
            module.load_state_dict(kept_state(states(name, state)[0])["best"])
        yield resume(job(module, examples, score, recipe, loss), recipe, file)


def states(name: str, state: Path) -> list[Path]:
    """The state files of a recipe's training stages; the last one gives the published network."""
    return [state.with_stem(f"{state.stem}-forced"), state] if "then" in FAMILY.recipes[name] else [state]


def _parts(data: Collection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    train, dev = (data.parts.get(part, ()) for part in ("train", "dev"))
    if not train or not dev:
        lists = ", ".join(captioning_data.LISTS.values())
        raise TrainingError(f"{data.folder} has {len(train)} training and {len(dev)} dev pictures. Expected the lists {lists}.")
    return train, dev


def _wanted(about: dict[str, Any], train: tuple[str, ...], dev: tuple[str, ...]) -> list[tuple[tuple[str, ...], bool]]:
    return [(train, about["mirrored"]), (dev, False)]


def _arguments(name: str, words: Words) -> dict[str, Any]:
    view = VIEWS[FAMILY.recipes[name]["view"]]
    sizes = {"vocab_size": len(words), "cells": view.grid[0] * view.grid[1], "channels": view.channels}
    return sizes | FAMILY.recipes[name]["arguments"]


def finish(name: str, state: Path, data: Collection, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Saves the best weights of a training state as a checkpoint with its full card; returns the card.

    The scores are those of the saved float16 weights, read back from the file, on all of dev.

    Args:
        name: A recipe of a captioner.
        state: State file of its training, running or finished.
        data: All pictures, training and dev.
        target: The checkpoint to write.
        report: Called with (done, total) parts of the scoring.

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to another recipe or other pictures.
    """
    about, (train, dev) = FAMILY.recipes[name], _parts(data)
    words = Words.learn((caption for said in data.said(train) for caption in said), about["at_least"])
    arguments = _arguments(name, words)
    module = Captioner(**arguments)
    kept = restore(module, state, name)
    card = {"kind": FAMILY.kind, "name": name, "arguments": arguments} | words.card()
    card |= {"encoder": {"name": encoder.NAME, "view": about["view"], "sha256": encoder_sha256()}}
    trained = {key: about[key] for key in ("loss", "mirrored", "at_least")}
    stages = [kept_state(file) for file in states(name, state)]
    trained |= {"then": kept["recipe"] | {"samples": about["samples"]}} if "then" in about else {}
    card |= {"data": captioning_data.data_card(data, about["corpus"]), "recipe": stages[0]["recipe"] | trained}
    card["curve"] = [_curve_row(row, stage_number) for stage_number, stage in enumerate(stages, 1) for row in stage["curve"]]
    cache = FeatureCache(data.files(dev), about["view"], state.parent / REGIONS)
    cache.run()
    seen, said = cache.read(data.files(dev)), data.said(dev)
    return pack(module, kept, card, target, lambda loaded: {"scores": card_scores(loaded, seen, said, report)})


def _curve_row(row: dict[str, float], stage: int) -> dict[str, float]:
    return {"stage": stage} | {key: value for key, value in row.items() if key != "dev"} | {"bleu_4": -row["dev"]}


def card_scores(loaded: checkpoint.Loaded, features: Tensor, references: Sequence[Sequence[str]], report: Report) -> dict[str, Any]:
    """All dev scores of a card; `bleu_4` is that of beam width 3.

    Args:
        loaded: A captioner.
        features: Features of the dev pictures, [picture, in, channel].
        references: Human captions of each picture.
        report: Called with (done, total) parts of the pictures, for each beam width.
    """
    module: Any = loaded.module
    beams, four = {}, {}
    for search in (GREEDY, BEAM):
        captions = [caption.text for caption in describe_all(module, loaded.vocab, features.split(SIDE_BY_SIDE), search, report)]
        beams[str(search.width)] = scored(captions, references)
        four[str(search.width)] = against_four(captions, references)
    scores = {"split": "dev", "bleu_4": beams[str(BEAM.width)]["bleu"][3], "beams": beams}
    return scores | {"against_four": {"people": against_four(None, references)} | four, "published": PUBLISHED}


def captions_of(
    loaded: checkpoint.Loaded, files: Sequence[Path], search: Search = BEAM, report: Report = lambda done, total: None
) -> list[str]:
    """The captions of picture files.

    Args:
        report: Called with (done, total) pictures.

    Raises:
        PictureError: a file is not a picture.
        CheckpointError: the captioner's encoder is missing.
    """
    look, captions = feature_extractor(loaded), []
    module: Any = loaded.module
    for start in range(0, len(files), SIDE_BY_SIDE):
        report(start, len(files))
        features = look([squashed(opened(file)) for file in files[start : start + SIDE_BY_SIDE]])
        captions += [caption.text for caption in describe_all(module, loaded.vocab, [features], search)]
    report(len(files), len(files))
    return captions


def evaluate(
    loaded: checkpoint.Loaded, path: str | os.PathLike, report: Report = lambda done, total: None, width: int = BEAM.width
) -> dict[str, Any]:
    """Scores of a captioner on every picture of a folder with `images/` and `Flickr8k.token.txt`; no lists are needed.

    Args:
        loaded: A captioner.
        path: The folder.
        report: Called with (done, total) pictures.
        width: Beam width.

    Returns:
        bleu (1 to 4, with brevity penalty), cider_d, images, and related values; `missing`: pictures with captions but no file.
    """
    data = captioning_data.read(path)
    names = tuple(data.captions)
    captions = captions_of(loaded, data.files(names), replace(BEAM, width=width), report)
    return scored(captions, data.said(names)) | {"beam": width, "missing": data.missing}


def compare(networks: dict[str, checkpoint.Loaded], data: Collection, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Several captioners on the dev pictures, each compared with the first by a paired bootstrap of BLEU-4, beam width 3.

    Returns:
        For "all": bleu, interval and p by network name.

    Raises:
        TrainingError: there is no list of dev pictures.
    """
    _, dev = _parts(data)
    captions = {name: captions_of(loaded, data.files(dev), BEAM, report) for name, loaded in networks.items()}
    return {"all": bleu.paired(captions, in_form(data.said(dev)))}
