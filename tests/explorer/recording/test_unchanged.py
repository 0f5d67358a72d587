"""A recording changes nothing: every parametrisation of torch, in training and not, however the model is called."""

import contextlib
import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

import explorer
from models.precision import has_bfloat16
from tests.explorer.errors import refused

ROOT = Path(__file__).parent.parent.parent.parent

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated"),
    pytest.mark.filterwarnings("ignore:.*spectral_norm.*deprecated"),
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous chunk"),
]


def weight_drop(module: nn.Module, name: str, as_parameter: bool = False) -> None:
    """Dropout of recurrent weights as pytorch-nlp has it: the weight is set anew, as an attribute, by a forward of its own."""
    raw = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(f"{name}_raw", nn.Parameter(raw.detach()))
    forward = module.forward

    def dropping(*args, **kwargs):
        weight = nn.functional.dropout(getattr(module, f"{name}_raw"), p=0.5, training=module.training)
        setattr(module, name, nn.Parameter(weight) if as_parameter else weight)
        return forward(*args, **kwargs)

    module.forward = dropping  # type: ignore[method-assign]


PARAMETRISATIONS: dict[str, Callable[[nn.Module, str], Any]] = {
    "none": lambda module, name: None,
    "weight norm": lambda module, name: parametrizations.weight_norm(module, name),
    "spectral norm": lambda module, name: parametrizations.spectral_norm(module, name),
    "orthogonal": lambda module, name: parametrizations.orthogonal(module, name),
    "older weight norm": lambda module, name: nn.utils.weight_norm(module, name),
    "older spectral norm": lambda module, name: nn.utils.spectral_norm(module, name),
    "pruning": lambda module, name: prune.random_unstructured(module, name, 0.5),
    "weight drop": lambda module, name: weight_drop(module, name),
    "weight drop as parameter": lambda module, name: weight_drop(module, name, as_parameter=True),
}


class Reader(nn.Module):
    """An encoder, and a decoder called step by step that attends to it: its weights are computed as the row says."""

    def __init__(self, parametrisation: str):
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.cell = nn.LSTM(3, 4, dropout=0.3, num_layers=2), nn.GRUCell(4, 4)
        self.attention, self.dropout, self.out = explorer.Tap("attention", axes="batch in"), nn.Dropout(0.2), nn.Linear(4, 2)
        PARAMETRISATIONS[parametrisation](self.encoder, "weight_hh_l0")
        PARAMETRISATIONS[parametrisation](self.cell, "weight_hh")

    def forward(self, x: Tensor) -> Tensor:
        memory, (h, _) = self.encoder(self.dropout(x))
        state, outs = h[-1], []
        for _ in range(3):
            weights = self.attention(torch.einsum("bu,ibu->bi", state, memory).softmax(1))
            state = self.cell(torch.einsum("bi,ibu->bu", weights, memory), state)
            outs.append(self.out(state))
        return torch.stack(outs)


def with_hooks(model: Reader, x: Tensor) -> Tensor:
    """Hooks of the user's own that change what goes in and what comes out."""
    hooks = [
        model.cell.register_forward_pre_hook(lambda module, args: (args[0] + 0.1, args[1])),
        model.cell.register_forward_hook(lambda module, args, out: out * 0.9),
        model.encoder.register_forward_hook(lambda module, args, out: (out[0] + 0.1, out[1])),
    ]
    out = model(x)
    for hook in hooks:
        hook.remove()
    return out


def as_functional(model: Reader, x: Tensor) -> Tensor:
    swapped = {name: value.detach() * 0.9 for name, value in model.named_parameters()}
    return torch.func.functional_call(model, swapped, (x,))


WAYS: dict[str, Callable[[Reader, Tensor], Tensor]] = {
    "plainly": lambda model, x: model(x),
    "with hooks": with_hooks,
    "functional_call": as_functional,
    "DataParallel": lambda model, x: nn.DataParallel(model)(x),
    "checkpoint": lambda model, x: checkpoint(model, x, use_reentrant=False),  # type: ignore[return-value]
    "reentrant checkpoint": lambda model, x: checkpoint(model, x, use_reentrant=True),  # type: ignore[return-value]
}


def world(model: nn.Module) -> dict[str, Any]:
    """Everything that a recording might change, as values that can be compared."""
    parts = dict(model.named_modules())
    hooks = [name for name, value in vars(nn.Module()).items() if "hook" in name and isinstance(value, dict)]
    computed = {f"{path}.{name}": value for path, part in parts.items() for name, value in vars(part).items() if isinstance(value, Tensor)}
    return {
        "state": {name: value.detach().clone() for name, value in (model.state_dict() | computed).items()},
        "rng": (str(np.random.get_state()), torch.get_rng_state().tolist()),  # Python's: the type checker of the tests draws from it
        "flags": {name: (value.requires_grad, value.grad is None) for name, value in model.named_parameters()},
        "training": {path: part.training for path, part in parts.items()},
        "hooks": {path: [len(getattr(part, name)) for name in hooks] for path, part in parts.items()},
        "attributes": {path: sorted(vars(part)) for path, part in parts.items()},
    }


def compare(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Bit by bit."""
    assert one["state"].keys() == other["state"].keys()
    changed = [name for name, value in one["state"].items() if not torch.equal(value, other["state"][name])]
    assert not changed, f"changed: {changed}"
    for what in ("rng", "flags", "training", "hooks", "attributes"):
        assert one[what] == other[what], what


def seeded(parametrisation: str, train: bool) -> tuple[Reader, Tensor]:
    model = Reader(parametrisation).double().train(train)
    model.encoder.dropout = 0.0  # a replay cannot know which units were dropped between layers
    np.random.seed(0)
    torch.manual_seed(1)
    return model, torch.randn(5, 2, 3).double().requires_grad_()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_a_recording_changes_nothing_and_replays_the_weights_that_were_used(parametrisation: str, way: str):
    modes = ((False, False), (True, False), (True, True)) if way == "plainly" else ((True, True),)
    for train, gradients in modes:
        model, x = seeded(parametrisation, train)
        expected = WAYS[way](model, x)
        after, again = world(model), model(x)
        model, x = seeded(parametrisation, train)
        with explorer.record(model, gradients=gradients) as recording:
            out = WAYS[way](model, x)
        assert torch.equal(out, expected)
        compare(world(model), after)
        assert recording.trace("abcde", "encoder", 1).hidden.shape == (5, 2, 4)
        assert list(recording.trace("xyz", "cell", 1).breaks) == ([1, 2] if way == "with hooks" else [])
        recording.alignment("abcde", "xyz", rows=1)
        if gradients and way == "reentrant checkpoint":
            with pytest.raises(explorer.ExplorerError, match=r"^'cell' ran inside torch.utils.checkpoint with use_reentrant=True"):
                explorer.gradient_flow(recording, again.sum(), "xyz", "cell")
        elif gradients:
            for path, tokens in (("encoder", "abcde"), ("cell", "xyz")):
                assert np.isfinite(explorer.gradient_flow(recording, out[2].sum(), tokens, path).state_log10[0]).all()
        compare(world(model), after)
        assert torch.equal(model(x), again)


def test_python_has_the_random_state_that_it_had():
    """In a process of its own: the type checker of the tests draws random numbers itself."""
    code = """
import random, torch, explorer
lstm = torch.nn.LSTM(3, 4, dropout=0.5, num_layers=2).eval()
before = random.getstate()
with explorer.record(lstm, gradients=True) as recording:
    out = lstm(torch.randn(5, 3))[0]
recording.trace("hello"), explorer.gradient_flow(recording, out[-1].sum(), "hello")
assert random.getstate() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("family", [nn.LSTM, nn.GRUCell])
def test_under_autocast_the_weights_that_were_used_are_replayed(family):
    if family is nn.LSTM and not has_bfloat16("cpu"):
        pytest.skip("torch has no LSTM in bfloat16 on this processor")
    torch.manual_seed(0)
    module, x = family(3, 40), torch.randn(4, 1, 3)
    parametrizations.spectral_norm(module, "weight_hh" + ("_l0" if family is nn.LSTM else ""))
    before = world(module)
    with explorer.record(module) as recording, torch.autocast("cpu", torch.bfloat16):
        state = None
        for step in x:
            state = module(step[None], state)[1] if family is nn.LSTM else module(step, state)
    assert recording.trace("abcd").hidden.shape == (4, 1, 40)
    assert world(module)["hooks"] == before["hooks"]


def test_weights_that_torch_keeps_while_they_are_cached():
    cell, state = parametrizations.weight_norm(nn.GRUCell(3, 4), "weight_hh"), None
    with nn.utils.parametrize.cached():
        cell(torch.randn(1, 3))
        with explorer.record(cell) as recording:
            for x in torch.randn(3, 1, 3):
                state = cell(x, state)
    np.testing.assert_array_equal(recording.trace("abc").hidden[-1], state.detach().numpy())


def test_weights_of_each_call_are_its_own():
    """Dropout of weights draws another mask in each call; a step of training changes them between two."""
    torch.manual_seed(0)
    gru, outs, state, x = nn.GRU(3, 4), [], None, torch.randn(6, 1, 3)
    weight_drop(gru, "weight_hh_l0")
    with explorer.record(gru, gradients=True) as recording:
        for step in x:
            out, state = gru(step[None], state)
            outs.append(out)
    trace = recording.trace("abcdef")
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.cat(outs)[:, 0].detach().numpy())
    assert trace.carried.all() and len(recording.reading("gru", 6, 0).stretches) == 6
    flow, nodes = explorer.gradient_flow(recording, outs[-1].sum(), "abcdef"), torch.zeros(1)
    torch.manual_seed(0)
    witness, state, kept = nn.GRU(3, 4), None, []
    torch.randn(6, 1, 3)
    weight_drop(witness, "weight_hh_l0")
    for step in x:
        out, state = witness(step[None], state)
        state.retain_grad()
        kept.append(state)
    out.sum().backward()
    nodes = torch.stack([part.grad.norm() for part in kept[:-1]]).log10()
    np.testing.assert_allclose(flow.state_log10[:-1, 0], nodes, atol=1e-5)


@pytest.mark.filterwarnings("ignore:There is a performance drop because we have not yet implemented the batching rule")
def test_transforms_of_torch_func_are_named():
    cell, tap = nn.RNNCell(3, 4), explorer.Tap("attention")
    model, x = nn.ModuleDict({"cell": cell, "tap": tap}), torch.randn(5, 2, 3)
    expected = torch.vmap(lambda row: tap(cell(row)))(x)
    with explorer.record(model) as recording:
        out = torch.vmap(lambda row: tap(cell(row)))(x)
    assert torch.equal(out, expected)
    said = "'{}' ran inside torch.vmap, torch.func.grad or another transform of torch.func, where its values do not exist by themselves. "
    with refused(said.format("cell") + "Record it in a plain call."):
        recording.trace("a", "cell")
    with refused(said.format("tap") + "Record it in a plain call."):
        recording.alignment("abcd", "x")


def test_an_iterator_that_a_module_is_given_loses_nothing():
    taken, numbers = nn.GRU(3, 4), iter(range(9))
    taken.forward = lambda x, given: nn.GRU.forward(taken, x * next(given))  # type: ignore[method-assign]
    with explorer.record(taken):
        taken(torch.ones(2, 3), numbers)
    assert next(numbers) == 1


def test_a_call_that_autograd_repeats_is_no_second_call():
    lstm, x = nn.LSTM(3, 4), torch.randn(5, 1, 3, requires_grad=True)
    for reentrant in (True, False):
        with explorer.record(lstm) as recording:
            checkpoint(lstm, x, use_reentrant=reentrant)[0].sum().backward()  # type: ignore[index]
        assert len(recording.calls()) == 1 and recording.trace("hello").hidden.shape == (5, 1, 4)


def test_a_copy_that_ran_instead_is_named():
    model = nn.ModuleDict({"rnn": nn.RNN(3, 4)})
    with explorer.record(model) as recording:
        copy.deepcopy(model)["rnn"](torch.randn(2, 3))
    with pytest.raises(explorer.ExplorerError, match=r"^'rnn' was not called inside this recording; copies of it were, as nn.DataParallel"):
        recording.trace("ab")


class Memory(nn.Module):
    """No cell: it adds to a memory in place and returns that."""

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        memory += x
        return memory


class Kept(nn.Module):
    """No cell: it keeps what it returns."""

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        self.kept = x + bias
        return self.kept


@pytest.mark.parametrize("family", [Memory, Kept])
@pytest.mark.parametrize("has_graph", [True, False])
def test_what_is_no_cell_returns_its_own_results_though_gradients_are_recorded(family: type[nn.Module], has_graph: bool):
    seen = []
    for is_recorded in (False, True):
        module, memory, x = family(), torch.ones(2, 3), torch.ones(2, 3, requires_grad=has_graph) * 1
        with explorer.record(nn.ModuleList([module, nn.GRUCell(3, 3)]), gradients=True) if is_recorded else contextlib.nullcontext():
            out = module(x, memory)
            out.mul_(0.5)
        seen.append((out.tolist(), memory.tolist(), out.requires_grad, out is getattr(module, "kept", memory)))
    assert seen[1] == seen[0]
