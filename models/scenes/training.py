"""Training of scene captioners on newly generated scenes, and the card of the checkpoint."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import checkpoint
from models.captioning import training
from models.captioning.caption import SIDE_BY_SIDE, describe_all
from models.captioning.images import Box
from models.captioning.losses import nats
from models.captioning.training import GREEDY, numbers
from models.corpora import origin, sha256
from models.scenes import FAMILY, examples, pointing_game
from models.scenes import data as scenes_data
from models.scenes.data import DEV, Scene
from models.scenes.network import SceneCaptioner
from models.training import Job, Recipe, Trainer, kept_state, pack, restore, resume
from models.vocabulary.words import FIXED, Words

UPDATES = 250  # updates per "epoch"; scenes are never repeated
SAID = 4  # captions per scene, sampled from all true ones
LISTENED, SCORED = 200, 1_000  # scenes for each dev score and for the card
Report = Callable[[int, int], None]
evaluate = training.evaluate


def vocabulary() -> Words:
    """All words that captions of scenes can contain."""
    said = ("a", "an", "at", "the", "top", "bottom", "left", "right", "centre", "of", "above", "below")
    return Words((*FIXED, *said, *scenes_data.SHAPES, *scenes_data.COLOURS))


def drawn(numbers: Sequence[int], is_flat: bool = False) -> tuple[list[Scene], list[np.ndarray]]:
    """Scenes and their pictures, each [row, column, channel]; see `picture` for flat ones."""
    scenes = [scenes_data.scene(index) for index in numbers]
    return scenes, [np.asarray(scenes_data.picture(scene, is_flat=is_flat)) for scene in scenes]


def said_of(scene: Scene, seed: int) -> list[str]:
    """A random sample of the true captions of a scene; the same seed gives the same sample."""
    every = scenes_data.captions(scene)
    return [caption.text for caption in random.Random(f"said {seed}").sample(every, min(SAID, len(every)))]


def job(module: SceneCaptioner, words: Words, score: Callable[[nn.Module], float], recipe: Recipe, about: dict[str, Any]) -> Job:
    """Training with teacher forcing on newly generated scenes; encoder and decoder are trained jointly.

    Args:
        module: A network on the training device.
        words: Its vocabulary.
        score: Dev score, lower is better.
        recipe: The recipe; its batch size is in scenes, its seed determines the first scene.
        about: Options of the loss, see `captioning.losses.nats`, and `is_flat`, whether its pictures are flat; default False.
    """
    is_flat = about.get("is_flat", False)

    def batches(epoch: int) -> Iterator[list[int]]:
        first = (recipe.seed * 10_000 + epoch) * UPDATES * recipe.batch
        for update in range(UPDATES):
            yield list(range(first + update * recipe.batch, first + (update + 1) * recipe.batch))

    def loss(module: Any, batch: list[int], carry: Any) -> tuple[Tensor, Any]:
        scenes, pictures = drawn(batch, is_flat)
        captions = numbers(words, [said_of(scene, index) for scene, index in zip(scenes, batch, strict=True)])
        return nats(module, module.look(pictures), captions, about), None

    return Job(module, batches, loss, score, UPDATES)


def dev_nats(words: Words, is_flat: bool = False) -> Callable[[nn.Module], float]:
    """Cross-entropy in nats per word of true captions of dev scenes."""
    which = range(DEV, DEV + LISTENED)
    scenes, pictures = drawn(which, is_flat)
    captions = numbers(words, [said_of(scene, index) for scene, index in zip(scenes, which, strict=True)])

    def score(module: Any) -> float:
        with torch.inference_mode():
            return float(nats(module, module.look(pictures), captions, {"smoothing": 0.0, "coverage": 0.0}))

    return score


def trainers(name: str, data: None, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer]:
    """The stages of a recipe, each ready to start or to resume from its state file; the last one sees the scenes as they are shown.

    Raises:
        TrainingError: a state file belongs to another recipe.
    """
    about = FAMILY.recipes[name]
    words = vocabulary()
    torch.manual_seed(about["recipe"].get("seed", 1))
    module = SceneCaptioner(len(words), **about["arguments"]).to(device)
    files = states(name, state)
    for stage, file in enumerate(files):
        recipe, is_flat = Recipe(**about[("recipe", "then")[stage]]).lasting(epochs), file != state
        if stage:
            module.load_state_dict(kept_state(files[0])["best"])
        options = about["loss"] | {"is_flat": is_flat}
        yield resume(job(module, words, dev_nats(words, is_flat), recipe, options), recipe, file)


def states(name: str, state: Path) -> list[Path]:
    """The state files of a recipe's stages; the last one gives the published network."""
    return [state.with_stem(f"{state.stem}-flat"), state] if "then" in FAMILY.recipes[name] else [state]


def finish(name: str, state: Path, data: None, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Saves the best weights of a training state as a checkpoint with its full card; returns the card.

    Args:
        name: A recipe of a scene captioner.
        state: State file of its training, running or finished.
        data: None, because scenes are generated.
        target: The checkpoint to write.
        report: Called with (done, total) parts of the scoring.

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to another recipe.
    """
    about, words = FAMILY.recipes[name], vocabulary()
    arguments = {"vocab_size": len(words)} | about["arguments"]
    module = SceneCaptioner(**arguments)
    kept = restore(module, state, name)
    stages = [kept_state(file) for file in states(name, state)]
    with torch.inference_mode():
        module.average.copy_(module.look(drawn(range(SCORED))[1]).mean(0))
    card = {"kind": FAMILY.kind, "name": name, "arguments": arguments} | words.card()
    captions = [said.text for index in range(DEV, DEV + SCORED) for said in scenes_data.captions(scenes_data.scene(index))]
    split = f"scenes from number {DEV:,} on are dev; no training comes so far, and none sees a scene twice"
    card["data"] = origin("scenes") | {"sha256": sha256("\n".join(captions)), "split": split}  # of all true captions of the dev scenes
    then = {"then": kept["recipe"]} if "then" in about else {}
    card["recipe"] = stages[0]["recipe"] | {"loss": about["loss"], "scenes_an_epoch": UPDATES * kept["recipe"]["batch"]} | then
    card["curve"] = [{"stage": index} | row for index, stage in enumerate(stages, 1) for row in stage["curve"]]

    def measure(loaded: checkpoint.Loaded) -> dict[str, Any]:
        return {"scores": card_scores(loaded, report), "examples": examples.occlusion_examples(loaded, report)}

    return pack(module, kept, card, target, measure)


def card_scores(loaded: checkpoint.Loaded, report: Report) -> dict[str, Any]:
    """Share of true greedy captions on dev scenes, and the pointing game of their attention."""
    scenes, pictures = drawn(range(DEV, DEV + SCORED))
    captions, true, names, right = [], 0, 0, 0
    module: Any = loaded.module
    for start in range(0, len(scenes), SIDE_BY_SIDE):
        report(start, len(scenes))
        part = slice(start, start + SIDE_BY_SIDE)
        with torch.inference_mode():
            features = module.look(pictures[part])
        for scene, picture, caption in zip(
            scenes[part], pictures[part], describe_all(module, loaded.vocab, [features], GREEDY), strict=True
        ):
            words = tuple(caption.text.split())
            true += scenes_data.is_true(scene, words)
            named = scenes_data.named_things(scene, words)
            names += sum(word in scenes_data.SHAPES for word in words)
            right += sum(thing is not None for word, thing in zip(words, named, strict=True) if word in scenes_data.SHAPES)
            captions.append(_grounded(scene, words, caption.hypotheses[0].attention, picture))
    report(len(scenes), len(scenes))
    scores = {"split": "dev", "true_captions": true / len(scenes), "named_right": right / max(1, names), "scenes": len(scenes)}
    return scores | ({"pointing": pointing_game.game(captions)} if module.looks else {})


def _grounded(scene: Scene, words: tuple[str, ...], attention: np.ndarray | None, picture: np.ndarray) -> pointing_game.GroundedCaption:
    named = scenes_data.named_things(scene, words)
    boxes: tuple[Box | None, ...] = tuple(None if thing is None else scene.things[thing].box() for thing in named)
    sizes = tuple("" if thing is None else scene.things[thing].size for thing in named)
    weights = np.zeros((len(words), 1)) if attention is None else attention[: len(words)]
    return pointing_game.GroundedCaption(words, weights, boxes, sizes, picture)
