"""A state put into another text: the whole state is the prefix read instead, a part of it is a rewritten step, itself changes nothing."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import InterventionError

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
UNITS, LAYERS = 5, 2


class Net(nn.Module):
    def __init__(self, kind: str):
        super().__init__()
        self.rnn = KINDS[kind.split()[0]](3, UNITS, LAYERS, batch_first=True, **({"proj_size": 2} if "projected" in kind else {}))
        self.out = nn.Linear(2 if "projected" in kind else UNITS, 4)

    def forward(self, x: Tensor, state=None):
        hidden, last = self.rnn(x, state)
        return self.out(hidden), last


def network(kind: str) -> tuple[Net, Tensor, Tensor]:
    torch.manual_seed(3)
    return Net(kind).double(), torch.randn(1, 9, 3, dtype=torch.float64), torch.randn(1, 7, 3, dtype=torch.float64)


def trace_of(net: Net, x: Tensor) -> explorer.Trace:
    with explorer.record(net) as recording, torch.no_grad():
        net(x)
    return recording.trace(range(x.shape[1]))


@pytest.mark.parametrize("step", [6, -3])
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", [*KINDS, "lstm projected"])
def test_the_whole_state_is_as_if_the_other_text_had_been_read(kind: str, step: int):
    net, first, second = network(kind)
    with explorer.patched(net, trace_of(net, first), step, into=2) as changed, torch.no_grad():
        out, last = changed(second)
        expected, ended = net(torch.cat([first[:, :7], second[:, 3:]], 1))
    torch.testing.assert_close(out[:, 3:], expected[:, 7:], atol=1e-6, rtol=0)  # a trace is float32
    for one, other in zip(parts(last), parts(ended), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    torch.testing.assert_close(out[:, :2], net(second)[0][:, :2])


def parts(state) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("units", [None, 1, [0, 3]])
@pytest.mark.parametrize("layers", [0, 1, [0, 1]])
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_the_state_is_a_state_handed_over_between_two_calls(kind: str, layers, units):
    net, first, second = network(kind)
    trace = trace_of(net, first)
    with explorer.patched(net, trace, 4, 2, layers, units) as changed, torch.no_grad():
        out, _ = changed(second)
        _, state = net(second[:, :3])
        own = [part.clone() for part in parts(state)]
        where = [units] if isinstance(units, int) else list(range(UNITS)) if units is None else units
        # The layer above reads the patched hidden state at the step itself, before its own state is replaced, or kept.
        if layers != 1:
            with explorer.intervene(net, "rnn", 0, units=where, value=trace.hidden[4, 0, where], part="hidden", steps=2) as shown:
                own = [part.clone() for part in parts(shown(second[:, :3])[1])]
        for layer in [layers] if isinstance(layers, int) else layers:
            own[0][layer, 0, where] = torch.tensor(trace.hidden[4, layer, where]).double()
            if trace.cell is not None:
                own[1][layer, 0, where] = torch.tensor(trace.cell[4, layer, where]).double()
        expected, _ = net(second[:, 3:], tuple(own) if len(own) == 2 else own[0])
    torch.testing.assert_close(out[:, 3:], expected, atol=1e-6, rtol=0)
    assert not torch.allclose(out[:, 3:], net(second)[0][:, 3:], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_put_into_itself_changes_nothing(kind: str):
    net, first, _ = network(kind)
    before = {name: values.clone() for name, values in net.state_dict().items()}
    with explorer.patched(net, trace_of(net, first), 4, 4) as changed, torch.no_grad():
        torch.testing.assert_close(changed(first)[0], net(first)[0], atol=1e-6, rtol=0)
    assert all(torch.equal(values, before[name]) for name, values in net.state_dict().items())


def test_what_is_refused():
    net, first, _ = network("lstm")
    trace = trace_of(net, first)
    for arguments, words in {
        (9, 1, None, None): "step is 9; the record has 9 steps, 0 to 8.",
        (1, 1, 2, None): "There is no layer 2; the record has 2, 0 to 1.",
        (1, 1, None, 5): "There is no unit 5; the record has 5, 0 to 4.",
        (1, -1, None, None): "steps has -1; steps are counted from 0.",
    }.items():
        with pytest.raises(InterventionError, match=words), explorer.patched(net, trace, *arguments) as changed:
            changed(first)
    assert np.isfinite(trace.hidden).all()


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_single_units_of_projected_states_are_refused():
    net, first, _ = network("lstm projected")
    with pytest.raises(InterventionError, match="units of c and h differ"), explorer.patched(net, trace_of(net, first), 1, 1, units=0):
        pass
