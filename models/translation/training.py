"""Training of translation networks: batches, loss, dev score, evaluation, and the card of the checkpoint."""

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models import checkpoint
from models.decoding import Search
from models.family import TrainingError
from models.files import write_atomically
from models.metrics import bleu
from models.training import Job, Recipe, Trainer, pack, restore, resume
from models.translation import FAMILY
from models.translation import data as translation_data
from models.translation import examples as translation_examples
from models.translation.network import Seq2Seq, batch_of
from models.translation.translate import BEAM, GREEDY, translate_all
from models.vocabulary.subwords import END, PAD, START, Subwords

VOCABULARY = 4_000  # subwords of both languages together
LISTENED = 600  # dev sources translated for each dev score during training
Report = Callable[[int, int], None]
Examples = list[tuple[list[int], list[int]]]


def examples_of(pieces: Subwords, sentences: Sequence[translation_data.Pair]) -> Examples:
    """Pairs as subword ids, each sentence with its end mark."""
    sources, targets = (pieces.encode_all([pair[side] for pair in sentences]) for side in (0, 1))
    return [([*source, END], [*target, END]) for source, target in zip(sources, targets, strict=True)]


def job(module: Seq2Seq, examples: Examples, score: Callable[[nn.Module], float], recipe: Recipe, smoothing: float) -> Job:
    """Training with teacher forcing on batches of pairs of similar length.

    Args:
        module: A network on the training device.
        examples: The training examples.
        score: Dev score, lower is better.
        recipe: The recipe; its batch size is in sentences.
        smoothing: Label smoothing: share of each target that is spread over all subwords (Szegedy et al., 2016).
    """
    device = next(module.parameters()).device

    def batches(epoch: int) -> Iterator[Examples]:
        yield from like_lengths(examples, recipe.batch, seed=recipe.seed * 1_000 + epoch)

    def loss(module: nn.Module, batch: Examples, carry: Any) -> tuple[Tensor, Any]:
        source, lengths = batch_of([source for source, _ in batch])
        target, _ = batch_of([[START, *target] for _, target in batch])
        target = target.to(device)
        logits = module(source.to(device), target[:, :-1], lengths)
        wanted = target[:, 1:].flatten()
        return nn.functional.cross_entropy(logits.flatten(0, 1), wanted, ignore_index=PAD, label_smoothing=smoothing), None

    return Job(module, batches, loss, score, -(-len(examples) // recipe.batch))


def like_lengths(examples: Examples, batch: int, seed: int) -> Iterator[Examples]:
    """Batches of sentences of similar length, in random order; the same seed gives the same batches."""
    drawn = random.Random(seed)
    order = drawn.sample(range(len(examples)), len(examples))
    order.sort(key=lambda row: (len(examples[row][0]), len(examples[row][1])))  # stable: sentences of equal length stay shuffled
    starts = list(range(0, len(order), batch))
    drawn.shuffle(starts)
    for start in starts:
        yield [examples[row] for row in order[start : start + batch]]


def dev_score(pieces: Subwords, references: dict[str, list[str]]) -> Callable[[nn.Module], float]:
    """Minus the BLEU of some dev sources with all their references, in [-100, 0]; lower is better."""
    listened = dict(list(references.items())[:: max(1, len(references) // LISTENED)])

    def score(module: Any) -> float:
        translated = translate_all(module, pieces, list(listened), GREEDY)
        return -bleu.bleu([translation.text for translation in translated], list(listened.values()))

    return score


def trainers(
    name: str, data: list[translation_data.Pair], state: Path, device: str = "cpu", epochs: float | None = None
) -> Iterator[Trainer]:
    """The training of a translation recipe, ready to start or to resume from its state file.

    Raises:
        TrainingError: the state file belongs to another recipe or to other pairs.
        DataError: there are too few pairs.
    """
    about = FAMILY.recipes[name]
    recipe = Recipe(**about["recipe"]).lasting(epochs)
    parts = translation_data.split(data)
    pieces = pieces_beside(state, parts.train)
    train, dev = (translation_data.turned(part, about["direction"]) for part in (parts.train, parts.dev))
    torch.manual_seed(recipe.seed)
    module = Seq2Seq(len(pieces), **about["arguments"]).to(device)
    score = dev_score(pieces, translation_data.grouped(dev))
    yield resume(job(module, examples_of(pieces, train), score, recipe, about["smoothing"]), recipe, state)


def pieces_beside(state: Path, train: Sequence[translation_data.Pair]) -> Subwords:
    """The joint vocabulary of the training pairs: learnt once, then kept next to the state file, which is useless without it.

    Raises:
        TrainingError: the file of the vocabulary is damaged.
    """
    file = state.with_suffix(".pieces.json")
    if not file.exists():
        pieces = Subwords.learn((sentence for pair in train for sentence in pair), VOCABULARY)
        write_atomically(file, json.dumps(pieces.card()).encode())
    try:
        return Subwords.of_card(json.loads(file.read_bytes()))
    except (ValueError, AttributeError) as error:
        raise TrainingError(f"{file} is not a valid vocabulary ({error}). Delete it and {state.name}, then start again.") from None


def finish(
    name: str, state: Path, data: list[translation_data.Pair], target: Path, report: Report = lambda done, total: None
) -> dict[str, Any]:
    """Saves the best weights of a training state as a checkpoint with its full card; returns the card.

    The scores are those of the saved float16 weights, read back from the file, on all of dev.

    Args:
        name: A translation recipe.
        state: State file of its training, running or finished, with the vocabulary next to it.
        data: All pairs, training and dev.
        target: The checkpoint to write.
        report: Called with (done, total) dev sources.

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to another recipe.
    """
    about, parts = FAMILY.recipes[name], translation_data.split(data)
    pieces = pieces_beside(state, parts.train)
    arguments = {"vocab_size": len(pieces)} | about["arguments"]
    module = Seq2Seq(**arguments)
    kept = restore(module, state, name)
    card = {"kind": FAMILY.kind, "name": name, "direction": about["direction"], "arguments": arguments} | pieces.card()
    card |= {"data": translation_data.data_card(about["corpus"], data, parts), "recipe": kept["recipe"] | {"smoothing": about["smoothing"]}}
    card["curve"] = [{key: value for key, value in row.items() if key != "dev"} | {"bleu": -row["dev"]} for row in kept["curve"]]

    def measure(loaded: checkpoint.Loaded) -> dict[str, Any]:
        return {"scores": card_scores(loaded, parts, report), "example": translation_examples.best_example(loaded)}

    return pack(module, kept, card, target, measure)


def evaluate(
    loaded: checkpoint.Loaded, path: str | os.PathLike, report: Report = lambda done, total: None, width: int = BEAM.width
) -> dict[str, Any]:
    """Scores of a network on the pairs of a file, grouped by source, with every target as a reference; see `scored`.

    Args:
        loaded: A translation network; for fr-en the columns are swapped.
        path: Text file: English, tab, French; further columns are ignored.
        width: Beam width.

    Raises:
        DataError: the file is missing, empty, not UTF-8 or not of this form.
    """
    references = translation_data.grouped(translation_data.turned(translation_data.read(path), loaded.card["direction"]))
    return scored(
        list(references), list(references.values()), translations(loaded, list(references), replace(BEAM, width=width), report)
    ) | {"beam": width}


def translations(loaded: checkpoint.Loaded, sources: list[str], search: Search, report: Report = lambda done, total: None) -> list[str]:
    """The translations of sentences, as text."""
    module: Any = loaded.module
    return [translation.text for translation in translate_all(module, loaded.vocab, sources, search, report)]


def scored(sources: list[str], references: list[list[str]], translated: list[str]) -> dict[str, Any]:
    """BLEU, chrF and related scores, for all sentences and by source length in words; empty length ranges are omitted."""
    by_length = {}
    for index, name in enumerate(translation_data.bucket_names()):
        rows = [row for row, source in enumerate(sources) if translation_data.bucket(source) == index]
        if rows:
            by_length[name] = bleu.with_interval([translated[row] for row in rows], [references[row] for row in rows])
    whole = bleu.scores(translated, references) | {"interval": bleu.with_interval(translated, references)["interval"]}
    return whole | {"beam": BEAM.width, "bleu_by_length": by_length}


def card_scores(loaded: checkpoint.Loaded, parts: translation_data.Split, report: Report) -> dict[str, Any]:
    """All dev scores of a card.

    "one_reference" scores each pair separately, with one reference only; it is lower, because the same translation is
    compared with every target of its source. "far_from_training" excludes sources with a near twin in training; the entry is
    absent if no source remains.
    """
    train, dev = (translation_data.turned(part, loaded.card["direction"]) for part in (parts.train, parts.dev))
    references = translation_data.grouped(dev)
    sources = list(references)
    translated = dict(zip(sources, translations(loaded, sources, BEAM, report), strict=True))
    plain = translations(loaded, sources, GREEDY)
    twins = translation_data.near_twins(sources, (source for source, _ in train))
    far = [source for source in sources if source not in twins]
    scores = {"split": "dev"} | scored(sources, list(references.values()), list(translated.values()))
    scores["greedy_bleu"] = bleu.bleu(plain, list(references.values()))
    scores["one_reference"] = bleu.with_interval([translated[source] for source, _ in dev], [[target] for _, target in dev])
    if far:
        scores["far_from_training"] = bleu.with_interval([translated[source] for source in far], [references[source] for source in far])
    return scores


def compare(
    networks: dict[str, checkpoint.Loaded], data: list[translation_data.Pair], report: Report = lambda done, total: None
) -> dict[str, Any]:
    """Several networks on the dev part of the same pairs, each compared with the first by a paired bootstrap.

    Args:
        networks: Networks of one direction, by name.
        data: The pairs they were trained on.

    Returns:
        For each range of source length, and for "all": bleu, interval and p by network name.

    Raises:
        TrainingError: the networks translate in different directions.
    """
    directions = {loaded.card["direction"] for loaded in networks.values()}
    if len(directions) != 1:
        raise TrainingError(f"The networks translate {' and '.join(sorted(directions))}; expected one direction, to compare them.")
    references = translation_data.grouped(translation_data.turned(translation_data.split(data).dev, directions.pop()))
    sources, wanted = list(references), list(references.values())
    translated = {name: translations(loaded, sources, BEAM, report) for name, loaded in networks.items()}
    result = {"all": bleu.paired(translated, wanted)}
    for index, name in enumerate(translation_data.bucket_names()):
        rows = [row for row, source in enumerate(sources) if translation_data.bucket(source) == index]
        if rows:
            result[name] = bleu.paired(
                {key: [texts[row] for row in rows] for key, texts in translated.items()}, [wanted[row] for row in rows]
            )
    return result
