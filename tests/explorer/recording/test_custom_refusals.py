"""What cells of unknown classes cannot give is a sentence, and what stands beside a state stays apart from it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import explorer
from explorer import steps
from explorer.errors import RecordingError
from explorer.recording import record
from tests.explorer.errors import refused


class Mixed(nn.Module):
    """A cell without weights, whose state has a name that says nothing; it passes the state on where it reads only zeros."""

    def forward(self, x: Tensor, m: Tensor) -> Tensor:
        return 0.5 * m + x if x.any() else m


class MixedState(Mixed):
    """The same, its state called by the usual name."""

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return super().forward(x, state)


def test_a_state_that_autograd_does_not_see_is_a_sentence():
    for model, first, reason in (
        (
            Mixed(),
            1,
            "it had no graph, and nothing showed yet that the module is a cell. Name its second argument state, or register its step",
        ),
        (MixedState(), 0, "it is the very tensor that the module was given, which has no graph. Return a new one"),
    ):
        with explorer.record(model, gradients=True) as recording:
            state = torch.zeros(2, 3)
            for scale in (first, 1, 1):
                state = model(scale * torch.ones(2, 3), state)
        path = type(model).__name__.lower()
        with refused(f"Autograd does not see the state that '{path}' returned in call 0: {reason}."):
            explorer.gradient_flow(recording, state.sum(), "abc")


class Rotating(nn.Module):
    """forward(x, h) -> (output, h): everything is complex, and its step shows something else than the state."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.9j * h + x
        return 2j * h, h


class Choosing(nn.Module):
    """forward(x, h) -> (number of the largest unit, h)."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.5 * h + x
        return h.argmax(-1), h


class Scaled(nn.Module):
    """forward(x, h) -> (output, h), an output far outside the range of a gate."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.5 * h + x
        return 100 * h, h


class Gated(Scaled):
    """The same, its step naming an output gate."""


def run(cell: nn.Module, dtype: torch.dtype = torch.float32) -> tuple[explorer.Recording, list[tuple[Tensor, Tensor]]]:
    """Four steps of a cell that returns an output and its state."""
    torch.manual_seed(0)
    state, results = torch.zeros(2, 3, dtype=dtype), []
    with explorer.record(cell) as recording:
        for x in torch.randn(4, 2, 3, dtype=dtype):
            results.append(cell(x, state))
            state = results[-1][1]
    return recording, results


@pytest.fixture
def registered():
    """Steps of the cells above, for one test."""
    kept = dict(steps._STEPS)
    explorer.step(Rotating)(lambda module, x, h: (0.9j * h + x, {}, 2j * (0.9j * h + x)))
    explorer.step(Scaled)(lambda module, x, h: (0.5 * h + x, {"sums": h + x}, 100 * (0.5 * h + x)))
    explorer.step(Gated)(lambda module, x, h: (0.5 * h + x, {"output": torch.full_like(h, 0.5)}, 100 * (0.5 * h + x)))
    yield
    steps._STEPS.clear()
    steps._STEPS.update(kept)


def test_the_output_of_a_cell_is_no_gate(registered):
    recording, results = run(Scaled())
    trace = recording.trace("abcd", index=1)
    assert not trace.gates and set(trace.parts) == {"output", "sums"}
    np.testing.assert_array_equal(trace.parts["output"][:, 0], torch.stack([out for out, _ in results])[:, 1])
    trace = run(Gated())[0].trace("abcd")
    assert set(trace.gates) == {"output"} and (trace.gates["output"] == 0.5).all() and not trace.parts


@pytest.mark.parametrize("has_step", [False, True])
def test_a_cell_may_read_and_return_complex_numbers(request, has_step: bool):
    if has_step:
        request.getfixturevalue("registered")
    recording, results = run(Rotating(), torch.complex64)
    trace = recording.trace("abcd", index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([state for _, state in results])[:, 1])
    np.testing.assert_array_equal(trace.parts["output"][:, 0], torch.stack([out for out, _ in results])[:, 1])
    assert trace.carried.all()


def test_the_state_beside_an_output_of_whole_numbers_keeps_its_fractions():
    recording, results = run(Choosing())
    trace = recording.trace("abcd", index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([state for _, state in results])[:, 1])
    np.testing.assert_array_equal(trace.parts["output"][:, 0, 0], torch.stack([out for out, _ in results])[:, 1])


class Wrapped(nn.LSTM):
    """Derived from torch's, with a forward of its own that computes the same."""

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return super().forward(x, state)


class Leaking(Wrapped):
    """The same, but its output is another one."""

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        out, state = super().forward(x, state)
        return 1.1 * out, state


def by_step(lstm: nn.LSTM, gradients: bool = False) -> tuple[explorer.Recording, Tensor]:
    """Four steps of a network, one call each, and its last output."""
    torch.manual_seed(0)
    state = None
    with explorer.record(lstm, gradients=gradients) as recording:
        for x in torch.randn(4, 1, 2, 3):
            out, state = lstm(x, state)
    return recording, out


@pytest.mark.parametrize("read", [lambda recording, out: recording.trace("abcd"), lambda *of: explorer.gradient_flow(*of, "abcd")])
def test_why_a_class_derived_from_torchs_cannot_be_replayed_is_said(read):
    recording, out = by_step(Wrapped(3, 4, 2, dropout=0.5).train(), gradients=True)
    with pytest.raises(
        RecordingError, match=r"^Replaying 'wrapped' differs .* in training mode with dropout: call module.eval\(\) first\.$"
    ):
        read(recording, out.sum())
    model = Wrapped(3, 4)
    recording, out = by_step(model, gradients=True)
    with torch.no_grad():
        model.weight_ih_l0.mul_(2)
    with pytest.raises(RecordingError, match=r"^Replaying 'wrapped' differs .* Its weights were changed after it ran: take the trace"):
        read(recording, out.sum())


@pytest.mark.parametrize("kind", [Wrapped, Leaking])
def test_a_class_derived_from_torchs_is_replayed_once(monkeypatch, kind: type[nn.LSTM]):
    replays, whole = [], record.replay
    monkeypatch.setattr(record, "replay", lambda *given: replays.append(given) or whole(*given))
    recording, out = by_step(kind(3, 4), gradients=True)
    trace = recording.trace("abcd")
    assert len(replays) == 1 and bool(trace.gates) == (kind is Wrapped)
    flow = explorer.gradient_flow(recording, out.sum(), "abcd")
    assert len(replays) == 2 and (flow.cell_log10 is not None) == (kind is Wrapped)


class Particular(nn.Module):
    """A cell with a state that has no batch where it is asked so: its calls are then unlike each other."""

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return 0.5 * state + x


def refuse_layouts(module, values):
    raise ValueError("a sequence of an unknown kind")


def test_a_call_that_could_not_be_kept_is_named(registered):
    model = nn.ModuleDict({"cell": Particular(), "gru": nn.GRU(3, 3)})
    with explorer.record(model) as recording:
        state = model["cell"](torch.ones(2, 3), torch.ones(2, 3))
        state = model["cell"](torch.ones(2, 3), state)
        torch.vmap(model["cell"])(torch.ones(2, 3), state)
        model["gru"](torch.ones(4, 3))
    inside = (
        "'cell' ran inside torch.vmap, torch.func.grad or another transform of torch.func, where its values do not exist by themselves. "
    )
    for read in (lambda: recording.trace("ab", "cell"), lambda: recording.sequences("cell"), lambda: recording.calls("cell")):
        with refused(inside + "Record it in a plain call."):
            read()
    assert recording.trace("abcd", "gru").hidden.shape == (4, 1, 3)
    explorer.step(Scaled, reads=steps.Layout(refuse_layouts, refuse_layouts))(lambda module, x, h: (h, {}))
    model = nn.ModuleDict({"odd": Scaled(), "gru": nn.GRU(3, 3)})
    with explorer.record(model) as recording:
        model["odd"](torch.ones(2, 3), torch.ones(2, 3))
    assert recording.paths == ("gru", "odd")
    called = (
        "'odd', of class Scaled, was called in a way that a recording of cells does not know (ValueError: a sequence of an unknown kind)"
    )
    with refused(f"{called}. Put Taps on the values that it computes instead."):
        recording.trace("ab", "odd")


def test_a_model_whose_only_cell_ran_in_a_transform_says_so():
    with explorer.record(Particular()) as recording:
        torch.vmap(recording.root)(torch.ones(2, 3), torch.ones(2, 3))
    end = r"None of its modules got back a state that it had returned\. 'particular' ran inside torch\.vmap, .* Record it in a plain call\."
    with pytest.raises(RecordingError, match=rf"^Nothing recurrent in Particular: .* {end}$"):
        recording.trace("ab")


class Summed(nn.Module):
    """A network written by hand, its state tapped."""

    def __init__(self):
        super().__init__()
        self.own, self.hidden = nn.Linear(3, 3), explorer.Tap("hidden")

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(2, 3)
        for step in x:
            h = self.hidden(torch.tanh(self.own(step) + h))
        return h


class Learnt(Particular):
    """A cell with a weight."""

    def __init__(self):
        super().__init__()
        self.own = nn.Linear(3, 3)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return super().forward(self.own(x), state)


def test_a_reentrant_checkpoint_is_named_for_taps_and_cells_too():
    inside = "ran inside torch.utils.checkpoint with use_reentrant=True, which runs the code without a graph first and once more in "
    inside += "backward(). Pass use_reentrant=False, or record it without checkpointing."
    tapped, cell, x = nn.ModuleDict({"net": Summed()}), Learnt(), torch.randn(4, 2, 3, requires_grad=True)
    with explorer.record(tapped, gradients=True) as recording:
        h = checkpoint(tapped["net"], x, use_reentrant=True)
    with refused(f"The taps of 'net' {inside}"):
        explorer.gradient_flow(recording, h.sum(), "abcd")  # type: ignore[union-attr]
    with explorer.record(cell, gradients=True) as recording:
        h = torch.zeros(2, 3, requires_grad=True)
        for step in x:
            h = checkpoint(cell, step, h, use_reentrant=True)
    with refused(f"'learnt' {inside}"):
        explorer.gradient_flow(recording, h.sum(), "abcd")


def test_a_layer_that_a_cell_or_taps_do_not_have_is_a_sentence():
    cell, tapped, x = Particular(), nn.ModuleDict({"net": Summed()}), torch.randn(2, 2, 3)
    with explorer.record(cell) as of_cell, explorer.record(tapped) as of_taps, explorer.record(nn.GRU(3, 4)) as of_gru:
        cell(x[1], cell(x[0], torch.zeros(2, 3)))
        tapped["net"](x)
        of_gru.root(x)
    for recording, path in ((of_cell, "particular"), (of_taps, "net"), (of_gru, "gru")):
        assert recording.trace("ab", layer=0).hidden.shape[1] == 1
        with refused(f"layer is 1, but '{path}' has 1: choose from 0 to 0."):
            recording.trace("ab", layer=1)
        with refused("layer is True; expected the number of a layer, counted from 0."):
            recording.trace("ab", layer=True)


def test_modules_are_searched_for_cells_once():
    class Counted(Particular):
        walks = 0

        def modules(self):
            Counted.walks += 1
            return super().modules()

    model = nn.ModuleList([Counted(), Counted()])
    with explorer.record(model) as recording:
        for cell in model:
            cell(torch.ones(2, 3), cell(torch.ones(2, 3), torch.ones(2, 3)))
    assert recording.paths == ("0", "1")
    walks = Counted.walks
    recording.trace("ab", "1"), recording.sequences("0"), recording.calls("1")
    assert walks == Counted.walks and recording.paths == ("0", "1")
