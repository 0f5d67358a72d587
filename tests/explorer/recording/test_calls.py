"""Which calls a trace is made of: episodes, sentences, batches that shrink, and states that were changed between two calls."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.recording import sequences
from tests.explorer.errors import refused
from tests.explorer.unrolled import Edits, step, weights_of

TWO = (
    "'lstm' read 2 sequences, because its state was reset: calls 0 to 2 (3 steps, from zero), calls 3 to 5 (3 steps, from zero). "
    "Choose one, such as calls=recording.sequences('lstm')[0]; calls=slice(None) takes all of them, one after the other."
)


def rollout(resets: tuple[int, ...], gradients: bool = False) -> tuple[nn.LSTM, Tensor, explorer.Recording, list[Tensor]]:
    """Six steps of a policy whose state goes back to zero at some of them, as an environment resets it."""
    torch.manual_seed(0)
    lstm, x, state, outs = nn.LSTM(3, 4).double(), torch.randn(6, 1, 1, 3).double(), None, []
    with explorer.record(lstm, gradients=gradients) as recording:
        for time in range(6):
            out, state = lstm(x[time], None if time in resets else state)
            outs.append(out)
    return lstm, x, recording, outs


def test_an_episode_of_a_rollout_is_chosen_or_all_are_taken_with_their_beginnings():
    lstm, x, recording, _ = rollout((3,))
    assert [call.began for call in recording.calls()] == ["zero", "carried", "carried", "zero", "carried", "carried"]
    assert str(recording.calls()[3]) == "call 3: 1 step, 1 row, from zero"
    with refused(TWO):
        recording.trace("abcdef")
    episodes = recording.sequences()
    assert list(map(len, episodes)) == [3, 3] and [one.calls for one in episodes] == [(0, 1, 2), (3, 4, 5)]
    alone = lstm(x[3:, 0])[0][:, 0].detach().numpy()
    whole = recording.trace("abcdef", calls=slice(None))
    for choice in (episodes[1], slice(3, None), [3, 4, 5]):
        trace = recording.trace("def", calls=choice)
        np.testing.assert_allclose(trace.hidden[:, 0], alone, rtol=1e-6)
        assert trace.carried.all() and not trace.initial_hidden.any()
    np.testing.assert_allclose(whole.hidden[3:, 0], alone, rtol=1e-6)
    np.testing.assert_allclose(whole.cell[3, 0], whole.gates["input"][3, 0] * whole.gates["candidate"][3, 0], rtol=1e-6)
    assert list(whole.breaks) == [3]
    assert recording.trace("a", calls=-1).hidden[0, 0, 0] == whole.hidden[5, 0, 0]


def test_the_gradient_of_an_episode_stays_in_it():
    lstm, x, recording, outs = rollout((3,), gradients=True)
    with refused(TWO):
        explorer.gradient_flow(recording, outs[5].sum(), "abcdef")
    with explorer.record(lstm, gradients=True) as alone:
        out = lstm(x[3:, 0])[0]
    expected = explorer.gradient_flow(alone, out[2].sum(), "def")
    flow = explorer.gradient_flow(recording, outs[5].sum(), "def", calls=recording.sequences()[1])
    np.testing.assert_allclose(flow.state_log10, expected.state_log10, rtol=1e-10)
    whole = explorer.gradient_flow(recording, outs[5].sum(), "abcdef", calls=slice(None))
    assert (whole.state_log10[:3] == -np.inf).all()
    np.testing.assert_allclose(whole.state_log10[3:], expected.state_log10, rtol=1e-10)
    own, other = (
        explorer.input_gradient(recording, outs[5].sum(), "def", calls=slice(3, 6)),
        explorer.input_gradient(alone, out[2].sum(), "def"),
    )
    np.testing.assert_allclose(own.log10, other.log10, rtol=1e-10)


def test_both_readings_of_a_siamese_encoder():
    torch.manual_seed(0)
    encoder, first, second = nn.LSTM(3, 4, bidirectional=True), torch.randn(5, 3), torch.randn(7, 3)
    with explorer.record(encoder) as recording:
        outs = [encoder(first)[0], encoder(second)[0]]
    for path, half in (("lstm", slice(0, 4)), ("lstm[reverse]", slice(4, 8))):
        assert list(map(len, recording.sequences(path))) == [5, 7]
        for which, (tokens, out) in enumerate(zip(("abcde", "abcdefg"), outs, strict=True)):
            trace = recording.trace(tokens, path, calls=recording.sequences(path)[which])
            np.testing.assert_array_equal(trace.hidden[:, 0], out[:, half].detach().numpy())
            assert recording.trace(tokens, path, calls=which).hidden.tolist() == trace.hidden.tolist()


def test_sentences_of_a_loop_begin_from_the_states_that_they_were_given():
    torch.manual_seed(0)
    cell, learnt = nn.GRUCell(3, 4), torch.randn(1, 4)
    with torch.no_grad(), explorer.record(cell) as recording:
        for first in (learnt, learnt, torch.randn(1, 4)):
            state = first
            for x in torch.randn(3, 1, 3):
                state = cell(x, state)
    began = [one.began for one in recording.sequences()]
    assert began == ["given"] * 3 and list(map(len, recording.sequences())) == [3, 3, 3]
    trace = recording.trace("abc", calls=recording.sequences()[2])
    np.testing.assert_array_equal(trace.initial_hidden, first.numpy())
    with explorer.record(cell) as recording:  # sentences of one step, all from the state that was learnt
        for x in torch.randn(3, 1, 3):
            cell(x, learnt)
    assert [one.began for one in recording.sequences()] == ["given"] * 3


@pytest.mark.parametrize("family", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_row_of_a_shrinking_batch_is_read_as_long_as_it_lived(family):
    """A decoder loop over a batch sorted by length, as captioning and speech code writes it."""
    torch.manual_seed(0)
    cell, lengths, x = family(3, 4).double(), (4, 4, 2, 1), torch.randn(4, 4, 3).double()
    with explorer.record(cell, gradients=True) as recording:
        state, outs = None, []
        for time in range(4):
            alive = sum(length > time for length in lengths)
            state = state if state is None else tuple(s[:alive] for s in state) if isinstance(state, tuple) else state[:alive]
            state = cell(x[time, :alive], state)
            outs.append(state[0] if isinstance(state, tuple) else state)
    assert [call.rows for call in recording.calls()] == [4, 3, 2, 2]
    for row, length in enumerate(lengths):
        with explorer.record(cell, gradients=True) as alone:
            state = None
            for time in range(length):
                state = cell(x[time, row : row + 1], state)
        last = state[0] if isinstance(state, tuple) else state
        trace, expected = recording.trace("x" * length, index=row), alone.trace("x" * length)
        np.testing.assert_allclose(trace.hidden, expected.hidden, atol=1e-12)
        flow = explorer.gradient_flow(recording, outs[length - 1][row].sum(), "x" * length, index=row)
        np.testing.assert_allclose(
            flow.state_log10, explorer.gradient_flow(alone, last.sum(), "x" * length).state_log10, rtol=1e-9, atol=1e-12
        )
        assert flow.loss_at == length - 1
    assert [call.began for call in recording.calls(index=3)] == ["zero", None, None, None]
    assert str(recording.calls(index=3)[2]) == "call 2: 1 step, 2 rows, without the row"
    with refused("'" + family.__name__.lower() + "' read 2 steps and 3 tokens were given. Give one token for each step."):
        recording.trace("abc", index=2)
    with refused("index is 4, but '" + family.__name__.lower() + "' read a batch of 4: choose an index from 0 to 3."):
        recording.sequences(index=4)


def test_a_row_that_takes_the_place_of_a_dropped_one_is_noticed_and_followed():
    torch.manual_seed(0)
    cell, x = nn.GRUCell(3, 4), torch.randn(4, 3, 3)
    with explorer.record(cell) as recording:
        state = cell(x[1, :], cell(x[0, :]))
        state = cell(x[3, :2], cell(x[2, :2], state[[0, 2]]))  # the second row ends; the third takes its place
    assert [call.began for call in recording.calls(index=1)] == ["zero", "carried", "moved", "carried"]
    moved = "Row 1 of 'grucell' starts call 2 from the state in which another row ended: rows of the batch were moved. "
    with refused(moved + "Give index the row of each token, [time]."):
        recording.trace("abcd", index=1)
    trace = recording.trace("abcd", index=[2, 2, 1, 1])
    np.testing.assert_array_equal(trace.hidden[-1, 0], state[1].detach().numpy())
    assert trace.carried.all()


class Changing(nn.Module):
    """A loop over steps that changes its state in between, written once for a torch cell and once for its equations."""

    def __init__(self, cell: nn.RNNCellBase, change, written: bool = False):
        super().__init__()
        self.cell, self.change, self.written = cell, change, written
        self.states: list[tuple[Tensor, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        parts = 2 if isinstance(self.cell, nn.LSTMCell) else 1
        state = tuple(torch.zeros(1, 4, dtype=x.dtype) for _ in range(parts))
        for row in x:
            if self.written:
                state = step(self.cell, weights_of(self.cell, ""), row[None], state, Edits())
                state = tuple(part.clone() for part in state)  # what stands behind a node is outside the cell
                self.states.append(state)
            else:
                given = self.cell(row[None], state if parts == 2 else state[0])
                state = given if isinstance(given, tuple) else (given,)
            last, state = state[0], self.change(state)
        return last


NORM = nn.LayerNorm(4, dtype=torch.float64)
CHANGES = {
    "normalised": lambda state: (NORM(state[0]), *state[1:]),
    "all of it normalised": lambda state: tuple(map(NORM, state)),
    "half of it masked": lambda state: tuple(part * torch.tensor([1.0, 1, 0, 0]) for part in state),
    "dropped and scaled": lambda state: tuple(part * torch.tensor([2.0, 0, 2, 2]) for part in state),
    "mixed with a context": lambda state: tuple((part + torch.arange(4)).tanh() for part in state),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("family", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_each_step_is_replayed_from_the_state_that_it_got(family, change: str):
    torch.manual_seed(0)
    cell, x = family(3, 4).double(), torch.randn(7, 3).double()
    model, witness = Changing(cell, CHANGES[change]), Changing(cell, CHANGES[change], written=True)
    with explorer.record(model, gradients=True) as recording:
        out = model(x)
    trace = recording.trace("abcdefg")
    assert list(trace.breaks) == [1, 2, 3, 4, 5, 6]
    expected = witness(x)
    np.testing.assert_allclose(trace.hidden[:, 0], torch.cat([state[0] for state in witness.states]).detach(), atol=1e-6)
    if trace.cell is not None:
        np.testing.assert_allclose(trace.cell[:, 0], torch.cat([state[1] for state in witness.states]).detach(), atol=1e-6)
    flow = explorer.gradient_flow(recording, out.sum(), "abcdefg")
    nodes = [part for state in witness.states for part in state]
    grads = torch.autograd.grad(expected.sum(), nodes, allow_unused=True, materialize_grads=True)
    norms = torch.stack([grad.norm() for grad in grads]).reshape(7, -1).norm(dim=1)
    np.testing.assert_allclose(flow.state_log10[:, 0], norms.log10(), atol=1e-9)


@pytest.mark.parametrize("family", [nn.RNN, nn.LSTM, nn.GRU])
def test_lower_layers_too_are_replayed_from_the_states_that_they_got(family):
    """Stacked layers read in pieces of different length, each from another state than the one before left: all of one layer kept."""
    torch.manual_seed(0)
    module, x = family(3, 4, 3).double(), torch.randn(9, 3).double().requires_grad_()
    state, states, pieces = None, [], x.split([1, 3, 1, 1, 3])
    with explorer.record(module, gradients=True) as recording:
        for piece in pieces:
            out, state = module(piece, state)
            parts = state if isinstance(state, tuple) else (state,)
            parts = tuple(torch.cat([part[:1], part[1:].sin()]) for part in parts)
            state = parts if len(parts) > 1 else parts[0]
            states.append(parts)
    trace = recording.trace("abcdefghi")
    assert list(trace.breaks) == [1, 4, 5, 6]
    loss = out[-1].sum()
    slope = explorer.input_gradient(recording, loss, "abcdefghi")
    (expected,) = torch.autograd.grad(loss, x, retain_graph=True)
    np.testing.assert_allclose(slope.log10, expected.norm(dim=1).log10(), atol=1e-9)
    with explorer.record(module) as alone:  # each piece by itself
        state = None
        for piece, parts in zip(pieces, states, strict=True):
            module(piece, state)
            state = parts if len(parts) > 1 else parts[0]
    parts = [alone.trace("abc"[: len(piece)], calls=which) for which, piece in enumerate(pieces)]
    np.testing.assert_allclose(trace.hidden, np.concatenate([part.hidden for part in parts]), atol=1e-7)
    for name, values in trace.gates.items():
        np.testing.assert_allclose(values, np.concatenate([part.gates[name] for part in parts]), atol=1e-7)


CHOICES = "the number of a call, counted from 0, a slice, a list of numbers, or one of recording.sequences()"


def test_a_choice_of_calls_that_cannot_be_is_a_sentence():
    _, _, recording, _ = rollout((3,))
    for calls, sentence in (
        (6, "There is no call 6: 'lstm' has 6 calls, numbered from 0."),
        ([0, -7], "There is no call -7: 'lstm' has 6 calls, numbered from 0."),
        (slice(3, 3), "calls=slice(3, 3, None) chooses no call: 'lstm' has 6 calls, numbered from 0."),
        ([1, 0], "calls=[1, 0] is not in order. Name each call once, in the order in which they were made."),
        ([1, 1], "calls=[1, 1] is not in order. Name each call once, in the order in which they were made."),
        (True, f"calls is True; expected {CHOICES}."),
        ([True, 2], f"calls is [True, 2]; expected {CHOICES}."),
    ):
        with refused(sentence):
            recording.trace("ab", calls=calls)
    with refused("'lstm' read 3 steps and 2 tokens were given. Give one token for each step."):
        recording.trace("ab", calls=recording.sequences()[0])
    few = "index names 2 rows, and 'lstm' read so many steps in its first 2 calls of 6. Choose them: calls=slice(0, 2)."
    with refused(few):
        recording.trace("ab", index=[0, 0])
    assert recording.trace("ab", index=[0, 0], calls=slice(0, 2)).hidden.shape == (2, 1, 4)
    gru = nn.GRU(3, 4)
    with explorer.record(gru) as other:
        gru(torch.randn(3, 2, 3))
    got = "calls is a sequence of row 0 of 'lstm'; expected one of row 1: take it from recording.sequences('gru', 1)."
    with refused(got):
        other.trace("abc", index=1, calls=recording.sequences()[0])
    with refused("calls is a sequence of 'lstm'; expected one of 'gru': take it from recording.sequences('gru')."):
        other.trace("abc", calls=recording.sequences()[0])
    row = other.trace("abc", calls=other.sequences(index=1)[0])
    np.testing.assert_array_equal(row.hidden, other.trace("abc", index=1).hidden)


def test_the_calls_of_a_sequence_know_the_size_of_their_batch(monkeypatch):
    gru, seen = nn.GRU(3, 4), []
    with explorer.record(gru) as recording:
        gru(torch.randn(5, 3, 3))
    whole = sequences.sequences_of
    monkeypatch.setattr(sequences, "sequences_of", lambda *given: seen.extend(given[2]) or whole(*given))
    recording.trace("hello", index=1)
    assert [call.rows for call in seen] == [3] and seen == list(recording.calls(index=1))


def test_an_index_may_be_a_tensor_and_an_empty_batch_is_a_sentence():
    gru = nn.GRU(3, 4, batch_first=True)
    with explorer.record(gru) as recording:
        gru(torch.randn(2, 5, 3))
    best = torch.tensor([0.1, 0.9]).argmax()
    np.testing.assert_array_equal(recording.trace("hello", index=best).hidden, recording.trace("hello", index=1).hidden)
    with refused("index is tensor(0.5000); expected a row of the batch, counted from 0, or one row for each token."):
        recording.trace("hello", index=torch.tensor(0.5))
    with explorer.record(gru) as recording:
        gru(torch.randn(0, 5, 3))
    with refused("'gru' read an empty batch: there is no sequence in it."):
        recording.trace("hello")
