"""Random readings against the written equations in float64: chosen calls, batches that shrink, changed states, heads of attention."""

from collections import Counter
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import explorer
from tests.explorer.recording.test_record_property import left_out, step

FAMILIES = {"tanh": (nn.RNN, nn.RNNCell), "lstm": (nn.LSTM, nn.LSTMCell), "gru": (nn.GRU, nn.GRUCell)}
KINDS = ("chosen calls", "shrinking batch", "changed state")
EXAMPLES = 12
counts: Counter = Counter()
small = st.integers
never_shrunk = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # the seed rebuilds a failing network
)


def of_every_kind(test: Callable) -> Callable:
    """The test over random examples, once for each kind of network."""
    return pytest.mark.parametrize("kind", FAMILIES)(never_shrunk(given(data=st.data())(test)))


def states_of(result, is_cell: bool) -> list[Tensor]:
    """Hidden (and cell) state after a call, each [batch, unit]."""
    last = result if is_cell else result[1]
    parts = list(last) if isinstance(last, tuple) else [last]
    return parts if is_cell else [part[0] for part in parts]


def called(module: nn.Module, x: Tensor, parts: list[Tensor] | None) -> list[Tensor]:
    """One call over x [time, batch, feature] from a state, each [batch, unit]: the state after it."""
    is_cell = isinstance(module, nn.RNNCellBase)
    given_state = None if parts is None else parts if is_cell else [part[None] for part in parts]
    hx = None if given_state is None else tuple(given_state) if len(given_state) > 1 else given_state[0]
    return states_of(module(x[0] if is_cell else x, hx), is_cell)


def equations(kind: str, module: nn.Module, x: np.ndarray, starts: dict[int, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Everything by name, [time, unit]: x [time, feature], and the states that some steps got instead of the last ones."""
    numbers = {name.removesuffix("_l0"): value.detach().numpy() for name, value in module.named_parameters()}
    held, state = [], [np.zeros(0)]
    for time, row in enumerate(x):
        state = starts.get(time, state)
        h, c, gates = step(kind, numbers, row, state[0], state[1] if len(state) > 1 else None)
        state = [h] if c is None else [h, c]
        held.append({"hidden": h, **({} if c is None else {"cell": c}), **gates})
    return {name: np.stack([of_step[name] for of_step in held]) for name in held[0]}


def compare(trace: explorer.Trace, expected: dict[str, np.ndarray]) -> None:
    recorded = {"hidden": trace.hidden, **({} if trace.cell is None else {"cell": trace.cell}), **trace.gates}
    assert set(recorded) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(recorded[name][:, 0], values, atol=2e-7 * max(1, np.abs(values).max()), err_msg=name)


def network(draw, kind: str) -> tuple[nn.Module, int, int]:
    """A network or a cell of one layer in float64, its units and its features."""
    torch.manual_seed(draw(small(0, 2**32 - 1)))
    units, features = draw(small(1, 8)), draw(small(1, 5))
    return FAMILIES[kind][draw(small(0, 1))](features, units).double(), units, features


def numbers(parts: list[Tensor], row: int) -> list[np.ndarray]:
    return [part[row].detach().numpy() for part in parts]


@of_every_kind
def test_chosen_calls(kind: str, data):
    module, units, features = network(data.draw, kind)
    longest = 1 if isinstance(module, nn.RNNCellBase) else 4
    batch, width = data.draw(small(1, 3)), 2 if kind == "lstm" else 1
    row, pieces = data.draw(small(0, batch - 1)), []
    episodes = data.draw(st.lists(st.lists(small(1, longest), min_size=2, max_size=4), min_size=2, max_size=4))
    with torch.no_grad(), explorer.record(module) as recording:
        for episode in episodes:
            first = [torch.randn(batch, units).double() if data.draw(st.booleans()) else torch.zeros(batch, units).double()] * width
            state = first
            x = torch.randn(sum(episode), batch, features).double()
            for part in x.split(episode):
                state = called(module, part, state)
            pieces.append((x, first))
    sequences = recording.sequences(index=row)
    assert [len(one.calls) for one in sequences] == list(map(len, episodes)) and list(map(len, sequences)) == list(map(sum, episodes))
    chosen = data.draw(small(0, len(episodes) - 1))
    x, first = pieces[chosen]
    trace = recording.trace("x" * len(x), calls=sequences[chosen])
    compare(trace, equations(kind, module, x[:, row].numpy(), {0: numbers(first, row)}))
    assert trace.carried.all()
    whole = torch.cat([x for x, _ in pieces])[:, row].numpy()
    starts = dict(zip(np.cumsum([0, *map(sum, episodes)]).tolist(), [numbers(first, row) for _, first in pieces], strict=False))
    trace = recording.trace("x" * len(whole), index=row, calls=slice(None))
    compare(trace, equations(kind, module, whole, starts))
    assert [0, *trace.breaks.tolist()] == list(starts)
    counts["chosen calls", kind] += 1


@of_every_kind
def test_shrinking_batch(kind: str, data):
    module, units, features = network(data.draw, kind)
    lengths = sorted(data.draw(st.lists(small(1, 7), min_size=2, max_size=5)), reverse=True)
    row, columns = data.draw(small(0, len(lengths) - 1)), data.draw(small(2, 5))
    x, weights = torch.randn(lengths[0], len(lengths), features).double(), torch.rand(lengths[0], len(lengths), columns).softmax(2)
    model = nn.ModuleDict({"net": module, "tap": explorer.Tap("attention", axes="batch in")})
    state: list[Tensor] | None = None
    with torch.no_grad(), explorer.record(model) as recording:
        for time in range(lengths[0]):
            alive = sum(length > time for length in lengths)
            model["tap"](weights[time, :alive])
            state = called(module, x[time : time + 1, :alive], None if state is None else [part[:alive] for part in state])
    time = lengths[row]
    zeros = [np.zeros(units)] * (2 if kind == "lstm" else 1)
    compare(recording.trace("x" * time, index=row), equations(kind, module, x[:time, row].numpy(), {0: zeros}))
    alignment = recording.alignment("y" * columns, "x" * time, rows=row)
    np.testing.assert_allclose(alignment.weights, weights[:time, row], rtol=1e-5)
    counts["shrinking batch", kind] += 1


@of_every_kind
def test_changed_state(kind: str, data):
    module, units, features = network(data.draw, kind)
    changed = [False, *data.draw(st.lists(st.booleans(), min_size=2, max_size=8))]
    x, row = torch.randn(len(changed), 2, features).double(), data.draw(small(0, 1))
    state = [torch.zeros(2, units).double()] * (2 if kind == "lstm" else 1)
    starts = {0: numbers(state, row)}
    with torch.no_grad(), explorer.record(module) as recording:
        for time, is_changed in enumerate(changed):
            if is_changed:
                state = [part * (0.5 + torch.rand(units).double()) + 0.3 for part in state]
                starts[time] = numbers(state, row)
            state = called(module, x[time : time + 1], state)
    trace = recording.trace("x" * len(changed), index=row, calls=slice(None))
    compare(trace, equations(kind, module, x[:, row].numpy(), starts))
    assert trace.carried.tolist() == [not one for one in changed]
    counts["changed state", kind] += 1


@settings(never_shrunk, max_examples=3 * EXAMPLES)
@given(data=st.data())
def test_heads(data):
    torch.manual_seed(data.draw(small(0, 2**32 - 1)))
    batch, heads, out, columns = (data.draw(small(1, 4)) for _ in range(4))
    weights = torch.rand(batch, heads, out, columns).softmax(3)
    order = data.draw(st.sampled_from(list(permutations(range(4)))))
    names = ("batch", "head", "out", "in")
    tap = explorer.Tap("attention", axes=" ".join(names[axis] for axis in order))
    with explorer.record(tap) as recording:
        tap(weights.permute(*order))
    row, head = data.draw(small(0, batch - 1)), data.draw(small(0, heads - 1))
    one = recording.alignment("x" * columns, "y" * out, rows=row, head=head)
    np.testing.assert_allclose(one.weights, weights[row, head], rtol=1e-5)
    mean = recording.alignment("x" * columns, "y" * out, rows=row, head="mean")
    np.testing.assert_allclose(mean.weights, weights[row].mean(0), rtol=1e-5)
    counts["heads", "attention"] += 1


def test_every_kind_was_generated(capsys, request):
    if left_out(request, [*FAMILIES] * 3):
        pytest.skip("counts the examples of this file: run all of it")
    with capsys.disabled():
        by_kind = {kind: sum(count for (one, _), count in counts.items() if one == kind) for kind in (*KINDS, "heads")}
        print("\nrandom readings against the equations: " + ", ".join(f"{kind} {count}" for kind, count in by_kind.items()))
    assert all(count == 3 * EXAMPLES for count in by_kind.values())
