"""States and gates changed at chosen steps: against the written-out equations in double precision, and inside recordings."""

import copy
from contextlib import ExitStack
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

import explorer
from explorer.errors import InterventionError, RecordingError
from tests.explorer.conftest import Pair
from tests.explorer.test_interventions import FEATURES, TIME, UNITS, check, made, outputs
from tests.explorer.unrolled import Edits

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

PARTS = {
    nn.LSTM: ("cell", "hidden", "input", "forget", "candidate", "output"),
    nn.GRU: ("hidden", "reset", "update", "candidate"),
    nn.RNN: ("hidden",),
}
CELLS = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}
KINDS = [(family, part) for family, parts in PARTS.items() for part in parts]


def changing(part: str, units: list[int], scale, shift, steps: set[int] | None, holds: bool):
    """The same change for `unrolled`: a part of some units at some steps becomes scale x part + shift(step)."""

    def change(name: str, values: Tensor, t: int) -> Tensor:
        is_first = t == -1
        if name != part or (is_first and not holds) or (not is_first and steps is not None and t not in steps):
            return values
        columns = dict(zip(units, np.broadcast_to(shift(max(t, 0)), len(units)), strict=True))
        return torch.stack([scale * c + float(columns[u]) if u in columns else c for u, c in enumerate(values.unbind(-1))], -1)

    return change


@pytest.mark.parametrize(("family", "part"), KINDS)
@pytest.mark.parametrize(("layers", "both", "bias"), [(1, False, True), (2, True, False), (2, False, True)])
def test_a_part_held_scaled_or_shifted_is_as_in_the_equations(family, part: str, layers: int, both: bool, bias: bool):
    module = made(family, layers, bias, both, {})
    rows = np.random.default_rng(0).uniform(0.1, 0.9, (TIME, 2))
    is_state = part in ("cell", "hidden")
    ways = {
        "at all steps": ({"value": 0.4}, (0, lambda t: 0.4), None, is_state),
        "at some": ({"value": [0.4, 0.7], "steps": [1, 4]}, (0, lambda t: [0.4, 0.7]), {1, 4}, False),
        "from a step on": ({"value": 0.0, "steps": slice(2, TIME)}, (0, lambda t: 0.0), set(range(2, TIME)), False),
        "from elsewhere": ({"value": rows}, (0, lambda t: rows[t]), None, False),
        "scaled": ({"scale": 0.5}, (0.5, lambda t: 0.0), None, False),
    }
    if is_state:
        ways["shifted"] = ({"shift": [1.5, -2.0], "steps": [3]}, (1, lambda t: [1.5, -2.0]), {3}, False)
        ways["both"] = ({"scale": -1, "shift": rows}, (-1, lambda t: rows[t]), None, False)
    for layer, reverse, (given_as, (scale, shift), steps, holds) in product(range(layers), {False, both}, ways.values()):
        path = family.__name__.lower() + "[reverse]" * reverse
        with explorer.intervene(module, path, layer, units=[3, 1], part=part, **given_as) as changed:
            check(module, changed, Edits(layer, reverse, change=changing(part, [3, 1], scale, shift, steps, holds)))


@pytest.mark.parametrize(("family", "part"), KINDS)
def test_a_cell_called_in_a_loop(family, part: str):
    torch.manual_seed(0)
    module = CELLS[family](FEATURES, UNITS).double()
    with explorer.intervene(module, units=[0, 2], part=part, value=0.3, steps=[1, 2]) as changed:
        check(module, changed, Edits(0, change=changing(part, [0, 2], 0, lambda t: 0.3, {1, 2}, False)))


def test_projected_and_relu_states():
    module = made(nn.LSTM, 2, True, True, {"proj_size": 2})
    for part, unit in (("hidden", 1), ("cell", 4)):
        with explorer.intervene(module, "lstm[reverse]", 1, units=unit, part=part, value=0.7, steps=[2]) as changed:
            check(module, changed, Edits(1, True, change=changing(part, [unit], 0, lambda t: 0.7, {2}, False)))
    outside = explorer.intervene(module, "lstm", 1, units=2, part="hidden", value=0.7)
    with pytest.raises(InterventionError, match=r"^unit is 2, but 'lstm' has 2 units"), outside:
        pass
    module = made(nn.RNN, 1, True, False, {"nonlinearity": "relu"})
    with explorer.intervene(module, units=1, part="candidate", value=5.0) as changed:
        check(module, changed, Edits(0, change=changing("hidden", [1], 0, lambda t: 5.0, None, True)))


def test_a_value_of_0_is_what_silencing_is():
    for family in PARTS:
        module, x = made(family, 1, True, False, {}), torch.randn(2, TIME, FEATURES, dtype=torch.float64)
        with explorer.intervene(module, units=2) as silent, explorer.intervene(module, units=2, value=[0.0]) as held:
            torch.testing.assert_close(silent(x)[0], held(x)[0], atol=1e-12, rtol=0)


def test_changing_nothing_changes_nothing():
    for family in PARTS:
        module, x = made(family, 2, True, True, {}), torch.randn(2, TIME, FEATURES, dtype=torch.float64)
        with explorer.intervene(module, family.__name__.lower(), 0, units=2, value=7.0, steps=[]) as changed:
            assert torch.equal(changed(x)[0], module(x)[0])
            torch.testing.assert_close(changed(x)[1], module(x)[1], atol=0, rtol=0)


def state_dict(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_the_module_is_never_changed_and_copies_can_be_copied(pair: Pair):
    before, out = state_dict(pair), pair(torch.linspace(-1, 1, 2 * TIME * 3).reshape(2, TIME, 3))
    with explorer.intervene(pair, "decoder.rnn", 1, units=2, value=3.0, steps=[1]) as changed:
        assert type(changed) is Pair and isinstance(changed.decoder.rnn, nn.LSTM)
        assert torch.equal(copy.deepcopy(changed)(torch.zeros(1, TIME, 3)), changed_again(changed))
    assert not torch.equal(outputs(explorer.intervene(pair, "decoder.rnn", 1, units=2, value=3.0, steps=[1])), out)
    assert all(torch.equal(value, before[name]) for name, value in state_dict(pair).items())
    assert torch.equal(pair(torch.linspace(-1, 1, 2 * TIME * 3).reshape(2, TIME, 3)), out)


def changed_again(changed: nn.Module) -> Tensor:
    """A fresh run: steps are counted over all calls of a block."""
    return copy.deepcopy(changed)(torch.zeros(1, TIME, 3))


def test_steps_are_counted_over_all_calls():
    module, x = made(nn.GRU, 1, False, False, {}), torch.randn(TIME, 1, FEATURES, dtype=torch.float64)
    with (
        explorer.intervene(module, units=1, value=0.9, steps=[4]) as whole,
        explorer.intervene(module, units=1, value=0.9, steps=[4]) as parts,
    ):
        first, state = parts(x[:3])
        second, _ = parts(x[3:], state)
        torch.testing.assert_close(torch.cat([first, second]), whole(x)[0], atol=1e-12, rtol=0)
        assert float(second[1, 0, 1].detach()) == 0.9


@pytest.mark.parametrize("family", PARTS)
@pytest.mark.parametrize("is_sorted", [True, False])
def test_packed_sequences_of_unequal_lengths(family, is_sorted: bool):
    module = made(family, 2, False, True, {})
    rows = [torch.randn(time, FEATURES, dtype=torch.float64) for time in ((5, 3, 3, 1) if is_sorted else (3, 5, 1, 3))]
    with explorer.intervene(module, family.__name__.lower() + "[reverse]", 0, units=2, value=0.8, steps=[1]) as changed:
        out, last = changed(pack_sequence(rows, enforce_sorted=is_sorted))
        for index, (row, packed) in enumerate(zip(rows, unpack_sequence(out), strict=True)):
            alone, end = copied(changed)(row)
            torch.testing.assert_close(packed, alone, atol=1e-12, rtol=0)
            for part, other in zip(*((state if isinstance(state, tuple) else (state,)) for state in (last, end)), strict=True):
                torch.testing.assert_close(part[:, index], other, atol=1e-12, rtol=0)


def copied(changed: nn.Module) -> nn.Module:
    fresh: Any = copy.deepcopy(changed)
    fresh.clock = 0
    return fresh


@pytest.mark.parametrize("family", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recording_sees_what_happened(family):
    module, x = made(family, 2, True, True, {}), torch.randn(2, TIME, FEATURES, dtype=torch.float64)
    name, state = family.__name__.lower(), "cell" if family is nn.LSTM else "hidden"
    for reverse, row in product((False, True), (0, 1)):
        path = name + "[reverse]" * reverse
        with (
            explorer.intervene(module, path, 1, units=3, value=0.6, steps=[2]) as changed,
            explorer.record(changed, gradients=True) as recording,
        ):
            out, _ = changed(x)
        trace = recording.trace("x" * TIME, path, index=row)
        way = slice(UNITS, None) if reverse else slice(UNITS)
        np.testing.assert_allclose(trace.hidden[:, 1], out[row][:, way].detach(), atol=1e-6)
        assert getattr(trace, state)[2, 1, 3] == np.float32(0.6)
        assert trace.breaks.tolist() == [1 if reverse else 3]
        with explorer.record(module) as plain:
            module(x)
        untouched = plain.trace("x" * TIME, path, index=row)
        before = slice(3, None) if reverse else slice(2)
        np.testing.assert_allclose(trace.hidden[before], untouched.hidden[before], atol=1e-6)
        for gate, values in untouched.gates.items():
            np.testing.assert_allclose(trace.gates[gate][before], values[before], atol=1e-6)
        assert recording.trace("x" * TIME, path, index=row, layer=1).hidden.shape == (TIME, 1, UNITS)
        with pytest.raises(RecordingError, match=r"ran with an intervention that changes states or gates on the way"):
            explorer.gradient_flow(recording, out.sum(), "x" * TIME, path, index=row)


def test_a_held_gate_is_in_the_record_and_its_ledger_adds_up():
    module, x = made(nn.LSTM, 1, True, False, {}), torch.randn(1, TIME, FEATURES, dtype=torch.float64)
    with explorer.intervene(module, units=2, part="input", value=0, steps=[1, 3]) as changed, explorer.record(changed) as recording:
        changed(x)
    trace = recording.trace("x" * TIME)
    assert np.flatnonzero(trace.gates["input"][:, 0, 2] == 0).tolist() == [1, 3] and trace.carried.all()
    assert explorer.provenance(trace, -1).error < 1e-5 and explorer.provenance(trace, -1).writers[1, 2] == 0


def test_calls_with_and_without_an_intervention_are_not_mixed():
    module, x = made(nn.GRU, 1, False, False, {}), torch.randn(TIME, FEATURES, dtype=torch.float64)
    with explorer.intervene(module, units=1, value=0.9, steps=[2]) as changed, explorer.record(changed) as recording:
        changed(x)
        state = changed(x)[1]
        changed(x, state)
    assert len(recording.trace("x" * TIME, calls=0).breaks) == 1
    assert len(recording.trace("x" * 2 * TIME, calls=slice(1, 3)).breaks) == 0, "the steps of the later calls are others"


def test_gradients_pass_through_the_change():
    module, x = made(nn.LSTM, 1, False, False, {}), torch.randn(TIME, 1, FEATURES, dtype=torch.float64, requires_grad=True)
    with explorer.intervene(module, units=list(range(UNITS)), value=0.5, steps=[2]) as changed:
        changed(x)[0][-1].sum().backward()
    assert x.grad is not None and x.grad[3:].any()
    with (
        explorer.intervene(module, units=list(range(UNITS)), value=0.5, steps=[2]) as cells,
        explorer.intervene(cells, units=list(range(UNITS)), part="hidden", value=0.5, steps=[2]) as whole,
    ):
        x.grad = None
        whole(x)[0][-1].sum().backward()
    assert x.grad is not None and not x.grad[:3].any(), "a state that is set forgets what was read before"


def test_rows_of_values_must_last_as_long_as_the_text():
    sentence, changed = r"^value has 3 rows, one for each step, but step 3 was read\. Give a row for it too\.$", nn.GRU(FEATURES, UNITS)
    changes = explorer.intervene(changed, units=1, value=np.zeros((3, 1)))
    with changes as changed, pytest.raises(InterventionError, match=sentence):
        changed(torch.zeros(TIME, FEATURES))


class ByHand(nn.Module):
    """A cell of one's own, whose state passes a Tap."""

    def __init__(self):
        super().__init__()
        self.both, self.hidden = nn.Linear(7, 4), explorer.Tap("hidden")

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(4)
        for row in x:
            h = self.hidden(torch.tanh(self.both(torch.cat([row, h]))))
        return h


def test_every_row_of_a_batch_may_have_its_own_change():
    module, x = made(nn.LSTM, 2, True, False, {}), torch.randn(1, TIME, FEATURES, dtype=torch.float64)
    scale = np.ones((TIME, 4, 2))
    for row, (step, unit) in enumerate(((0, 0), (2, 1), (5, 0))):
        scale[step, row, unit] = 0
    with torch.no_grad(), explorer.intervene(module, layer=1, units=[2, 4], part="input", scale=scale) as together:
        out = together(x.expand(4, -1, -1))[0]
    for row, (step, unit) in enumerate(((0, 2), (2, 4), (5, 2))):
        with torch.no_grad(), explorer.intervene(module, layer=1, units=unit, part="input", value=0, steps=step) as alone:
            torch.testing.assert_close(out[row], alone(x)[0][0], atol=1e-12, rtol=0)
    torch.testing.assert_close(out[3], module(x)[0][0].detach(), atol=1e-12, rtol=0)


def test_a_state_that_passes_a_tap_is_held_at_all_steps_and_no_more():
    torch.manual_seed(0)
    module, x = ByHand(), torch.randn(3, 3)
    with torch.no_grad(), explorer.intervene(module, units=2, value=0.4) as changed:
        h = torch.zeros(4)
        for row in x:
            h = torch.tanh(module.both(torch.cat([row, h])))
            h[2] = 0.4
        assert torch.equal(changed(x), h)
    for more in ({"value": 0.4, "steps": 1}, {"shift": 1}, {"value": [0.4]}):
        sentence = r"^'taps' is made of Taps: what has a Tap there can be held at one value at all steps, and no more\.$"
        with pytest.raises(InterventionError, match=sentence), explorer.intervene(module, units=2, **more):
            pass


class Odd(nn.LSTM):
    def forward(self, x):
        return super().forward(x)[0] * 2


def test_a_forward_of_its_own_is_refused():
    sentence = r"^Odd has a forward of its own; only torch's own equations can be run with a change\.$"
    with pytest.raises(InterventionError, match=sentence), explorer.intervene(Odd(2, 3), units=1, value=0.5):
        pass


@settings(max_examples=30)
@given(st.sampled_from(list(PARTS)), st.integers(1, 12), st.integers(0, 11), st.integers(0, 50))
def test_the_whole_state_of_another_text_is_reading_that_text(family, time: int, at: int, seed: int):
    """Put at step `at`, the state of a second text makes the rest of the first be read as after the second."""
    torch.manual_seed(seed)
    module, at = family(FEATURES, UNITS, batch_first=True).double(), min(at, time - 1)
    x, other = torch.randn(1, time, FEATURES).double(), torch.randn(1, 3, FEATURES).double()
    with torch.no_grad(), ExitStack() as stack:
        _, state = module(other)
        expected = module(x[:, at + 1 :], state)[0] if at + 1 < time else x.new_zeros(1, 0, UNITS)
        changed = module
        for part, values in zip(("hidden", "cell"), state if isinstance(state, tuple) else (state,), strict=False):
            changed = stack.enter_context(explorer.intervene(changed, units=range(UNITS), part=part, value=values[0, 0], steps=at))
        out, _ = changed(x)
    torch.testing.assert_close(out[:, at + 1 :], expected, atol=1e-12, rtol=0)
