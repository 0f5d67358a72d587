"""The hooks of a recording: where they can be set, whom they hear, and that they are gone afterwards."""

import contextlib
import sys
import threading
import time

import pytest
import torch
from torch import nn

import explorer
from explorer.errors import RecordingError
from tests.explorer.errors import refused


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def test_hooks_are_gone_after_an_exception_and_when_nested(pair):
    x = torch.randn(1, 6, 3)
    with pytest.raises(RuntimeError), explorer.record(pair):
        pair(torch.randn(1, 6, 99))
    assert hooks(pair) == 0
    with explorer.record(pair) as outer:
        pair.encoder(x)
        with explorer.record(pair) as inner:
            assert hooks(pair) == 4
            pair.encoder(torch.randn(1, 2, 3))
        assert hooks(pair) == 2
    assert hooks(pair) == 0
    inner.trace("ab", "encoder")
    with pytest.raises(RecordingError, match="'encoder' read 2 sequences, because its state was reset"):
        outer.trace("abcdefgh", "encoder")


def test_a_recording_hears_only_its_own_context():
    lstm = nn.LSTM(3, 4)
    with explorer.record(lstm) as recording:
        thread = threading.Thread(target=lambda: lstm(torch.randn(5, 3)))
        thread.start()
        thread.join()
        lstm(torch.randn(6, 3))
    assert recording.trace("abcdef").hidden.shape[0] == 6


def test_a_hook_whose_recording_ends_while_torch_calls_hooks_is_silent():
    """Torch then calls it without the keyword arguments; so it does where another thread ends its recording."""
    gru, ended = nn.GRU(2, 3), contextlib.ExitStack()
    silent = ended.enter_context(explorer.record(gru))
    with explorer.record(gru) as recording:
        first = gru.register_forward_hook(lambda *given: ended.close(), prepend=True)
        gru(torch.randn(4, 2))
    first.remove()
    assert recording.trace("abcd").hidden.shape == (4, 1, 3) and not silent._calls["gru"] and not silent._odd
    assert hooks(gru) == 0


def test_one_thread_at_a_time_sets_and_removes_hooks():
    """Torch numbers hooks with a counter that two threads may read at once."""
    inside, most, barrier = [], [], threading.Barrier(2)

    class Slow(nn.GRU):
        def register_forward_hook(self, *args, **options):
            inside.append(1)
            time.sleep(0.02)
            most.append(len(inside))
            inside.pop()
            return super().register_forward_hook(*args, **options)

    def work() -> None:
        barrier.wait()
        with explorer.record(slow):
            slow(torch.randn(1, 2))

    slow = Slow(2, 3)
    running = [threading.Thread(target=work) for _ in range(2)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert most == [1, 1] and hooks(slow) == 0


def test_eight_threads_record_one_module_at_once():
    gru, wrong, threads, rounds, calls = nn.GRU(2, 3), [], 8, 40, 4
    inputs = [torch.full((1, 2), float(index)) for index in range(threads)]

    def work(index: int) -> None:
        try:
            for _ in range(rounds):
                state = None
                with torch.no_grad(), explorer.record(gru) as recording:
                    for _ in range(calls):
                        state = gru(inputs[index], state)[1]
                heard = recording._calls["gru"]
                if len(heard) != calls or any(float(call.input[0, 0]) != index for call in heard):
                    wrong.append(f"thread {index} heard {[float(call.input[0, 0]) for call in heard]}")
            recording.trace("abcd")
        except Exception as error:
            wrong.append(repr(error))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        running = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    assert hooks(gru) == 0


def test_what_was_found_instead():
    with (
        refused(
            "Nothing recurrent in Sequential: found 2 x Linear, ReLU. "
            "Record a module that contains nn.RNN, nn.LSTM, nn.GRU, one of their cells, or a Tap."
        ),
        explorer.record(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU())),
    ):
        pass
    with pytest.raises(RecordingError, match=r"^Nothing recurrent in Linear: found no modules inside\."), explorer.record(nn.Linear(2, 2)):
        pass


@pytest.mark.filterwarnings("ignore")
def test_scripted_quantised_and_compiled_modules_are_named():
    model = nn.Sequential(nn.LSTM(2, 3))
    scripted = "'0' is a scripted LSTM, and scripted code cannot be recorded. Record the module it was made from."
    with refused(scripted), explorer.record(nn.Sequential(torch.jit.script(nn.LSTM(2, 3)))):
        pass
    quantised = torch.ao.quantization.quantize_dynamic(model, {nn.LSTM})
    said = r"^'0' is a quantised LSTM \(torch\.ao\..*Record the float module it was made from\.$"
    with pytest.raises(RecordingError, match=said), explorer.record(quantised):
        pass
    said = r"is compiled by torch\.compile, and compiled code bypasses hooks\. Record the module as it was before it was compiled\.$"
    with pytest.raises(RecordingError, match=said), explorer.record(torch.compile(model)):
        pass
    inside = nn.LSTM(2, 3)
    inside.compile()
    with pytest.raises(RecordingError, match=said), explorer.record(nn.Sequential(inside)):
        pass


def test_a_recording_hears_what_the_module_returned_and_not_what_a_hook_made_of_it():
    gru, x = nn.GRU(2, 3), torch.randn(4, 2)
    own = gru(x)[0].detach()
    hook = gru.register_forward_hook(lambda module, args, result: (result[0] + 1, result[1]))
    with explorer.record(gru) as recording:
        out = gru(x)[0]
    assert torch.equal(out.detach(), own + 1) and hooks(gru) == 1
    assert recording.trace("abcd").hidden[:, 0].tolist() == own.tolist()
    hook.remove()
