"""What a recording gives besides being right: paths, refusals, copies, decoding."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from models.precision import has_bfloat16
from tests.explorer.errors import refused


def test_every_path_of_a_strangers_model(pair):
    x = torch.randn(2, 6, 3)
    with explorer.record(pair) as recording:
        out = pair(x)
    assert recording.paths == ("encoder", "encoder[reverse]", "decoder.rnn")
    trace = recording.trace("abcdef", "decoder.rnn", index=1, logits=out, vocab="tuvwxyz")
    assert trace.hidden.shape == trace.cell.shape == (6, 2, 5)
    assert trace.source == "decoder.rnn"
    np.testing.assert_array_equal(trace.logits, out[1].detach().numpy())
    other = recording.trace("abcdef", "encoder[reverse]", index=1)
    np.testing.assert_array_equal(other.hidden[:, 0], pair.encoder(x)[0][1, :, 4:].detach().numpy())


def test_one_layer_alone_equals_that_layer_of_all(pair):
    with explorer.record(pair) as recording:
        pair(torch.randn(1, 6, 3))
    whole, part = recording.trace("abcdef", "decoder.rnn"), recording.trace("abcdef", "decoder.rnn", layer=1)
    assert part.hidden.shape == (6, 1, 5)
    for name, values in whole.gates.items():
        np.testing.assert_array_equal(part.gates[name][:, 0], values[:, 1])
    np.testing.assert_array_equal(part.initial_cell[0], whole.initial_cell[1])
    with refused("layer is 2, but 'decoder.rnn' has 2: choose from 0 to 1."):
        recording.trace("abcdef", "decoder.rnn", layer=2)


def test_what_cannot_be_traced_is_a_sentence(pair):
    with explorer.record(pair) as recording:
        pass
    with refused("'encoder' was not called inside this recording. Call the model in the `with` block, not its forward()."):
        recording.trace("abc", "encoder")
    with explorer.record(pair) as recording:
        pair(torch.randn(2, 3, 3))
    several = "This model has several paths: 'encoder', 'encoder[reverse]', 'decoder.rnn'. Choose one: trace(tokens, path='encoder')."
    with refused(several):
        recording.trace("abc")
    with refused("There is no path 'rnn'. Paths: 'encoder', 'encoder[reverse]', 'decoder.rnn'."):
        recording.trace("abc", "rnn")
    with refused("'encoder' read 3 steps and 4 tokens were given. Give one token for each step."):
        recording.trace("abcd", "encoder")
    with refused("index is 2, but 'encoder' read a batch of 2: choose an index from 0 to 1."):
        recording.trace("abc", "encoder", index=2)
    with refused("index names 2 rows of the batch; expected one row, or 3: one for each token."):
        recording.trace("abc", "encoder", index=[0, 1])
    with refused("logits has shape (2, 5, 7); expected (3, vocab) = [time, vocab], or that with a batch axis."):
        recording.trace("abc", "encoder", logits=torch.zeros(2, 5, 7))


def test_two_sequences_in_one_recording_are_not_one():
    gru = nn.GRU(3, 4)
    with explorer.record(gru) as recording:
        gru(torch.randn(2, 3))
        gru(torch.randn(2, 3))
    with refused(
        "'gru' read 2 sequences, because its state was reset: call 0 (2 steps, from zero), call 1 (2 steps, from zero). "
        "Choose one, such as calls=recording.sequences('gru')[0]; calls=slice(None) takes all of them, one after the other."
    ):
        recording.trace("abcd")


def test_a_relu_network_has_no_gates_and_a_tanh_network_one_array():
    for kind, gates in (("relu", ()), ("tanh", ("candidate",))):
        rnn = nn.RNN(3, 4, nonlinearity=kind)
        with explorer.record(rnn) as recording:
            rnn(torch.randn(5, 3))
        trace = recording.trace("abcde")
        assert tuple(trace.gates) == gates
        assert all(values is trace.hidden for values in trace.gates.values())


def test_dropout_is_noticed(pair):
    pair.train()
    with explorer.record(pair) as recording:
        pair(torch.randn(1, 6, 3))
    said = (
        r"^Replaying 'decoder.rnn' differs from the module's own output by \d.\de-0\d \(limit 1.1e-05\). "
        r"It is in training mode with dropout: call module.eval\(\) first.$"
    )
    pair.eval()  # too late: what counts is how it ran
    with pytest.raises(RecordingError, match=said):
        recording.trace("abcdef", "decoder.rnn")
    recording.trace("abcdef", "encoder")


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "weight_hh_l1"])
def test_changed_weights_are_noticed(name: str):
    lstm = nn.LSTM(3, 4, 2)
    with explorer.record(lstm) as recording:
        lstm(torch.randn(6, 3))
    with torch.no_grad():
        getattr(lstm, name)[0] += 0.5
    with pytest.raises(RecordingError, match=r"Its weights were changed after it ran: take the trace before the next step of training.$"):
        recording.trace("abcdef")


def test_a_forward_that_is_not_the_equation_is_noticed():
    class Shifted(nn.LSTM):
        def forward(self, x, hx=None):
            out, state = super().forward(x, hx)
            return out + 1e-3, state

    class Bare(nn.GRU):
        def forward(self, x):
            return super().forward(x)[0]

    shifted, bare = Shifted(3, 4), Bare(3, 4)
    with explorer.record(nn.ModuleDict({"a": shifted, "b": bare})) as recording:
        shifted(torch.randn(6, 3))
        bare(torch.randn(6, 3))
    with pytest.raises(RecordingError, match="Its forward is not the equation of its class"):
        recording.trace("abcdef", "a")
    with pytest.raises(RecordingError, match=r"^'b' is a Bare whose arguments or results differ from those of torch's own \("):
        recording.trace("abcdef", "b")


def test_nan_is_refused():
    lstm = nn.LSTM(3, 4)
    with explorer.record(lstm) as recording:
        lstm(torch.full((6, 3), float("nan")))
    why = "It holds nan or inf: look for them in its input, its initial state and its weights."
    with refused(f"Replaying 'lstm' differs from the module's own output by inf (limit 1.1e-05). {why}"):
        recording.trace("abcdef")


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_under_autocast_all_layers_are_replayed_as_exactly_as_it_ran(kind: type[nn.RNNBase]):
    if kind is nn.LSTM and not has_bfloat16("cpu"):
        pytest.skip("torch has no LSTM in bfloat16 on this processor")
    torch.manual_seed(0)
    module, x = kind(3, 40, 2, bidirectional=True).eval(), torch.randn(6, 3)
    with explorer.record(module) as exact:
        module(x)
    with explorer.record(module) as coarse, torch.autocast("cpu", torch.bfloat16):
        module(x)
    for path in exact.paths:
        want, got = exact.trace("abcdef", path), coarse.trace("abcdef", path)
        assert 1e-5 < np.abs(got.hidden - want.hidden).max() < 2e-2
        assert max((np.abs(got.gates[name] - want.gates[name]).max() for name in want.gates), default=0) < 2e-2


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_cells_under_autocast_are_replayed(kind: type[nn.RNNCellBase]):
    torch.manual_seed(0)
    cell, state = kind(3, 40), None
    with explorer.record(cell) as recording, torch.autocast("cpu", torch.bfloat16):
        for x in torch.randn(6, 3):
            state = cell(x, state)
    assert recording.trace("abcdef").hidden.shape == (6, 1, 40)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_may_change_what_came_out(mode):
    lstm, x = nn.LSTM(3, 4), torch.randn(6, 3)
    with mode():  # torch takes another kernel where gradients are wanted
        expected = lstm(x)[0].numpy().copy()
    with mode(), explorer.record(lstm) as recording:
        out, (h, c) = lstm(x)
        out.zero_()
        h.fill_(9)
        c.fill_(9)
        x.zero_()
    np.testing.assert_array_equal(recording.trace("abcdef").hidden[:, 0], expected)


def test_a_trace_shares_nothing_with_the_recording():
    gru = nn.GRU(3, 4)
    with explorer.record(gru) as recording:
        gru(torch.randn(6, 3))
    first = recording.trace("abcdef")
    kept = first.hidden.copy()
    first.hidden[:] = 9
    np.testing.assert_array_equal(recording.trace("abcdef").hidden, kept)


def test_a_trace_of_a_recording_survives_a_file(tmp_path, pair):
    with explorer.record(pair) as recording:
        out = pair(torch.randn(1, 6, 3))
    trace = recording.trace("abcdef", "decoder.rnn", logits=out, vocab="tuvwxyz")
    trace.save(tmp_path / "a.npz")
    again = explorer.Trace.load(tmp_path / "a.npz")
    assert (again.tokens, again.vocab, again.source) == (trace.tokens, trace.vocab, trace.source)
    for name in ("hidden", "cell", "initial_hidden", "initial_cell", "logits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(trace, name))
    assert list(again.gates) == list(trace.gates)
    assert all(np.array_equal(again.gates[name], trace.gates[name]) for name in trace.gates)


def test_weights_made_of_others_are_read_as_they_ran():
    cell = nn.GRUCell(3, 4)
    torch.nn.utils.parametrizations.weight_norm(cell, "weight_hh")
    with explorer.record(cell) as recording:
        state = cell(torch.randn(3))
    np.testing.assert_array_equal(recording.trace("a").hidden[0, 0], state.detach().numpy())


class Attender(nn.Module):
    """A small attention decoder, written the way a stranger would: one step a call, any number of rows."""

    def __init__(self, vocab: int = 11, units: int = 6):
        super().__init__()
        self.embed, self.cell = nn.Embedding(vocab, units), nn.LSTMCell(2 * units, units)
        self.out, self.attention = nn.Linear(2 * units, vocab), explorer.Tap("attention", axes="batch in")

    def forward(self, token: Tensor, state: tuple[Tensor, Tensor], memory: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        weights = self.attention(torch.einsum("bu,biu->bi", state[0], memory).mul(4).softmax(1))
        context = torch.einsum("bi,biu->bu", weights, memory)
        h, c = self.cell(torch.cat([self.embed(token), context], 1), state)
        return self.out(torch.cat([h, context], 1)).log_softmax(1), (h, c)


def beam_search(model: Attender, memory: Tensor, beam: int, steps: int) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Best hypothesis of each sentence: the tokens it read, those it wrote, and the batch row it sat in at each step."""
    batch, units = memory.shape[0], memory.shape[2]
    memory = memory.repeat_interleave(beam, 0)
    state = (torch.zeros(batch * beam, units), torch.zeros(batch * beam, units))
    tokens, scores = torch.zeros(batch * beam, dtype=torch.long), torch.full((batch, beam), -1e9)
    scores[:, 0] = 0
    read, wrote, rows = ([[] for _ in range(batch * beam)] for _ in range(3))
    for _ in range(steps):
        logp, state = model(tokens, state, memory)
        total = (scores.view(-1, 1) + logp).view(batch, -1)
        scores, best = total.topk(beam)
        parent = (best // logp.shape[1] + torch.arange(batch).unsqueeze(1) * beam).view(-1).tolist()
        following = (best % logp.shape[1]).view(-1).tolist()
        read = [[*read[p], int(tokens[p])] for p in parent]
        rows = [[*rows[p], p] for p in parent]
        wrote = [[*wrote[p], t] for p, t in zip(parent, following, strict=True)]
        state = tuple(part[parent] for part in state)
        tokens = torch.tensor(following)
    return read[::beam], wrote[::beam], rows[::beam]


def test_beam_search_reads_as_the_same_hypothesis_forced_alone():
    torch.manual_seed(4)
    model, memory, steps = Attender().eval(), torch.randn(3, 7, 6), 9
    with torch.no_grad(), explorer.record(model) as beamed:
        read, wrote, rows = beam_search(model, memory, beam=5, steps=steps)
    assert any(len(set(row)) > 1 for row in rows), "no hypothesis ever changed its row: the test would show nothing"
    for sentence in range(3):
        with torch.no_grad(), explorer.record(model) as forced:
            state = (torch.zeros(1, 6), torch.zeros(1, 6))
            for token in read[sentence]:
                _, state = model(torch.tensor([token]), state, memory[sentence : sentence + 1])
        target = [str(token) for token in wrote[sentence]]
        one, other = beamed.alignment("abcdefg", target, rows=rows[sentence]), forced.alignment("abcdefg", target)
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
        both = beamed.trace(target, index=rows[sentence]), forced.trace(target)
        np.testing.assert_allclose(both[0].hidden, both[1].hidden, atol=1e-6)
        np.testing.assert_allclose(both[0].gates["forget"], both[1].gates["forget"], atol=1e-6)
    moved = next(row for row in rows if len(set(row)) > 1)
    with pytest.raises(RecordingError, match=r"rows of the batch were moved. Give index the row of each token, \[time\]\.$"):
        beamed.trace("x" * steps, index=moved[-1])


def test_a_cell_that_climbs_and_comes_back_is_no_difference():
    # Forget gates near 1 are rounded at each step, in torch's run as in ours; the cell climbs to 1,000 and comes back.
    torch.manual_seed(0)
    module = nn.LSTM(1, 16, batch_first=True).eval().requires_grad_(False)
    module.bias_ih_l0[:32] = 8.0
    module.weight_ih_l0[32:48] = torch.rand(16, 1)
    x = torch.cat([torch.rand(1, 3000, 1), -torch.rand(1, 3000, 1)], dim=1)
    with explorer.record(module) as recording:
        hidden, _ = module(x)
    trace = recording.trace(tuple("." * 6000))
    assert np.abs(trace.cell).max() > 500
    assert np.abs(trace.hidden[:, 0] - hidden[0].numpy()).max() == 0


def test_tokens_may_be_the_numbers_of_a_series():
    gru, series = nn.GRU(1, 2), torch.tensor([0.1, -2.0, 1 / 3])
    with explorer.record(gru, gradients=True) as recording:
        out = gru(series[:, None])[0]
    named = [recording.trace(tokens).tokens for tokens in (series, series.numpy(), [0.1, -2.0, 1 / 3], list(series.numpy()))]
    assert named == [("0.1", "-2", "0.333333")] * 4
    assert recording.trace(range(3)).tokens == recording.trace(np.arange(3)).tokens == ("0", "1", "2")
    assert explorer.gradient_flow(recording, out[-1].sum(), series).tokens == named[0]
    assert len(explorer.input_gradient(recording, out[-1].sum(), series).log10) == 3
    with refused("tokens has shape (3, 1); expected one value for each step, [time], or range(steps)."):
        recording.trace(series[:, None])
