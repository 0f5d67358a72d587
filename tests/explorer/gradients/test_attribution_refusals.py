"""What attribution refuses, each time with a sentence that says what to do."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordError, RecordingError
from explorer.gradients.attribution import AttributionMethod

X = torch.arange(8.0).view(1, 4, 2) / 8


def lstm(**more) -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(2, 3, batch_first=True, **more).requires_grad_(False)


def last(module: nn.LSTM, x: Tensor = X) -> Tensor:
    return module(x)[0][:, -1, 0]


def mixed(module: nn.LSTM) -> Tensor:
    """Rows of a batch that depend on each other."""
    value = last(module)
    return value - value.sum() * (len(value) > 1)


def shared_softmax(module: nn.LSTM) -> Tensor:
    """Attention weights of the rows of a batch, less what equal rows would get."""
    value = last(module)
    return value.softmax(0) - 1 / len(value)


def normalised(module: nn.LSTM) -> Tensor:
    """Batch normalisation over the rows and the time, in training mode: equal rows do not show it."""
    return nn.functional.batch_norm(module(X)[0].transpose(1, 2), None, None, training=True)[:, 0, -1]


def narrow(module: nn.LSTM) -> Tensor:
    """A model that cannot run several rows."""
    return module(X)[0].view(1, 4, 3)[:, -1, 0]


def without_grad(module: nn.LSTM) -> Tensor:
    with torch.no_grad():
        return last(module)


MIXED = "Beside other rows of a batch, output() gives "
REFUSED = [
    (
        lambda m: m(X)[0],
        "occlusion",
        "output() has shape (1, 4, 3); expected a scalar, or one value for each of the 1 rows, [batch].",
    ),
    (lambda m: 3.0, "occlusion", "output() returned a float; expected a tensor. Leave out item() and float()."),
    (
        lambda m: last(m) + last(m),
        "occlusion",
        "output() made 'lstm' read 8 steps in 2 calls; the recording heard 4 steps in 1. Run the recorded module on the same text, once, "
        "and not its forward().",
    ),
    (lambda m: last(m, X + 1), "occlusion", "output() gives 'lstm' other inputs than the recording heard: they differ by 1.0e+00. "),
    (mixed, "occlusion", MIXED),
    (shared_softmax, "occlusion", MIXED),
    (normalised, "occlusion", MIXED),
    (narrow, "occlusion", "With 3 rows at once the module fails after 'lstm' (shape '[1, 4, 3]' is invalid for input of size 36). Let "),
    (without_grad, "integrated gradients", "output() has no gradient. Leave out torch.no_grad(), torch.inference_mode() and detach()."),
    (last, "deletion", "There is no method 'deletion'; expected one of gradient, gradient x input, integrated gradients, occlusion."),
]


@pytest.mark.parametrize(("output", "method", "sentence"), REFUSED)
def test_what_cannot_be_run_again(output, method: str, sentence: str):
    module = lstm()
    with explorer.record(module) as recording:
        module(X)
    with pytest.raises(RecordingError, match="^" + re.escape(sentence)):
        explorer.attribution(recording, lambda: output(module), method, "abcd")
    assert not module._forward_pre_hooks


def test_dropout_gives_another_value():
    module = lstm(num_layers=2, dropout=0.5)
    torch.manual_seed(1)
    with explorer.record(module) as recording:
        module(X)
    sentence = (
        r"^Run again on the same inputs, output\(\) gives \S+ instead of \S+: something in it is random or changes from run to run\. "
        r"If that is dropout in training mode, call module\.eval\(\) first\.$"
    )
    for run in (last, lambda module: last(module)[0]):
        with pytest.raises(RecordingError, match=sentence):
            explorer.attribution(recording, lambda: run(module), "occlusion", "abcd")  # noqa: B023


def test_a_state_that_is_kept_from_run_to_run_is_not_called_dropout():
    module = lstm()
    with explorer.record(module) as recording:
        module(X)
    runs = iter(range(99))
    with pytest.raises(RecordingError, match=r"gives 2\.\d+ instead of 0\.\d+: something in it is random or changes from run to run\."):
        explorer.attribution(recording, lambda: last(module)[0].abs() + next(runs), "occlusion", "abcd")


class Leaky(nn.Module):
    """A cell of a class that attribution does not know."""

    def __init__(self):
        super().__init__()
        self.step = nn.Linear(5, 3)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.step(torch.cat([x, state], 1)))


class ByHand(nn.Module):
    """A loop over such a cell."""

    def __init__(self):
        super().__init__()
        self.cell = Leaky()

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 3)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return state


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_a_cell_of_an_unknown_class(method: str):
    module = ByHand()
    with explorer.record(module) as recording:
        module(X)
    sentence = (
        "'cell' is of another class than nn.RNN, nn.LSTM, nn.GRU and their cells. Attribution replaces the inputs of these alone, "
        "because it has to know how a module is called."
    )
    with pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$"):
        explorer.attribution(recording, lambda: module(X)[:, 0], method, "abcd")


def test_settings_are_checked():
    for wrong, sentence in (
        ({"baseline": "noise"}, "There is no baseline 'noise'; expected zero, mean, or a vector [feature]."),
        ({"steps": 0}, "steps is 0; expected 1 or more, such as 50."),
    ):
        with pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$"):
            AttributionMethod("occlusion", **wrong)
    module = lstm()
    with explorer.record(module) as recording:
        module(X)
    sentence = "baseline has shape (3,); expected (2,) = [feature], or (4, 2) = [time, feature]."
    with pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$"):
        explorer.attribution(recording, lambda: last(module), AttributionMethod("occlusion", torch.zeros(3)), "abcd")


def test_a_record_checks_its_scores():
    with pytest.raises(RecordError, match=r"^scores has shape \(2,\); expected \(3,\) = \[time\], one for each token\.$"):
        explorer.Attribution(tuple("abc"), np.zeros(2), "gradient", 0.0)
    with pytest.raises(RecordError, match=r"^scores\[1\] is nan; expected a finite number\. Are the weights or the inputs infinite"):
        explorer.Attribution(tuple("ab"), np.array([0, np.nan]), "gradient", 0.0)
