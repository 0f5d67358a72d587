"""Very small captioners with random weights, and pictures and captions drawn for the tests."""

import random
from pathlib import Path

import torch
from PIL import Image

from models import checkpoint
from models.captioning.feature_cache import encoder_sha256
from models.captioning.network import Captioner
from models.checkpoint import Loaded
from models.scenes.network import SceneCaptioner
from models.scenes.training import drawn, vocabulary
from models.vocabulary.subwords import END
from models.vocabulary.words import Words
from tests.models.tiny import sharpen

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230)}
SIDES = ("left", "right")
WORDS = Words.learn([f"a {colour} field with a {other} ball on the {side}" for colour in COLOURS for other in COLOURS for side in SIDES], 1)


def network(attention: str = "soft", vocab_size: int = 7, seed: int = 0, cells: int = 4, channels: int = 5) -> Captioner:
    """Far from uniform everywhere, so that a mistake shows."""
    torch.manual_seed(seed)
    module = Captioner(vocab_size, attention, cells, channels, units=6, embedding=5, width=4)
    with torch.no_grad():
        module.average.copy_(torch.randn(cells, channels).half())
    sharpen(module)
    return module.eval().requires_grad_(False)


def tiny_captioner(attention: str = "soft", seed: int = 0, view: str = "middle") -> Loaded:
    """One that reads the regions of the shipped encoder."""
    cells, channels = {"middle": (196, 112), "late": (49, 1280)}[view]
    module = network(attention, len(WORDS), seed, cells, channels)
    arguments = {"vocab_size": len(WORDS), "attention": attention, "cells": cells, "channels": channels}
    card = {"kind": "captioner", "arguments": arguments | {"units": 6, "embedding": 5, "width": 4}, "parameters": 1}
    card |= {"encoder": {"name": "caption-encoder", "view": view, "sha256": encoder_sha256()}} | WORDS.card()
    return Loaded("tiny", module, WORDS, card)


def save_tiny_captioner(path, **arguments) -> Loaded:
    loaded = tiny_captioner(**arguments)
    checkpoint.save(loaded.module, loaded.card, path)
    return loaded


def tiny_scenes(attention: str = "soft", seed: int = 0) -> Loaded:
    """One that reads drawn scenes with its own convolutions."""
    sizes = {"attention": attention, "units": 40, "embedding": 12, "width": 8}
    torch.manual_seed(seed + 5)  # two or three words, not the same of all scenes
    module = SceneCaptioner(len(vocabulary()), **sizes)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.mul_(1 if name.startswith("eyes") else 5 if name.startswith(("region", "key", "query", "weight")) else 3)
            if name == "bias":
                parameter.normal_()
                parameter[END] += 5
            parameter.copy_(parameter.half().float())
        module.average.copy_(module.look(drawn(range(3))[1]).mean(0).half())
    card = {"kind": "scenes", "arguments": {"vocab_size": len(vocabulary())} | sizes} | vocabulary().card()
    return Loaded("tiny", module.eval().requires_grad_(False), vocabulary(), card)


def save_tiny_scenes(path, **arguments) -> Loaded:
    loaded = tiny_scenes(**arguments)
    checkpoint.save(loaded.module, loaded.card, path)
    return loaded


def field(colour: str, other: str, side: str, size=(32, 32)) -> Image.Image:
    """One colour, with a square of another at the left or right."""
    picture = Image.new("RGB", size, COLOURS[colour])
    left = 0 if side == "left" else size[0] * 2 // 3
    picture.paste(COLOURS[other], (left, size[1] // 3, left + size[0] // 3, size[1] * 2 // 3))
    return picture


def collection(folder: Path, train: int = 24, dev: int = 6, seed: int = 0) -> Path:
    """A folder laid out as Flickr8k: pictures, five captions each, and two lists."""
    drawn = random.Random(seed)
    (folder / "images").mkdir(parents=True)
    lines, names = [], []
    for index in range(train + dev):
        colour, other, side = drawn.choice(list(COLOURS)), drawn.choice(list(COLOURS)), drawn.choice(SIDES)
        names.append(f"{index:03d}.jpg")
        size = (24 + index, 32)  # no two files are the same
        field(colour, other, side, size).save(folder / "images" / names[-1], quality=95)
        captions = [
            f"A {colour} field with a {other} ball on the {side} .",
            f"a {colour} field , with a {other} ball",
            f"There is a {other} ball on a {colour} field .",
            f"A {other} ball on the {side} .",
            f"a {colour} field",
        ]
        lines += [f"{names[-1]}#{position}\t{caption}" for position, caption in enumerate(captions)]
    (folder / "Flickr8k.token.txt").write_text("\n".join([*lines, "gone.jpg.1#0\tA caption without a picture ."]) + "\n")
    (folder / "Flickr_8k.trainImages.txt").write_text("\n".join(names[:train]) + "\n")
    (folder / "Flickr_8k.devImages.txt").write_text("\n".join(names[train:]) + "\n")
    return folder
