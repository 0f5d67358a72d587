"""Taps: identities that are heard, attention read off them, and networks written by hand."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer import Tap
from explorer.errors import RecordingError


def refused(sentence: str):
    return pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$")


def heard(axes: str | None, *values: Tensor) -> explorer.Recording:
    """A recording in which one tap named attention heard these values."""
    model = nn.ModuleDict({"tap": Tap("attention", axes)})
    with explorer.record(model) as recording:
        for value in values:
            model["tap"](value)
    return recording


def rows(*shape: int) -> Tensor:
    torch.manual_seed(len(shape))
    return torch.rand(*shape).softmax(-1)


def test_a_tap_changes_nothing_and_leaves_no_trace_in_the_state_dict():
    x, tap = torch.randn(2, 3), Tap("attention", axes="batch in")
    assert tap(x) is x
    assert tap.state_dict() == {} and list(tap.parameters()) == []
    assert repr(tap) == "Tap('attention', axes='batch in')" and repr(Tap("cell")) == "Tap('cell')"


@pytest.mark.parametrize(
    ("name", "axes", "sentence"),
    [
        ("", None, "A Tap needs a name, such as 'attention' or 'forget'; got an empty one."),
        (
            "a",
            "rows in",
            "Tap('a') has axes 'rows in'; expected different words out of batch, head, out, in, time, unit, such as 'batch in'.",
        ),
        ("a", "in in", "Tap('a') has axes 'in in'; expected different words out of batch, head, out, in, time, unit, such as 'batch in'."),
        ("a", "", "Tap('a') has axes ''; expected different words out of batch, head, out, in, time, unit, such as 'batch in'."),
    ],
)
def test_bad_taps(name: str, axes: str | None, sentence: str):
    with refused(sentence):
        Tap(name, axes)


@pytest.mark.parametrize("axes", [None, "batch in"])
def test_attention_step_by_step(axes: str | None):
    steps = [rows(3, 5) for _ in range(4)]
    record = heard(axes, *steps).alignment("abcde", "wxyz", rows=2)
    np.testing.assert_allclose(record.weights, np.stack([step[2] for step in steps]), rtol=1e-6)
    assert record.weights.dtype == np.float64
    np.testing.assert_allclose(record.weights.sum(1), 1, atol=1e-15)


@pytest.mark.parametrize(
    ("axes", "order"), [(None, (0, 1, 2)), ("batch out in", (0, 1, 2)), ("out batch in", (1, 0, 2)), ("in batch out", (2, 0, 1))]
)
def test_attention_at_once(axes: str | None, order: tuple[int, ...]):
    weights = rows(3, 4, 5)
    record = heard(axes, weights.permute(*order)).alignment("abcde", "wxyz", rows=1)
    np.testing.assert_allclose(record.weights, weights[1], rtol=1e-6)


def test_attention_of_one_sentence_without_a_batch():
    weights = rows(4, 5)
    np.testing.assert_allclose(heard(None, weights).alignment("abcde", "wxyz").weights, weights, rtol=1e-6)
    np.testing.assert_allclose(heard(None, *weights).alignment("abcde", "wxyz").weights, weights, rtol=1e-6)


def test_two_readings_are_asked_for_and_each_advice_works():
    weights = rows(4, 4, 5)
    asked = "Tap('attention') received 1 value of shape (4, 4, 5), which can be read in 2 ways. "
    asked += "Name its axes: Tap('attention', axes='batch out in') or Tap('attention', axes='out batch in')."
    with refused(asked):
        heard(None, weights).alignment("abcde", "wxyz", rows=1)
    for axes, row in (("batch out in", weights[1]), ("out batch in", weights[:, 1])):
        np.testing.assert_allclose(heard(axes, weights).alignment("abcde", "wxyz", rows=1).weights, row, rtol=1e-6)
    # Weights of attention are those whose rows sum to 1: a square leaves no doubt, nor does a batch of one step each.
    square = rows(4, 4)
    for axes in (None, "batch in"):
        record = heard(axes, *[square] * 4).alignment("abcd", "wxyz", rows=3)
        np.testing.assert_allclose(record.weights, np.stack([square[3]] * 4), rtol=1e-6)
    steps = [torch.rand(3, 1, 3).softmax(-1) for _ in range(3)]
    for axes in (None, "batch out in"):
        record = heard(axes, *steps).alignment("abc", "xyz", rows=1)
        np.testing.assert_allclose(record.weights, torch.cat([step[1] for step in steps]), rtol=1e-6)
    shape = "3 rows of 3 weights, one row for each target token and one weight for each source column"
    got = "Tap('attention') with axes 'batch in' received 3 values of shape (3, 1, 3)"
    with refused(f"{got}; expected {shape}. These axes fit: axes='batch out in'."):
        heard("batch in", *steps).alignment("abc", "xyz", rows=1)


def test_attention_of_a_batch_that_shrinks_is_read_as_long_as_a_row_lived():
    torch.manual_seed(0)
    steps = [torch.rand(size, 5).softmax(-1) for size in (3, 2, 2, 1)]
    for axes in (None, "batch in"):
        recording = heard(axes, *steps)
        for row, target in enumerate(("wxyz", "wxy", "w")):
            np.testing.assert_allclose(recording.alignment("abcde", target, rows=row).weights, expected_of(steps, row), rtol=1e-6)
    shape = "2 rows of 5 weights, one row for each target token and one weight for each source column"
    with refused(f"Tap('attention') with axes 'batch in' received 4 values of shapes (3, 5) to (1, 5); expected {shape}."):
        recording.alignment("abcde", "wx", rows=1)
    both = heard("batch in", *steps, *steps)  # two batches, one after the other
    np.testing.assert_allclose(both.alignment("abcde", "wxy", rows=1, calls=slice(4, 7)).weights, expected_of(steps, 1), rtol=1e-6)
    with pytest.raises(RecordingError, match=r"received 8 values of shapes \(3, 5\) to \(1, 5\); expected 6 rows"):
        both.alignment("abcde", "uvwxyz", rows=1)


def expected_of(steps: list[Tensor], row: int) -> Tensor:
    return torch.stack([step[row] for step in steps if row < len(step)])


def test_the_sequence_of_a_decoder_picks_its_attention_too():
    torch.manual_seed(0)
    model = nn.ModuleDict({"cell": nn.GRUCell(3, 4), "tap": Tap("attention", axes="batch in"), "other": Tap("other")})
    weights = torch.rand(5, 2, 6).softmax(-1)
    with explorer.record(model) as recording:
        state = None
        for step in range(5):
            state = model["cell"](torch.randn(2, 3), None if step == 2 else state)
            model["tap"](weights[step])
        model["other"](weights[0])
    second = recording.sequences(index=1)[1]
    np.testing.assert_allclose(recording.alignment("abcdef", "xyz", calls=second).weights, weights[2:, 1], rtol=1e-6)
    got = "calls is a sequence of 'cell', which was called 5 times; 'other' received 1 values, and they are not in step. "
    with refused(got + "Give calls= the numbers of its values, such as slice(0, 3)."):
        recording.alignment("abcdef", "xyz", "other", calls=second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("axes", "order"), [("batch head out in", (0, 1, 2, 3)), ("out batch in head", (2, 0, 3, 1))])
def test_heads_of_attention(axes: str, order: tuple[int, ...], dtype: torch.dtype):
    weights = torch.rand(2, 3, 4, 5, dtype=dtype).softmax(-1)
    recording = heard(axes, weights.permute(*order))
    for head in range(3):
        record = recording.alignment("abcde", "wxyz", rows=1, head=head)
        np.testing.assert_allclose(record.weights, weights[1, head], rtol=1e-6)
    np.testing.assert_allclose(recording.alignment("abcde", "wxyz", rows=1, head="mean").weights, weights[1].mean(0), rtol=1e-6)


def test_a_head_of_attention_whose_axes_have_no_names():
    weights = rows(2, 3, 4, 5)
    recording = heard(None, weights)
    np.testing.assert_allclose(recording.alignment("abcde", "wxyz", rows=1, head=2).weights, weights[1, 2], rtol=1e-6)
    ways = " or ".join(f"Tap('attention', axes='{axes}')" for axes in ("batch head out in", "head batch out in"))
    for head in (0, 1, "mean"):  # there may be two heads or three
        with refused(f"Tap('attention') received 1 value of shape (2, 3, 4, 5), which can be read in 2 ways. Name its axes: {ways}."):
            recording.alignment("abcde", "wxyz", rows=1, head=head)


class OnDevice(Tensor):
    """A tensor that behaves like one on a GPU: it has no numpy array until it is copied to the CPU."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is Tensor.numpy:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.")
        out = super().__torch_function__(func, types, args, kwargs or {})
        return out.as_subclass(Tensor) if func is Tensor.cpu or (func is Tensor.to and args[1] == "cpu") else out


def test_attention_on_a_device_is_read_and_its_axes_are_advised():
    weights = rows(3, 4, 5)
    recording = heard("batch out in", weights.as_subclass(OnDevice))
    np.testing.assert_allclose(recording.alignment("abcde", "wxyz", rows=1).weights, weights[1].numpy(), rtol=1e-6)
    expected = "4 rows of 5 weights, one row for each target token and one weight for each source column"
    got = f"Tap('attention') with axes 'batch in out' received 1 value of shape (3, 4, 5); expected {expected}"
    with refused(f"{got}. These axes fit: axes='batch out in'."):
        heard("batch in out", weights.as_subclass(OnDevice)).alignment("abcde", "wxyz")


def test_heads_of_torchs_own_attention_and_of_single_steps():
    torch.manual_seed(0)
    attention, x = nn.MultiheadAttention(8, 4, batch_first=True), torch.randn(2, 5, 8)
    weights = attention(x, x, x, average_attn_weights=False)[1].detach()
    mean = attention(x, x, x)[1].detach()
    recording = heard("batch head out in", weights)
    np.testing.assert_allclose(recording.alignment("abcde", "vwxyz", rows=1, head="mean").weights, mean[1], rtol=1e-5)
    by_step = heard("batch head in", *weights.unbind(2))
    np.testing.assert_allclose(by_step.alignment("abcde", "vwxyz", rows=1, head=3).weights, weights[1, 3], rtol=1e-6)
    for call, sentence in (
        ({}, "Tap('attention') has 4 heads. Choose one, head=0 to 3, or their mean: head='mean'."),
        ({"head": 4}, "head is 4, but Tap('attention') has 4: choose from 0 to 3, or 'mean'."),
        ({"head": "sum"}, "head is 'sum'; expected the number of a head, counted from 0, or 'mean'."),
        ({"head": True}, "head is True; expected the number of a head, counted from 0, or 'mean'."),
    ):
        with refused(sentence):
            recording.alignment("abcde", "vwxyz", **call)
    without = "Tap('attention') has axes 'batch in', without a head. Name the axis: axes='batch head out in'."
    with refused(without):
        heard("batch in", rows(2, 5)).alignment("abcde", "z", head=0)
    several = "Tap('attention') received 1 value of shape (2, 4, 5, 5): attention of several heads. "
    with refused(several + "Choose one, such as head=0, or their mean: head='mean'."):
        heard(None, weights).alignment("abcde", "vwxyz")


def test_what_cannot_be_read_is_a_sentence():
    recording = heard("batch in", rows(3, 5), rows(3, 5))
    shape = "2 rows of 4 weights, one row for each target token and one weight for each source column"
    with refused(f"Tap('attention') with axes 'batch in' received 2 values of shape (3, 5); expected {shape}."):
        recording.alignment("abcd", "yz")
    with refused("rows is 3, but the batch holds 3: choose from 0 to 2."):
        recording.alignment("abcde", "yz", rows=3)
    with refused("rows names 1 rows of the batch; expected one row, or 2: one for each token."):
        recording.alignment("abcde", "yz", rows=[0])
    with refused("No Tap is named 'beta'. Taps found: 'attention'."):
        recording.alignment("abcde", "yz", name="beta")
    with refused(
        "Tap('attention') received nothing inside this recording. Call the module in the `with` block, and the tap in its forward."
    ):
        heard(None).alignment("abcde", "yz")
    with refused("This model has taps, but none named hidden, cell or after a gate: there is no path to trace."):
        recording.trace("yz")
    with pytest.raises(RecordingError, match=r"^Row 0 of Tap\('attention'\) sums to 1\.1; attention weights sum to 1\."):
        heard(None, 1.1 * rows(1, 5)).alignment("abcde", "z")
    two = nn.ModuleList([Tap("attention"), Tap("attention")])
    with explorer.record(two) as recording:
        two[1](rows(1, 5))
    with refused("2 taps are named 'attention': 0, 1. Give name the path of one."):
        recording.alignment("abcde", "z")
    assert recording.alignment("abcde", "z", name="1").weights.shape == (1, 5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_honest_half_precision_rows_pass(dtype: torch.dtype):
    weights = torch.randn(4, 300).mul(3).softmax(-1).to(dtype)
    record = heard("out in", weights).alignment("x" * 300, "wxyz")
    np.testing.assert_allclose(record.weights.sum(1), 1, atol=1e-14)


class ByHand(nn.Module):
    """A minimal gated unit that no library knows, with a line for each value to be seen."""

    def __init__(self, first: bool = False):
        super().__init__()
        self.forget_of, self.new, self.first = nn.Linear(7, 4), nn.Linear(7, 4), first
        self.hidden, self.forget = Tap("hidden"), Tap("forget")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, hs, fs = torch.full((x.shape[1], 4), 0.5), [], []
        h = self.hidden(h) if self.first else h
        for step in x:
            both = torch.cat([step, h], 1)
            f = self.forget(self.forget_of(both).sigmoid())
            h = self.hidden((1 - f) * h + f * torch.tanh(self.new(both)))
            hs.append(h)
            fs.append(f)
        return torch.stack(hs), torch.stack(fs)


@pytest.mark.parametrize("first", [False, True])
def test_a_network_written_by_hand_is_a_path(first: bool):
    model = nn.ModuleDict({"mgu": ByHand(first)})
    with explorer.record(model) as recording:
        hidden, forget = model["mgu"](torch.randn(6, 2, 3))
    assert recording.paths == ("mgu",)
    trace = recording.trace("abcdef", index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], hidden[:, 1].detach().numpy())
    np.testing.assert_array_equal(trace.gates["forget"][:, 0], forget[:, 1].detach().numpy())
    assert trace.cell is None and trace.source == "mgu"
    np.testing.assert_array_equal(trace.initial_hidden, np.full((1, 4), 0.5 if first else 0))


@pytest.mark.parametrize(("axes", "order"), [(None, (0, 1, 2)), ("time batch unit", (0, 1, 2)), ("batch time unit", (1, 0, 2))])
def test_states_tapped_all_at_once(axes: str | None, order: tuple[int, ...]):
    model, values = nn.ModuleDict({"hidden": Tap("hidden", axes)}), torch.randn(6, 2, 3)
    with explorer.record(model) as recording:
        model["hidden"](values.permute(*order))
    np.testing.assert_array_equal(recording.trace("abcdef", index=1).hidden[:, 0], values[:, 1].numpy())


def test_states_that_do_not_fit_are_sentences():
    model = nn.ModuleDict({"forget": Tap("forget")})
    with explorer.record(model) as recording:
        model["forget"](torch.rand(3))
    with refused("'taps' has taps forget, but none named hidden. Add Tap('hidden') where the state is made."):
        recording.trace("a")
    model = nn.ModuleDict({"hidden": Tap("hidden")})
    with explorer.record(model) as recording:
        model["hidden"](torch.rand(3, 4))
    shapes = "[unit] or [batch, unit] once for each of the 7 tokens, or all of them at once"
    with refused(f"Tap('hidden') received 1 value of shape (3, 4); expected {shapes}."):
        recording.trace("abcdefg")
