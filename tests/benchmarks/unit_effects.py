"""Units silenced many in one run, compared with one run for each: python -m tests.benchmarks.unit_effects

Both give the extra cost of each prediction without each unit, for all three replacements. One run for each uses
`explorer.intervene` as it stands; held at 0 that is torch's own kernel, which reads without a loop over the steps.
"""

import torch

import explorer
from explorer.gradients.states import state_gradient
from models.char_lm.experiments.held import ELSEWHERE, MEAN, ZERO, held_at
from models.char_lm.experiments.unit_effects import all_effects, passages
from models.char_lm.network import CharLM, costs
from models.char_lm.reading import read
from models.checkpoint import Loaded
from models.vocabulary.characters import UNKNOWN, Vocabulary
from tests.benchmarks.measure import interleaved, row

STEPS, UNITS, WIDTH = 200, 64, 384  # of each layer so many units
LETTERS = [chr(code) for code in range(32, 232)]


def network() -> Loaded:
    """A network of the size of `wiki-lstm`, with random weights."""
    torch.manual_seed(0)
    vocab = Vocabulary((UNKNOWN, *LETTERS))
    module = CharLM(len(vocab), "lstm", 2, WIDTH, 64).eval().requires_grad_(False)
    return Loaded("benchmark", module, vocab, {"arguments": {}})


def run() -> list[dict]:
    """Ratios with two threads."""
    torch.set_num_threads(2)
    loaded = network()
    text = "".join(LETTERS[(7 * t * t) % len(LETTERS)] for t in range(STEPS))
    (passage,) = passages(loaded, read(loaded, text, window=STEPS), [0])
    units = [(layer, unit) for layer in (0, 1) for unit in range(UNITS)]
    rows = []
    for name, ways in {"0": (ZERO,), "0, the mean, values of other places": (ZERO, MEAN, ELSEWHERE)}.items():
        batched = lambda ways=ways: [all_effects(loaded, [passage], units, way) for way in ways]  # noqa: E731
        alone = lambda ways=ways: [_one_by_one(loaded, passage, units, way) for way in ways]  # noqa: E731
        limit = 3.0 if len(ways) > 1 else 1.0
        rows.append(row(f"{2 * UNITS} units held at {name}: one by one / in batches", interleaved(alone, batched, 1), limit, False))
    estimate = lambda: _estimate(loaded, passage)  # noqa: E731
    rows.append(row("estimate of all 768 units / one forward pass", interleaved(estimate, lambda: loaded.module(passage.ids), 3), 20.0))
    return rows


def _one_by_one(loaded: Loaded, passage, units, way: str) -> None:
    for layer, unit in units:
        values = held_at(passage.own[:, layer, [unit]], STEPS, way)
        value = 0 if way == ZERO else float(values[0, 0]) if way == MEAN else values
        with explorer.intervene(loaded.module, "rnn", layer, units=unit, value=value) as held, torch.inference_mode():
            costs(held(passage.ids, passage.state)[0][0, :-1], passage.ids[0, 1:])


def _estimate(loaded: Loaded, passage) -> None:
    with explorer.record(loaded.module, gradients=True) as recording:
        logits, _ = loaded.module(passage.ids)
    state_gradient(recording, costs(logits[0, :-1], passage.ids[0, 1:]).mean(), [""] * STEPS)


if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    show(run())
