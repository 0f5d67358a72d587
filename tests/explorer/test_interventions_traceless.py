"""A silent unit and a held gate leave no trace: not in the module, not for another thread, not after an error."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from tests.explorer.conftest import Pair

TIME = 6


class Snapshot:
    """Everything of a module that an intervention might leave changed."""

    def __init__(self, module: nn.Module):
        self.parts = dict(module.named_modules())
        self.parameters = dict(module.named_parameters())
        self.values = {name: (p.detach().clone(), p._version, p.data_ptr(), p.requires_grad) for name, p in self.parameters.items()}
        self.attributes = {path: {name: repr(value) for name, value in vars(part).items()} for path, part in self.parts.items()}

    def check(self, module: nn.Module) -> None:
        """Refuse any difference."""
        assert dict(module.named_modules()) == self.parts
        parameters = dict(module.named_parameters())
        assert all(parameters[name] is p for name, p in self.parameters.items()) and len(parameters) == len(self.parameters)
        for name, (values, *rest) in self.values.items():
            p = parameters[name]
            assert torch.equal(values, p) and [p._version, p.data_ptr(), p.requires_grad] == rest
        for path, attributes in self.attributes.items():
            assert {name: repr(value) for name, value in vars(self.parts[path]).items()} == attributes


def test_no_trace_is_left_behind_also_after_an_error(pair: Pair):
    pair.decoder["rnn"].weight_hh_l1.requires_grad_(False)
    x = torch.randn(2, TIME, 3)
    expected, before = pair(x), Snapshot(pair)
    for _ in range(2):
        with explorer.silenced(pair, "decoder.rnn", 1, 3) as quiet, explorer.clamped(quiet, "decoder.rnn", 0, 1, "forget", 0) as both:
            quiet(x)
            before.check(pair)
            both.register_forward_hook(lambda *_: None)
            both.extra = nn.Linear(1, 1)
            assert not both.decoder["rnn"].weight_hh_l1.requires_grad and both.decoder["rnn"].weight_hh_l0.requires_grad
            assert not both.training and torch.equal(pair(x), expected)
        before.check(pair)
    with pytest.raises(ZeroDivisionError), explorer.silenced(pair, "encoder", 0, 1) as quiet:
        quiet(x)
        raise ZeroDivisionError
    with pytest.raises(RuntimeError), explorer.silenced(pair, "encoder", 0, 1) as quiet:
        quiet(x[..., :2])
    before.check(pair)
    assert torch.equal(pair(x), expected)


def test_gradients_reach_the_shared_weights_and_the_copys_own(pair: Pair):
    with explorer.silenced(pair, "decoder.rnn", 1, 3) as quiet:
        for _ in range(2):
            quiet(torch.randn(1, TIME, 3)).sum().backward()
    assert pair.out.weight.grad is not None and not pair.out.weight.grad[:, 3].any() and pair.out.weight.grad[:, 2].any()
    assert pair.encoder.weight_ih_l0.grad is not None and pair.encoder.weight_ih_l0.grad.any()
    assert pair.decoder["rnn"].weight_ih_l0.grad is None
    assert quiet.decoder["rnn"].weight_ih_l0.grad is not None and quiet.decoder["rnn"].weight_ih_l0.grad.any()


def test_threads_that_share_a_module_do_not_see_each_others_interventions(pair: Pair):
    x = torch.randn(1, TIME, 3)
    with torch.inference_mode():
        expected = pair(x)
        alone = []
        for unit in range(4):
            with explorer.silenced(pair, "decoder.rnn", 1, unit) as quiet:
                alone.append(quiet(x))
    barrier, wrong = threading.Barrier(5), []

    def work(unit: int) -> None:
        with torch.inference_mode():
            for _ in range(20):
                barrier.wait(20)
                if unit == 4:
                    same = torch.equal(pair(x), expected)
                else:
                    with explorer.silenced(pair, "decoder.rnn", 1, unit) as quiet, explorer.record(quiet) as recording:
                        same = torch.equal(quiet(x), alone[unit])
                    hidden = recording.trace("abcdef", "decoder.rnn").hidden[:, 1]
                    same &= np.flatnonzero((hidden == 0).all(0)).tolist() == [unit]
                if not same:
                    wrong.append(unit)

    threads = [threading.Thread(target=work, args=(unit,)) for unit in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and not any(thread.is_alive() for thread in threads)
    assert len({tuple(out.flatten().tolist()) for out in alone}) == 4


def test_a_module_made_in_inference_mode_is_trained_on_outside(pair: Pair):
    with torch.inference_mode(), explorer.clamped(pair, "decoder.rnn", 0, 1, "input", 0.5) as held:
        pass
    held(torch.randn(1, TIME, 3)).sum().backward()
    assert held.decoder["rnn"].weight_hh_l0.grad is not None
