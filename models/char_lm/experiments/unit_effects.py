"""What a character network loses without each of its units: all units silenced one by one, many in one run.

Each row of a batch reads the same text with another unit held, so that all rows share the products of the layers below.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import explorer
from explorer.analysis.unit_effects import TestedUnits, Together, check_places, like_varying, unit_effect
from explorer.gradients.states import state_gradient
from explorer.records import Trace
from models.char_lm.experiments.held import MEAN, ZERO, held_at
from models.char_lm.experiments.window import LEAD, Window, record_window, state_before
from models.char_lm.network import costs
from models.char_lm.reading import Reading
from models.checkpoint import Loaded

ROWS = 128  # units in one run
SIZES, DRAWS = (1, 2, 4, 8, 16, 32), 5  # units that are silenced together, and how often their controls are drawn
TESTED = 64  # strongest units that are silenced on a page, and as many controls
LONGEST = 2_000  # steps in which they are silenced
CHUNK = 64  # steps in one call: what the rows hold inside the gates stays below 100 MB


@dataclass(frozen=True, eq=False)
class Passage:
    """A stretch of a text, read from the state that the network had there.

    Args:
        ids: Its characters, [1, time].
        state: The state before it.
        own: What each unit carries from step to step, c of an LSTM, h otherwise, [time, layer, unit].
        start: Position in the text.
    """

    ids: Tensor
    state: Any
    own: np.ndarray
    start: int

    @property
    def counted(self) -> slice:
        """The predicted characters that count, as positions in the text."""
        return slice(self.start + LEAD, self.start + self.ids.shape[1])


def passages(loaded: Loaded, reading: Reading, parts: Sequence[int]) -> list[Passage]:
    """Some windows of a text that was read, with what the units held there."""
    result = []
    for part in parts:
        window = record_window(loaded, reading, part)
        ids = torch.from_numpy(reading.ids[window.start : window.start + reading.window].astype(np.int64))[None]
        result.append(Passage(ids, reading.states[part], carried(window.trace), window.start))
    return result


def carried(trace: Trace) -> np.ndarray:
    """What the units carry from step to step, [time, layer, unit]: the cell of an LSTM, the hidden state otherwise."""
    return trace.hidden if trace.cell is None else trace.cell


def all_effects(
    loaded: Loaded,
    read_there: Sequence[Passage],
    units: Sequence[tuple[int, int | tuple[int, ...]]],
    instead: str = ZERO,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Extra cost in nats of each counted prediction with one unit, or several, silenced over the whole passage, [unit, time].

    Args:
        loaded: The network.
        read_there: The passages; their counted predictions follow one another.
        units: (layer, unit) of each, or (layer, units) for several that are silenced together.
        instead: What a unit is held at: "zero"; "mean", its mean over all passages; or "elsewhere", at each step a value that it
            had at another one of them, drawn at random.
        report: Called with (done, total) steps; may raise to stop.
    """
    module: Any = loaded.module
    states = np.concatenate([one.own for one in read_there])
    batches = [rows for layer in sorted({layer for layer, _ in units}) for rows in _batches(units, layer)]
    total, done = len(batches) * sum(one.ids.shape[1] for one in read_there), 0
    columns = []
    for one in read_there:
        effects = np.empty((len(units), one.ids.shape[1] - LEAD), np.float32)
        usual = _costs(module, one.ids, one.state, LEAD)
        for rows in batches:
            layer, sets = units[rows[0]][0], [_as_set(units[row][1]) for row in rows]
            union = sorted({unit for together in sets for unit in together})
            held = HeldRows(layer, sets, union, held_at(states[:, layer, union], one.ids.shape[1], instead))
            parts = []
            for nats in _silenced(module, one, held):
                parts.append(nats)
                done += nats.shape[1] if len(parts) > 1 else nats.shape[1] + 1
                report(done, total)
            effects[rows] = torch.cat(parts, 1)[:, LEAD - 1 :].numpy() - usual
        columns.append(effects)
    return np.concatenate(columns, axis=1)


def _as_set(units: int | tuple[int, ...]) -> tuple[int, ...]:
    return (units,) if isinstance(units, int) else units


def _batches(units: Sequence[tuple[int, Any]], layer: int) -> list[list[int]]:
    rows = [row for row, (where, _) in enumerate(units) if where == layer]
    return [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]


@dataclass(frozen=True, eq=False)
class HeldRows:
    """Sets of units of one layer, one set for each row of a batch.

    Args:
        layer: Index of the layer, counted from 0.
        sets: The units that each row holds.
        units: All these units.
        values: What each is held at, [time or 1, unit].
    """

    layer: int
    sets: Sequence[tuple[int, ...]]
    units: Sequence[int]
    values: np.ndarray

    def of(self, steps: slice) -> dict[str, Any]:
        """Scale and shift [time or 1, row, unit] with which every row of a batch holds its own units alone."""
        mask = np.array([[unit in together for unit in self.units] for together in self.sets], float)
        values = self.values[steps] if len(self.values) > 1 else self.values
        return {"scale": 1.0 - mask[None], "shift": values[:, None, :] * mask}


def _silenced(module: Any, passage: Passage, held: HeldRows) -> Iterator[Tensor]:
    """Cost of each predicted character of a passage but the first, [unit, time], chunk by chunk."""
    rows, steps = len(held.sets), passage.ids.shape[1]
    state = wide(passage.state, rows)
    for start in range(0, steps - 1, CHUNK):
        ids = passage.ids[:, start : min(start + CHUNK, steps - 1)]
        came = passage.ids[0, start + 1 : start + 1 + ids.shape[1]]
        chunk = slice(start, start + ids.shape[1])
        with explorer.intervene(module, "rnn", held.layer, units=held.units, **held.of(chunk)) as quiet, torch.inference_mode():
            logits, state = quiet(ids.expand(rows, -1), state)
            yield -logits.log_softmax(-1).gather(2, came.expand(rows, -1)[:, :, None])[:, :, 0]


def wide(state: Any, rows: int) -> Any:
    """A state for one text as that of a batch of so many rows."""
    if state is None:
        return None
    parts = tuple(part.expand(-1, rows, -1).contiguous() for part in (state if isinstance(state, tuple) else (state,)))
    return parts if isinstance(state, tuple) else parts[0]


def _costs(module: Any, ids: Tensor, state: Any, first: int) -> np.ndarray:
    """Cost of each character of ids [1, time] from `first` on, [time], in nats."""
    with torch.inference_mode():
        logits, _ = module(ids, state)
        return costs(logits[0, first - 1 : -1], ids[0, first:]).numpy()


@dataclass(frozen=True)
class Question:
    """Is a unit used for a concept?

    Args:
        layer: Index of the layer, counted from 0.
        unit: The unit, which was chosen on text before `start`.
        start: Position in the window of the first prediction that counts.
        instead: What units are held at: "zero", "mean" or "elsewhere".
        every: Whether all units of the layer are silenced; else the strongest, as a first-order estimate has it, and as many controls.
    """

    layer: int
    unit: int
    start: int
    instead: str = MEAN
    every: bool = False


def tested(
    loaded: Loaded, window: Window, places: np.ndarray, question: Question, report: Callable[[int, int], None] = lambda done, total: None
) -> TestedUnits:
    """Silence units in a part of a text, and compare the unit in question with the others where its concept is needed.

    Args:
        loaded: The network.
        window: Its recording of the text.
        places: Where the concept is needed, [time] of the window.
        question: The unit and the concept.
        report: Called with (done, total) steps; may raise to stop.

    Raises:
        AnalysisError: the concept is needed at fewer than 5 predictions of the part.
        InterventionError, RecordingError: the network cannot be run with a unit held, or gives no gradient.
    """
    module: Any = loaded.module
    passage = passage_of(loaded, window, question.start)
    where = np.asarray(places[passage.counted], bool)
    check_places(where)
    layer = question.layer
    estimates = estimated(module, passage, where, question)
    ranked = np.argsort(-np.abs(estimates), kind="stable").tolist()
    strongest = list(ranked if question.every else ranked[:TESTED])
    strongest += [] if question.unit in strongest else [question.unit]
    units = strongest + like_varying(passage.own[:, layer].var(axis=0), strongest)
    effects = all_effects(loaded, [passage], [(layer, unit) for unit in units], question.instead, report)
    there = effects[:, where].mean(axis=1)
    best = [units[row] for row in np.argsort(-there[: len(strongest)], kind="stable")]
    return TestedUnits(
        units=np.array(units),
        strongest=len(strongest),
        estimates=estimates[units],
        there=there,
        elsewhere=effects[:, ~where].mean(axis=1),
        effect=unit_effect(effects, where, units.index(question.unit)),
        before=float(_costs(module, passage.ids, passage.state, LEAD)[where].mean()),
        together=_together(loaded, passage, where, question, (best, units[len(strongest) :] or best)),
    )


def _together(loaded: Loaded, passage: Passage, where: np.ndarray, question: Question, sets: tuple[list[int], list[int]]) -> Together:
    """Units silenced together, [best first] and [controls], in sets of growing size."""
    best, others = sets
    sizes = [size for size in SIZES if size <= min(len(best), len(others))]
    rng = np.random.default_rng(0)
    silenced = [tuple(best[:size]) for size in sizes]
    silenced += [tuple(rng.choice(others, size, replace=False).tolist()) for _ in range(DRAWS) for size in sizes]
    costs_there = all_effects(loaded, [passage], [(question.layer, one) for one in silenced], question.instead)[:, where].mean(axis=1)
    return Together(np.array(sizes), costs_there[: len(sizes)], costs_there[len(sizes) :].reshape(DRAWS, len(sizes)))


def passage_of(loaded: Loaded, window: Window, start: int) -> Passage:
    """The part of a window whose counted predictions begin at a position of it, at most 2,000 steps; the first ones are never counted."""
    first = max(0, start - LEAD)
    stop = min(len(window.trace.tokens), first + LONGEST)
    ids = torch.from_numpy(window.reading.ids[window.start + first : window.start + stop].astype(np.int64))[None]
    return Passage(ids, state_before(loaded, window, first), carried(window.trace)[first:stop], first)


def estimated(module: Any, passage: Passage, where: np.ndarray, question: Question) -> np.ndarray:
    """The mean extra cost at some counted predictions that the gradient promises for each unit of a layer, [unit], in nats."""
    with explorer.record(module, gradients=True) as recording:
        logits, _ = module(passage.ids, passage.state)
    nats = costs(logits[0, LEAD - 1 : -1], passage.ids[0, LEAD:])
    steps = passage.ids.shape[1]
    held = state_gradient(recording, nats[torch.from_numpy(where)].mean(), [""] * steps, "rnn").held[:, question.layer]
    own = passage.own[:, question.layer]
    instead = 0.0 if question.instead == ZERO else own.mean(axis=0)
    return (held * (instead - own)).sum(axis=0)


def all_units(loaded: Loaded) -> list[tuple[int, int]]:
    """(layer, unit) of every unit of a network, layer by layer."""
    module: Any = loaded.module
    return [(layer, unit) for layer in range(module.rnn.num_layers) for unit in range(module.rnn.hidden_size)]


def chosen_parts(places: Mapping[str, np.ndarray], window: int, count: int) -> list[int]:
    """Windows of a text in which concepts are needed often, above all rare ones.

    One window after the other is taken, so that the sum of the logarithms of the numbers of places grows most.

    Args:
        places: Concept -> where it is needed, [time].
        window: Characters of a window; only whole ones are chosen.
        count: How many to choose.
    """
    whole = min(map(len, places.values())) // window
    often = np.stack([where[: whole * window].reshape(whole, window)[:, LEAD:].sum(axis=1) for where in places.values()])
    parts: list[int] = []
    for _ in range(min(count, whole)):
        gain = np.log1p(often[:, parts].sum(axis=1, keepdims=True) + often).sum(axis=0)
        gain[parts] = -1
        parts.append(int(gain.argmax()))
    return sorted(parts)
