"""Rooms on cells that torch does not have: silenced units, held gates, one step and gradients, against equations written out here."""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import InterventionError
from explorer.figures import cell as figures
from explorer.figures import equations
from models.char_lm.experiments import gate_clamping, text_gradients, unit_step
from models.char_lm.reading import read
from models.checkpoint import Loaded
from models.foreign.network import FoundNetwork
from models.foreign.stepwise import Stepwise
from models.foreign.vocabulary import FoundVocabulary

TEXT, UNIT = "abcadbbadcabca", 2
VARIANTS = {
    "gru_before": ("gru", {"reset_after": False}),
    "gru_relu": ("gru", {"gates": "hard_sigmoid", "state": "relu"}),
    "lstm_softsign": ("lstm", {"gates": "hard_sigmoid_6", "state": "softsign"}),
    "lstm_softplus": ("lstm", {"state": "softplus"}),  # an output of 0 at a cell of 0 is not a matter of course
    "rnn_sigmoid": ("rnn", {"state": "sigmoid"}),
}
STEPWISE = pytest.mark.parametrize("name", VARIANTS)
Change = Callable[[str, Tensor], Tensor]


def network(name: str, depth: int = 3) -> Loaded:
    """A network in float64 whose layer in the middle is shown; of depth 1, it is alone."""
    cell, variant = VARIANTS[name]
    torch.manual_seed(len(name))
    part = {"cell": "lstm", "layers": 1, "units": 4}
    sizes = {"inputs": 4, "below": [part | {"inputs": 5}], "above": [part | {"inputs": 6}]} if depth == 3 else {"inputs": 5}
    vocab = FoundVocabulary.of_tokens("abcd", 4)
    module = FoundNetwork(len(vocab), cell, 1, 6, embedding=5, variant=variant, **sizes).double().eval().requires_grad_(False)
    for weight in module.parameters():
        weight.copy_(torch.randn_like(weight) * 0.7)
    return Loaded(name, module, vocab, {})


def unchanged(name: str, values: Tensor) -> Tensor:
    return values


def written(module: Any, ids: Tensor, change: Change = unchanged, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Logits [time, vocab] and hidden states [time, unit] of the shown layer, its equations written out; x [time, input] is its input."""
    own = module.rnn
    if x is None:
        x = module.embedding(ids)
        for layer in module.below:
            x = layer(x[None])[0][0]
    W, U, b, d = own.weight_ih_l0, own.weight_hh_l0, own.bias_ih_l0, own.bias_hh_l0
    gate, f = own.gate_function, own.state_function
    h, c, hidden = x.new_zeros(6), x.new_zeros(6), []
    for row in x:
        a, back = W @ row + b, U @ h + d
        if own.cell == "lstm":
            i, forget, g, o = (a + back).chunk(4)
            c = change("cell", change("forget", gate(forget)) * c + change("input", gate(i)) * f(g))
            h = change("hidden", change("output", gate(o)) * f(c))
        elif own.cell == "gru":
            r, z = (change(name, gate(part)) for name, part in zip(("reset", "update"), (a + back)[:12].chunk(2), strict=True))
            again = U[12:] @ (r * h) + d[12:] if own.resets_before else r * back[12:]
            h = change("hidden", (1 - z) * f(a[12:] + again) + z * h)
        else:
            h = change("hidden", f(a + back))
        hidden.append(h)
    out = torch.stack(hidden)
    for layer in module.above:
        out = layer(out[None])[0][0]
    return module.readout(out), torch.stack(hidden)


def held(names: tuple[str, ...], value: float) -> Change:
    mask = torch.arange(6) == UNIT
    return lambda name, values: torch.where(mask, value, values) if name in names else values


def ids_of(loaded: Loaded) -> Tensor:
    return torch.tensor(loaded.vocab.encode(TEXT))


@STEPWISE
@pytest.mark.parametrize("depth", [1, 3])
def test_a_silenced_unit_is_0_at_every_step_and_the_rest_goes_on_without_it(name: str, depth: int):
    loaded = network(name, depth)
    module: Any = loaded.module
    quiet = gate_clamping.silenced(module, 0, UNIT)
    with explorer.record(quiet) as recording:
        first, state = quiet(ids_of(loaded)[None, :5])
        logits = torch.cat([first[0], quiet(ids_of(loaded)[None, 5:], state)[0][0]])
    expected, hidden = written(module, ids_of(loaded), held(("hidden", "cell"), 0.0))
    torch.testing.assert_close(logits, expected, atol=1e-12, rtol=0)
    np.testing.assert_allclose(recording.trace(tuple(TEXT), path="rnn").hidden[:, 0], hidden, atol=1e-6)
    assert not hidden[:, UNIT].any() and not torch.allclose(expected, module(ids_of(loaded)[None])[0][0], atol=1e-4)


@STEPWISE
def test_a_given_state_is_silenced_too(name: str):
    loaded = network(name)
    module: Any = loaded.module
    state = gate_clamping.given(loaded, "cadb", "a")[1]
    quiet = gate_clamping.silenced(module, 0, UNIT)
    own = [part.clone() for part in state[: 2 if module.rnn.cell == "lstm" else 1]]
    for part in own:
        part[..., UNIT] = 0
    changed = (*own, *state[len(own) :])
    torch.testing.assert_close(quiet(ids_of(loaded)[None], state)[0], quiet(ids_of(loaded)[None], changed)[0], atol=0, rtol=0)


@STEPWISE
def test_the_text_is_read_with_a_silenced_unit(name: str):
    from models.char_lm.experiments.held import Held, read_held

    loaded = network(name)
    silent, own = read_held(loaded, TEXT, "", Held(0, (UNIT,))), read(loaded, TEXT)
    logs = written(loaded.module, ids_of(loaded), held(("hidden", "cell"), 0.0))[0].log_softmax(-1)
    bits = -logs[:-1].gather(1, ids_of(loaded)[1:, None])[:, 0].numpy() / np.log(2)
    np.testing.assert_allclose(silent.bits[1:], bits, atol=1e-6)
    assert not np.allclose(silent.bits, own.bits, atol=1e-3)


@pytest.mark.parametrize(("name", "gate"), [("gru_before", "update"), ("gru_relu", "reset"), ("lstm_softsign", "forget")])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.3])
def test_a_held_gate(name: str, gate: str, value: float):
    loaded = network(name)
    with explorer.intervene(loaded.module, "rnn", units=UNIT, value=value, part=gate) as changed:
        logits = changed(ids_of(loaded)[None])[0][0]
    expected = written(loaded.module, ids_of(loaded), held((gate,), value))[0]
    torch.testing.assert_close(logits, expected, atol=1e-12, rtol=0)
    assert not torch.allclose(expected, loaded.module(ids_of(loaded)[None])[0][0], atol=1e-5)


@STEPWISE
def test_one_step_is_taken_apart(name: str):
    loaded = network(name)
    module: Any = loaded.module
    _, hidden = written(module, ids_of(loaded))
    step = unit_step.step(loaded, TEXT[:7], TEXT[7], 0, UNIT)
    assert step.shown == pytest.approx(float(hidden[7, UNIT]), abs=1e-12)
    with explorer.record(module) as recording:
        module(ids_of(loaded)[None])
    for gate, values in recording.trace(tuple(TEXT), path="rnn").gates.items():
        assert step.value(gate) == pytest.approx(float(values[7, 0, UNIT]), abs=1e-6)
    x = module.input_of_shown(ids_of(loaded)[None])[0, 7]
    assert step.gates[0].from_input == pytest.approx(float(module.rnn.weight_ih_l0[UNIT] @ x), abs=1e-12)
    assert step.gates[0].from_state == pytest.approx(float(module.rnn.weight_hh_l0[UNIT] @ hidden[6]), abs=1e-12)
    assert figures.graph(step).to_dict() and len(equations.cell(step)) >= 1


def test_the_figures_name_the_functions():
    before, softsign = (unit_step.step(network(name), TEXT[:7], TEXT[7], 0, UNIT) for name in ("gru_before", "lstm_softsign"))
    tex = dict(equations.cell(before))
    assert r"u\,(r \odot h)" in tex["candidate"] and r"\tanh" in tex["candidate"] and r"\sigma" in tex["update"]
    tex = dict(equations.cell(softsign))
    assert r"\mathrm{softsign}(c)" in tex["output h"] and r"\mathrm{hard\ sigmoid\ 6}" in tex["forget"]
    assert "U (r h)" in str(figures.graph(before).to_dict()) and "softsign" in str(figures.graph(softsign).to_dict())


@STEPWISE
def test_a_held_gate_at_one_step_changes_what_follows(name: str):
    loaded = network(name)
    gate = {"gru": "update", "lstm": "forget"}.get(loaded.module.rnn.cell)  # pyright: ignore[reportAttributeAccessIssue]
    if gate is None:
        with pytest.raises(InterventionError, match="'rnn' is a plain RNN, which has no gates"):
            gate_clamping.continuation(loaded, TEXT[:4], TEXT[4:], 0, UNIT, gate_clamping.Clamp("forget", 0))
        return
    steps = iter(range(10_000))

    def change(part: str, values: Tensor) -> Tensor:
        return held((gate,), 0.0)(part, values) if part == gate and next(steps) == 4 else values

    course = gate_clamping.continuation(loaded, TEXT[:4], TEXT[4:], 0, UNIT, gate_clamping.Clamp(gate, 0))
    expected = written(loaded.module, ids_of(loaded), change)[0].softmax(-1)
    np.testing.assert_allclose(course.p, expected[4], atol=1e-9)


@STEPWISE
def test_gradients_are_those_of_the_written_equations(name: str):
    loaded = network(name)
    span = text_gradients.Span(TEXT, 0, len(TEXT) - 1)
    ids, hidden_at = ids_of(loaded), []

    def keep(part: str, values: Tensor) -> Tensor:
        values = values.requires_grad_() if part == "hidden" and not values.requires_grad else values
        if part == "hidden":
            values.retain_grad()
            hidden_at.append(values)
        return values

    module: Any = loaded.module
    x = module.input_of_shown(ids[None, :-1])[0].detach().requires_grad_()
    loss = -written(module, ids[:-1], keep, x)[0].log_softmax(-1)[-1, ids[-1]]
    loss.backward()
    assert x.grad is not None
    flow = text_gradients.flow(loaded, span)
    assert flow.probability == pytest.approx(float((-loss.detach()).exp()), abs=1e-9)
    expected = [float(h.grad.norm().log10()) for h in hidden_at if h.grad is not None]
    np.testing.assert_allclose(flow.norms.hidden_log10[:, 0], expected, atol=1e-6)
    parts = text_gradients.contributions(loaded, span)
    np.testing.assert_allclose(parts.log10, x.grad.norm(dim=1).log10(), atol=1e-9)
    np.testing.assert_allclose(parts.times_input, (x.grad * x).sum(1).detach(), atol=1e-12)


def test_taps_of_a_network_written_by_hand_are_held_and_units_checked():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = explorer.Tap("hidden", axes="unit batch")
            self.U = nn.Parameter(torch.randn(4, 4).double())

        def forward(self, x: Tensor) -> Tensor:
            h = x.new_zeros(4, 1)
            for row in x:
                h = self.hidden(torch.tanh(self.U @ h + row[:, None]))
            return h

    own, x = Own(), torch.randn(5, 4, dtype=torch.float64)
    with explorer.silenced(own, "taps", 0, [1, 3]) as quiet:
        h = torch.zeros(4, 1, dtype=torch.float64)
        for row in x:
            h = torch.tanh(own.U @ h + row[:, None]) * torch.tensor([[1.0], [0], [1], [0]])
        torch.testing.assert_close(quiet(x), h, atol=1e-12, rtol=0)
    for units, sentence in ((4, "unit is 4, but 'taps' has 4 units"), (-1, "unit is -1, but 'taps'"), ([], "unit is an empty list")):
        with pytest.raises(InterventionError, match=sentence), explorer.silenced(own, "taps", 0, units) as quiet:
            quiet(x)
    with pytest.raises(InterventionError, match="layer is 1"), explorer.silenced(own, "taps", 1, 0):
        pass
    with pytest.raises(InterventionError, match="none named hidden"):
        gates = nn.ModuleDict({"cell": nn.ModuleDict({"forget": explorer.Tap("forget")})})
        with explorer.silenced(gates, "cell", 0, 0):
            pass


def test_a_stepwise_lstm_with_the_functions_of_torch_is_silenced_as_torch_is():
    torch.manual_seed(0)
    own, x = nn.LSTM(3, 4, batch_first=True).double(), torch.randn(1, 6, 3, dtype=torch.float64)
    like = Stepwise("lstm", 3, 4, {}).double()
    like.load_state_dict(own.state_dict())
    state = (torch.randn(1, 1, 4).double(), torch.randn(1, 1, 4).double())
    outputs = []
    for module in (own, like):
        with explorer.silenced(nn.ModuleDict({"rnn": module}), "rnn", 0, 1) as quiet:
            outputs.append(quiet["rnn"](x, state)[0])
    torch.testing.assert_close(*outputs, atol=1e-12, rtol=0)


@STEPWISE
def test_two_threads_that_read_with_one_module_do_not_see_each_others_states(name: str):
    loaded, pieces, between = network(name, 1), (4, 5, 5), threading.Barrier(2, timeout=30)
    module: Any = loaded.module
    alone = read_in_pieces(loaded, pieces, lambda: None)
    with ThreadPoolExecutor(2) as pool:  # after each piece both have read, so that each one's state is no longer the last that came out
        both = [pool.submit(read_in_pieces, loaded, pieces, between.wait) for _ in range(2)]
    for one in both:
        trace = one.result()
        assert trace.carried.all() and len(trace.tokens) == len(TEXT)
        np.testing.assert_array_equal(trace.hidden, alone.hidden)
    assert copy.deepcopy(module) is not module


def read_in_pieces(loaded: Loaded, pieces: tuple[int, ...], after_each: Callable[[], object]) -> explorer.Trace:
    """A recording of the text in several calls that carry the state."""
    module: Any = loaded.module
    state = None
    with explorer.record(module) as recording, torch.inference_mode():
        for ids in ids_of(loaded)[None].split(pieces, dim=1):
            _, state = module(ids, state)
            after_each()
    return recording.trace(TEXT, path="rnn")
