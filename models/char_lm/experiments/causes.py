"""Are the units of a card used? The extra cost without each unit where its concept is needed, and elsewhere; writes CORPUS-causes.json.

The unit of each concept was chosen on the first pages of the dev split, by correlation. Here every unit of the network is silenced
in passages of the later pages, in which each concept is needed as often as possible. The result contains no text.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

import models
from explorer.analysis.tracks import CONCEPTS, needed
from explorer.analysis.unit_effects import unit_effect
from models import corpora
from models.char_lm.experiments.gradients import networks_of
from models.char_lm.experiments.held import ELSEWHERE, MEAN, ZERO
from models.char_lm.experiments.unit_effects import all_effects, all_units, chosen_parts, passages
from models.char_lm.experiments.units import Options as UnitOptions
from models.char_lm.experiments.units import first_pages
from models.char_lm.reading import read
from models.checkpoint import Loaded, fingerprint
from models.measurement import Measured, Report, Subject

PASSAGE = 256
FEWEST = 10  # places at which a concept is needed; fewer are left out
REPLACEMENTS = (ZERO, MEAN, ELSEWHERE)


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of the training text."] = None
    passages: Annotated[int, f"Number of passages of {PASSAGE} characters."] = 40
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-causes.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Silence every unit in passages of the dev split, to see which are used for their concept; writes CORPUS-causes.json.

    For a network alone, the results of the others stay in the file.
    """
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: UnitOptions().characters]
    later = text[int(first_pages(corpus, text).sum()) :]
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-causes.json"
    networks, lines = _earlier(file), []
    for name in networks_of(corpus) if subject.file is None else [subject.name]:
        loaded = models.load(name)
        causes = causes_of(loaded, later, options.passages)
        networks[name] = {"weights": fingerprint(loaded), "causes": causes}
        lines += [f"{name} {as_text(entry)}" for entry in causes]
        report(f"{name}: done")
    values = {"passage": PASSAGE, "networks": networks}
    return Measured(values, tuple(lines), files={file: json.dumps(values, separators=(",", ":")) + "\n"})


def _earlier(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))["networks"] if file.exists() else {}


def causes_of(loaded: Loaded, text: str, count: int) -> list[dict[str, Any]]:
    """For each concept of the card, the effect of its unit with each replacement, and the unit that matters most there.

    Args:
        loaded: The network, with measured units in its card.
        text: Text on which no unit was chosen.
        count: Number of passages in which every unit is silenced.
    """
    lines = loaded.card.get("units", [])
    places = {line["concept"]: needed(text, line["concept"]) for line in lines if line["concept"] in CONCEPTS}
    if not places:
        return []
    chosen = passages(loaded, read(loaded, text, window=PASSAGE), chosen_parts(places, PASSAGE, count))
    units = all_units(loaded)
    effects = {instead: all_effects(loaded, chosen, units, instead) for instead in REPLACEMENTS}
    counted = np.concatenate([np.arange(len(text))[one.counted] for one in chosen])
    return list(_entries(lines, {name: where[counted] for name, where in places.items()}, units, effects))


def _entries(lines: Iterable[dict], places: Mapping[str, np.ndarray], units: list, effects: Mapping[str, np.ndarray]) -> Iterable[dict]:
    """A concept, its unit, and the effects [unit, time] of each replacement at its places."""
    for line in lines:
        where = places.get(line["concept"])
        if where is None or where.sum() < FEWEST:
            continue
        unit = units.index((line["layer"], line["unit"]))
        entry: dict[str, Any] = {"concept": line["concept"], "layer": line["layer"], "unit": line["unit"], "predictions": len(where)}
        yield entry | {instead: _effect(values, where, unit, units) for instead, values in effects.items()}


def _effect(values: np.ndarray, where: np.ndarray, unit: int, units: list) -> dict[str, Any]:
    effect = unit_effect(values, where, unit)
    there = values[:, where].mean(axis=1)
    fields = asdict(effect) | {"most": list(units[int(there.argmax())]), "most_there": float(there.max()), "is_used": effect.is_used}
    del fields["unit"]
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in fields.items()}


def as_text(entry: Mapping[str, Any]) -> str:
    """An entry as a line of text."""
    parts = [
        f"{instead} {one['there']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}] elsewhere {one['elsewhere']:+.3f} "
        f"chance {one['chance']:.3f} rank {one['rank']}{' used' if one['is_used'] else ''}"
        for instead, one in ((name, entry[name]) for name in REPLACEMENTS)
    ]
    return f"{entry['concept']}: layer {entry['layer'] + 1} unit {entry['unit']} ({entry[ZERO]['places']} places)  " + "; ".join(parts)
