"""A gate clamped for one step, and the two forms of the GRU: compared with records, with torch and with other equations."""

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import InterventionError
from models.char_lm.experiments.gate_clamping import Clamp, continuation, continuations, gate_held, given
from models.char_lm.gru_variants import Form, bits, run
from models.char_lm.reading import Stream, read
from tests.models.tiny import tiny

BEFORE, TEXT = "abc [", "[bead] a cafe"


def recorded(module, ids, state):
    with explorer.record(module) as recording:
        module(ids, state)
    return recording.trace("x" * ids.shape[1])


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize(("cell", "gate"), [("lstm", "forget"), ("lstm", "output"), ("lstm", "input"), ("gru", "update"), ("gru", "reset")])
def test_one_gate_of_one_unit_is_held_and_no_other_of_its_layer(cell: str, gate: str, value: int):
    network = tiny(cell)
    ids, state = given(network, BEFORE, TEXT[0])
    own, held = (recorded(module, ids, state) for module in (network.module, gate_held(network.module, 1, 2, gate, value)))
    assert held.gates[gate][0, 1, 2] == value != own.gates[gate][0, 1, 2]
    for name in own.gates:
        differs = np.argwhere(own.gates[name] != held.gates[name]).tolist()
        # a GRU's candidate follows its reset gate
        assert differs == ([[0, 1, 2]] if name == gate or (gate, name) == ("reset", "candidate") else [])


def test_a_continuation_without_a_clamped_gate_agrees_with_the_reading():
    network = tiny("lstm")
    continued = continuation(network, BEFORE, TEXT, layer=1, unit=3)
    assert continued.bits == pytest.approx(read(network, TEXT, before=BEFORE).bits[1:], abs=1e-5)
    ids = torch.tensor([network.vocab.encode(BEFORE + TEXT)])
    assert continued.held == pytest.approx(np.tanh(recorded(network.module, ids, None).cell[len(BEFORE) :, 1, 3]), abs=1e-6)
    assert continued.p.sum() == pytest.approx(1) and len(continued.bits) == len(TEXT) - 1


@pytest.mark.parametrize("value", [0, 1])
def test_a_held_forget_gate_keeps_all_or_nothing_and_the_next_is_free_again(value: int):
    network, layer_and_unit = tiny("lstm"), (0, 4)
    ids, state = given(network, BEFORE, TEXT[0])
    own = recorded(network.module, ids, state)
    c = value * own.initial_cell[layer_and_unit] + own.gates["input"][0][layer_and_unit] * own.gates["candidate"][0][layer_and_unit]
    continued = continuation(network, BEFORE, TEXT, *layer_and_unit, Clamp("forget", value))
    assert continued.held[0] == pytest.approx(np.tanh(c), abs=1e-6)
    _, after = gate_held(network.module, *layer_and_unit, "forget", value)(ids, state)
    rest = recorded(network.module, torch.tensor([network.vocab.encode(TEXT[1:])]), after)
    assert continued.held[1:] == pytest.approx(np.tanh(rest.cell[:, 0, 4]), abs=1e-6)
    assert 0 < rest.gates["forget"][0][layer_and_unit] < 1


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_continuations_made_together_are_those_made_alone_and_read_each_character_once(cell: str):
    network, clamps = (
        tiny(cell),
        (None, Clamp("output" if cell == "lstm" else "update", 0), Clamp("reset" if cell == "gru" else "forget", 1)),
    )
    alone = [continuation(network, BEFORE, TEXT, 1, 3, clamp) for clamp in clamps]
    calls = []
    with network.module.register_forward_hook(lambda module, args, out: calls.append(args[0].shape)):
        together = continuations(network, BEFORE, TEXT, 1, 3, clamps)
    assert calls == [(1, len(BEFORE)), *[(1, 1)] * 3, *[(3, 1)] * (len(TEXT) - 1)], (
        "what precedes is read once, what follows by all together"
    )
    for one, other in zip(alone, together, strict=True):
        for values in ("held", "p", "bits"):
            assert getattr(one, values) == pytest.approx(getattr(other, values), abs=1e-5)
    assert not np.allclose(together[0].held, together[1].held, atol=1e-5)


@pytest.mark.parametrize(
    ("layer_and_unit", "gate", "value", "sentence"),
    [
        ((2, 0), "forget", 0, "layer is 2, but 'rnn' has 2: choose from 0 to 1."),
        ((0, 6), "forget", 0, "unit is 6, but 'rnn' has 6 units: choose from 0 to 5."),
        ((0, 0), "update", 0, "'rnn' has no gate 'update'. Its gates: input, forget, output."),
        ((0, 0), "candidate", 1, "The candidate of 'rnn' is not a gate: it is the value to be written. Its gates: input, forget, output."),
        ((0, 0), "forget", 2, "value is 2; a gate lies between 0 and 1."),
    ],
)
def test_what_cannot_be_held(layer_and_unit, gate: str, value: int, sentence: str):
    with pytest.raises(InterventionError, match=sentence.replace(".", r"\.")):
        gate_held(tiny("lstm").module, *layer_and_unit, gate, value)


def test_torchs_own_form_and_the_negated_other_agree_with_torch():
    torch.manual_seed(0)
    module, x, state = nn.GRU(3, 5, 2), torch.randn(7, 3), torch.randn(2, 5)
    own = module(x[:, None], state[:, None])[0][:, 0].detach()
    assert torch.allclose(run(module, x, state, Form()), own, atol=1e-6)
    assert torch.allclose(run(module, x, state, Form(z_writes=True, negated=True)), own, atol=1e-6)
    for form in (Form(z_writes=True), Form(reset_first=True)):
        assert (run(module, x, state, form) - own).abs().max() > 0.01


def test_the_other_forms_worked_out_unit_by_unit():
    torch.manual_seed(1)
    module, x, h = nn.GRU(2, 2), [0.3, -0.7], [0.4, -0.2]
    W, U, b, d = (p.detach().double().numpy() for p in (module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0, module.bias_hh_l0))

    def summed(row: int, state: list[float]) -> float:
        return sum(W[row, k] * x[k] for k in range(2)) + b[row] + sum(U[row, k] * state[k] for k in range(2)) + d[row]

    r, z = ([1 / (1 + np.exp(-summed(gate * 2 + unit, h))) for unit in range(2)] for gate in range(2))
    n = [np.tanh(summed(4 + unit, [r[0] * h[0], r[1] * h[1]])) for unit in range(2)]
    given_to = (torch.tensor([x]), torch.tensor([h]))
    assert run(module, *given_to, Form(reset_first=True))[0].tolist() == pytest.approx(
        [(1 - z[u]) * n[u] + z[u] * h[u] for u in range(2)], abs=1e-6
    )
    both = run(module, *given_to, Form(z_writes=True, reset_first=True))[0]
    assert both.tolist() == pytest.approx([z[u] * n[u] + (1 - z[u]) * h[u] for u in range(2)], abs=1e-6)


def test_with_a_diagonal_matrix_and_no_bias_both_positions_of_the_reset_gate_agree():
    torch.manual_seed(2)
    module, x = nn.GRU(3, 4), torch.randn(6, 3)
    with torch.no_grad():
        module.weight_hh_l0[8:] = torch.diag(torch.randn(4))
        module.bias_hh_l0[8:] = 0
    one, other = (run(module, x, torch.zeros(1, 4), Form(reset_first=first)) for first in (False, True))
    assert torch.allclose(one, other, atol=1e-6) and one.abs().max() > 0.1


@pytest.mark.parametrize("embedding", [4, 0])
def test_bits_of_torchs_form_are_those_of_the_reading(embedding: int):
    network = tiny("gru", embedding=embedding)
    assert bits(network, TEXT, BEFORE, Form()) == pytest.approx(read(network, TEXT, before=BEFORE).bits[1:], abs=1e-5)
    assert bits(network, TEXT, "", Form()) == pytest.approx(read(network, TEXT).bits[1:], abs=1e-5)
    assert Stream(network, "").state is None
