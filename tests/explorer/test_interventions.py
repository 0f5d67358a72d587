"""Silent units and held gates: against the written-out equations, inside recordings, and what is refused."""

import re
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import InterventionError, RecordingError
from tests.explorer.conftest import Pair
from tests.explorer.unrolled import Edits, unrolled

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

TIME, BATCH, FEATURES, UNITS = 6, 3, 4, 5
FORMS = [
    *product((nn.LSTM, nn.GRU, nn.RNN), (1, 2), (False, True), (False, True), ({},)),
    *product((nn.LSTM,), (2,), (False, True), (False, True), ({"proj_size": 2},)),
    *product((nn.RNN,), (2,), (False, True), (False, True), ({"nonlinearity": "relu"},)),
]
CELLS = [(nn.LSTMCell, {}), (nn.GRUCell, {}), (nn.RNNCell, {}), (nn.RNNCell, {"nonlinearity": "relu"})]
GATES = [("input", nn.LSTM), ("forget", nn.LSTM), ("output", nn.LSTM), ("reset", nn.GRU), ("update", nn.GRU)]


def states_of(module) -> tuple[Tensor, ...]:
    """Random first states, none of them zero: [layer * direction, batch, unit] each."""
    rows = 1 if isinstance(module, nn.RNNCellBase) else module.num_layers * (2 if module.bidirectional else 1)
    widths = [getattr(module, "proj_size", 0) or UNITS, *([UNITS] if isinstance(module, nn.LSTM | nn.LSTMCell) else [])]
    return tuple(torch.randn(rows, BATCH, width, dtype=torch.float64) for width in widths)


def run(module, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What torch makes of x [time, batch, feature], in the layout of `unrolled`."""
    if isinstance(module, nn.RNNCellBase):
        now, outputs = tuple(part[0] for part in state), []
        for row in x:
            result = module(row, now if len(now) > 1 else now[0])
            now = result if isinstance(result, tuple) else (result,)
            outputs.append(now[0])
        return torch.stack(outputs), tuple(part[None] for part in now)
    out, last = module(x.transpose(0, 1) if module.batch_first else x, state if len(state) > 1 else state[0])
    return out.transpose(0, 1) if module.batch_first else out, last if isinstance(last, tuple) else (last,)


def check(original, changed, edits: Edits) -> Tensor:
    """The changed copy computes what the equations of the original say under the edits; also its gradient. Returns its output."""
    x, state = torch.randn(TIME, BATCH, FEATURES, dtype=torch.float64), states_of(original)
    inputs = [part.requires_grad_() for part in (x, *state)]
    (out, last), (expected, expected_last) = run(changed, x, state), unrolled(original, x, state, edits)
    assert not torch.allclose(out, run(original, x, state)[0], atol=1e-4), "nothing was changed"
    for got, wanted in zip((out, *last), (expected, *expected_last), strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-12, rtol=0)
    weight = torch.randn_like(out)
    ours, theirs = (torch.autograd.grad((values * weight).sum(), inputs) for values in (out, expected))
    for got, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-11, rtol=0)
    return out


def made(family, layers: int, bias: bool, both: bool, more: dict):
    torch.manual_seed(layers + 2 * bias + 4 * both)
    return family(FEATURES, UNITS, layers, bias=bias, bidirectional=both, batch_first=bias, **more).double()


@pytest.mark.parametrize(("family", "layers", "bias", "both", "more"), FORMS)
def test_a_silent_unit_is_0_from_the_first_step_whatever_state_is_given(family, layers: int, bias: bool, both: bool, more: dict):
    module, name = made(family, layers, bias, both, more), family.__name__.lower()
    for layer, reverse, units in product(range(layers), {False, both}, ([0], [4, 2])):
        with explorer.silenced(module, name + "[reverse]" * reverse, layer, units) as quiet:
            out = check(module, quiet, Edits(layer, reverse, silent=units))
            if layer == layers - 1 and not more.get("proj_size"):
                assert not out[..., [unit + UNITS * reverse for unit in units]].any(), "not exactly 0"


@pytest.mark.parametrize(("family", "more"), CELLS)
@pytest.mark.parametrize("bias", [False, True])
def test_a_silent_unit_of_a_cell(family, more: dict, bias: bool):
    torch.manual_seed(0)
    module = family(FEATURES, UNITS, bias=bias, **more).double()
    with explorer.silenced(module, family.__name__.lower(), 0, 3) as quiet:
        assert not check(module, quiet, Edits(0, silent=[3]))[..., 3].any()


@pytest.mark.parametrize(("gate", "family"), GATES)
@pytest.mark.parametrize(("bias", "both", "projected"), [(True, False, False), (False, True, False), (True, True, True)])
@pytest.mark.parametrize("value", [0, 1, 0.3])
def test_a_held_gate(gate: str, family, bias: bool, both: bool, projected: bool, value: float):
    more = {"proj_size": 2} if projected and family is nn.LSTM else {}
    module, name = made(family, 2, bias, both, more), family.__name__.lower()
    for layer, reverse in product((0, 1), {False, both}):
        with explorer.clamped(module, name + "[reverse]" * reverse, layer, [1, 4], gate, value) as held:
            check(module, held, Edits(layer, reverse, held={gate: ([1, 4], value)}))


@pytest.mark.parametrize(("gate", "family"), [(gate, {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}[family]) for gate, family in GATES])
@pytest.mark.parametrize("bias", [False, True])
def test_a_held_gate_of_a_cell(gate: str, family, bias: bool):
    torch.manual_seed(1)
    module = family(FEATURES, UNITS, bias=bias).double()
    with explorer.clamped(module, family.__name__.lower(), 0, 2, gate, 1) as held:
        check(module, held, Edits(0, held={gate: ([2], 1.0)}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("value", "exact"), [(0, True), (1, True), (0.25, False)])
def test_0_and_1_are_exact_in_every_precision(dtype: torch.dtype, value: float, exact: bool):
    module = nn.LSTM(FEATURES, UNITS).to(dtype)
    with explorer.clamped(module, "lstm", 0, 2, "forget", value) as held, explorer.record(held) as recording:
        held(torch.randn(TIME, FEATURES, dtype=dtype))
    gate = recording.trace("x" * TIME).gates["forget"][:, 0, 2]
    assert (gate == value).all() if exact else gate == pytest.approx(value, abs=4 * torch.finfo(dtype).eps)


def outputs(changed) -> Tensor:
    """What a copy makes of an input that is always the same."""
    with changed as copied:
        return copied(torch.linspace(-1, 1, 2 * TIME * 3).reshape(2, TIME, 3))


def test_intervene_is_the_one_name_for_both(pair: Pair):
    both = (
        (explorer.intervene(pair, "decoder.rnn", 1, units=[0, 3]), explorer.silenced(pair, "decoder.rnn", 1, [0, 3])),
        (explorer.intervene(pair, "decoder.rnn", 0, units=2, part="cell"), explorer.silenced(pair, "decoder.rnn", 0, 2)),
        (explorer.intervene(pair, "encoder", units=1, part="hidden"), explorer.silenced(pair, "encoder", 0, 1)),
        (
            explorer.intervene(pair, "encoder[reverse]", units=1, value=0.3, part="reset"),
            explorer.clamped(pair, "encoder[reverse]", 0, 1, "reset", 0.3),
        ),
    )
    results = [(outputs(ours), outputs(theirs)) for ours, theirs in both]
    assert all(torch.equal(ours, theirs) for ours, theirs in results)
    assert not any(torch.equal(one, other) for (one, _), (other, _) in product(results, results) if one is not other)


def test_path_and_layer_may_be_left_out_where_there_is_one():
    module, x = nn.LSTM(3, 4), torch.randn(TIME, 3)
    with explorer.intervene(module, units=1) as outer, explorer.intervene(outer, units=2, value=1, part="output") as inner:
        out, (_, cell) = inner(x)
    assert not out[:, 1].any() and torch.equal(out[-1, 2], cell[0, 2].tanh()), "both act together"


def test_inside_a_model_recordings_hear_the_copy_and_replay_it(pair: Pair):
    x = torch.randn(2, TIME, 3)
    with (
        explorer.silenced(pair, "decoder.rnn", 1, [0, 3]) as quiet,
        explorer.clamped(quiet, "encoder[reverse]", 0, 2, "update", 1) as both,
        explorer.record(both, gradients=True) as recording,
    ):
        out = both(x)
    upper, back = recording.trace("abcdef", "decoder.rnn"), recording.trace("abcdef", "encoder[reverse]")
    assert upper.cell is not None and not upper.cell[:, 1, [0, 3]].any() and not upper.hidden[:, 1, [0, 3]].any()
    assert (upper.hidden[:, 1, [1, 2, 4]] != 0).all() and (back.gates["update"][:, 0, 2] == 1).all()
    assert not back.hidden[:, 0, 2].any(), "a GRU's unit that only keeps stays at its first state"
    flow = explorer.gradient_flow(recording, out[0, -1].sum(), "abcdef", "decoder.rnn")
    assert np.isfinite(flow.hidden_log10).all()
    assert isinstance(both, Pair) and both.out is pair.out and not torch.allclose(out, pair(x))


def test_a_recording_of_the_module_leaves_its_copies_out(pair: Pair):
    with explorer.record(pair) as recording, explorer.silenced(pair, "decoder.rnn", 0, 0) as quiet:
        quiet(torch.randn(1, TIME, 3))
        with pytest.raises(RecordingError, match=r"'decoder\.rnn' was not called inside this recording"):
            recording.trace("abcdef", "decoder.rnn")
        expected = pair(torch.randn(1, TIME, 3))
    trace = recording.trace("abcdef", "decoder.rnn", logits=expected)
    assert (trace.hidden[:, 0, 0] != 0).all()


class Twice(nn.Module):
    """One recurrent module under two names, one of them inside a child."""

    def __init__(self):
        super().__init__()
        self.first = nn.GRU(3, 3)
        self.child = nn.ModuleDict({"second": self.first, "other": nn.GRU(3, 3)})

    def forward(self, x: Tensor) -> Tensor:
        return self.child["other"](self.child["second"](self.first(x)[0])[0])[0]


def test_a_module_under_two_names_is_changed_under_both():
    module = Twice()
    with explorer.silenced(module, "first", 0, 1) as quiet:
        assert quiet.first is quiet.child["second"] is not module.first and quiet.child["other"] is module.child["other"]
        assert not quiet.child["second"](torch.randn(4, 3))[0][:, 1].any()


class Hidden(nn.Module):
    """Calls its recurrent module by a reference that torch does not know."""

    def __init__(self, kept):
        super().__init__()
        self.rnn = nn.GRU(3, 3)
        self.kept = kept(self.rnn)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0]


@pytest.mark.parametrize("kept", [lambda rnn: [rnn], lambda rnn: {"a": rnn}, lambda rnn: rnn.forward, lambda rnn: (1, rnn.__call__)])
def test_a_reference_that_would_call_the_original_is_refused(kept):
    sentence = (
        "Hidden.kept refers to a module that has to be copied, but is not a submodule: the copy would call the original. "
        "Make it a submodule, or an nn.ModuleList."
    )
    with pytest.raises(InterventionError, match="^" + re.escape(sentence) + "$"), explorer.silenced(Hidden(kept), "rnn", 0, 0):
        pass


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            lambda m: explorer.intervene(m, units=0),
            "This model has several paths: 'encoder', 'encoder[reverse]', 'decoder.rnn'. Choose one: intervene(module, 'encoder', units",
        ),
        (
            lambda m: explorer.intervene(m, "decoder.rnn", units=0),
            "'decoder.rnn' has 2 layers. Choose one from 0 to 1: layer=1 is the last.",
        ),
        (lambda m: explorer.intervene(m, "encoder", 1, units=0), "layer is 1, but 'encoder' has 1: choose from 0 to 0."),
        (lambda m: explorer.intervene(m, "rnn", units=0), "There is no path 'rnn'. Paths: 'encoder', "),
        (lambda m: explorer.intervene(explorer.Tap("hidden"), units=0), "This model has Taps alone; an intervention needs"),
        (lambda m: explorer.intervene(m, "encoder", units=0, part="cell"), "'encoder' has no cell state; its state is hidden. Leave part"),
        (lambda m: explorer.intervene(m, "encoder", units=0, value=1, scale=2), "value comes with scale or shift. Give the value that"),
        (
            lambda m: explorer.intervene(m, "encoder", units=[0, 1], value=[1.0, 2, 3]),
            "value has shape [3]; expected a number, [2] = [unit], [steps, 2] = [time, unit] or [steps, rows, 2] = [time, batch, unit].",
        ),
        (
            lambda m: explorer.intervene(m, "encoder", units=0, scale=np.ones((1, 1, 1, 1))),
            "scale has shape [1, 1, 1, 1]; expected a number, [1] = [unit]",
        ),
        (lambda m: explorer.intervene(m, "encoder", units=0, shift=float("nan")), "shift holds NaN or infinity; expected finite numbers."),
        (lambda m: explorer.intervene(m, "encoder", units=0, part="update", value=[1.5]), "value is 1.5; a gate lies between 0 and 1."),
        (
            lambda m: explorer.intervene(m, "encoder", units=0, part="candidate", value=-2),
            "value is -2; a candidate lies between -1 and 1.",
        ),
        (lambda m: explorer.intervene(m, "encoder", units=0, steps=-1), "steps has -1; steps are counted from 0."),
        (
            lambda m: explorer.intervene(m, "encoder", units=0, steps=slice(3, None)),
            "steps is slice(3, None, None); the number of steps is not known before 'encoder' is called: give both ends, from 0.",
        ),
        (lambda m: explorer.intervene(m, "encoder", units=0, value=1, part="forget"), "'encoder' has no gate 'forget'. Its gates: reset"),
        (
            lambda m: explorer.silenced(m, "rnn", 0, 0),
            "There is no path 'rnn'. Paths: 'encoder', 'encoder[reverse]', 'decoder.rnn'.",
        ),
        (lambda m: explorer.silenced(m, "decoder.rnn[reverse]", 0, 0), "There is no path 'decoder.rnn[reverse]'. Paths: 'encoder', "),
        (lambda m: explorer.silenced(explorer.Tap("hidden"), "taps", 0, 0), "There is no path 'taps'. This model has Taps alone."),
        (lambda m: explorer.silenced(m, "decoder.rnn", 2, 0), "layer is 2, but 'decoder.rnn' has 2: choose from 0 to 1."),
        (lambda m: explorer.silenced(m, "decoder.rnn", -1, 0), "layer is -1, but 'decoder.rnn' has 2: choose from 0 to 1."),
        (lambda m: explorer.silenced(m, "decoder.rnn", 0, 5), "unit is 5, but 'decoder.rnn' has 5 units: choose from 0 to 4."),
        (lambda m: explorer.silenced(m, "encoder", 0, [0, -1]), "unit is -1, but 'encoder' has 4 units: choose from 0 to 3."),
        (lambda m: explorer.silenced(m, "encoder", 0, []), "unit is an empty list, but 'encoder' has 4 units: choose from 0 to 3."),
        (
            lambda m: explorer.clamped(m, "encoder", 0, 0, "forget", 1),
            "'encoder' has no gate 'forget'. Its gates: reset, update.",
        ),
        (
            lambda m: explorer.clamped(m, "decoder.rnn", 0, 0, "candidate", 1),
            "The candidate of 'decoder.rnn' is not a gate: it is the value to be written. Its gates: input, forget, output.",
        ),
        (lambda m: explorer.clamped(nn.RNN(2, 3), "rnn", 0, 0, "update", 1), "'rnn' is a plain RNN, which has no gates."),
        (lambda m: explorer.clamped(m, "encoder", 0, 0, "reset", 1.5), "value is 1.5; a gate lies between 0 and 1."),
        (lambda m: explorer.clamped(m, "encoder", 0, 0, "reset", float("nan")), "value is nan; a gate lies between 0 and 1."),
    ],
)
def test_what_is_not_there_gets_a_sentence(act, sentence: str, pair: Pair):
    with pytest.raises(InterventionError, match="^" + re.escape(sentence)), act(pair):
        pass


def test_nothing_recurrent_and_computed_weights_are_refused(pair: Pair):
    with pytest.raises(RecordingError, match=r"^Nothing recurrent in Linear"), explorer.silenced(nn.Linear(1, 1), "rnn", 0, 0):
        pass
    module = nn.LSTM(3, 4)
    nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    sentence = "'parametrizedlstm' computes its weight_hh_l0 anew at each call. Remove weight norm or parametrisations first."
    with pytest.raises(InterventionError, match="^" + re.escape(sentence) + "$"), explorer.silenced(module, "parametrizedlstm", 0, 0):
        pass
