"""The example "hello": its numbers by hand and by torch, its learning by autograd, and what the recurrent arrow is for."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import AnalysisError
from explorer.textbook import hello
from explorer.textbook.hello import SLIDE_HIDDEN, SLIDE_LOGITS, after, covered, forward, learned, opening

READ, WANTED = [0, 1, 2, 2], [1, 2, 2, 3]


def in_torch(network) -> tuple[nn.RNN, nn.Linear]:
    """The same weights in torch's own modules."""
    rnn, readout = nn.RNN(4, 3, bias=False, dtype=torch.float64), nn.Linear(3, 4, dtype=torch.float64)
    with torch.no_grad():
        for parameter, values in ((rnn.weight_ih_l0, network.U), (rnn.weight_hh_l0, network.W)):
            parameter.copy_(torch.from_numpy(values))
        readout.weight.copy_(torch.from_numpy(network.V))
        readout.bias.copy_(torch.from_numpy(network.c))
    return rnn, readout


def summed_loss(rnn: nn.RNN, readout: nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
    states, _ = rnn(torch.eye(4, dtype=torch.float64)[READ])
    return states, nn.functional.cross_entropy(readout(states), torch.tensor(WANTED), reduction="sum")


def test_the_numbers_of_the_slide():
    steps = forward(opening())
    assert steps.hidden.round(1).tolist() == [list(row) for row in SLIDE_HIDDEN]
    assert steps.logits == pytest.approx(np.array(SLIDE_LOGITS), abs=1e-12)
    assert steps.answers == "oolo" and steps.right == 2


def test_the_losses_worked_out_by_hand():
    steps = forward(opening())
    # step 1: e^1.0 + e^2.2 + e^-3.0 + e^4.1 = 2.718 + 9.025 + 0.050 + 60.340 = 72.133; e has 9.025 of it
    assert steps.probabilities[0, 1] == pytest.approx(9.025 / 72.133, abs=1e-4)
    assert steps.losses.round(2).tolist() == [2.08, 2.90, 0.38, 0.23]
    assert steps.loss == pytest.approx(math.log(72.133 / 9.025) + math.log(6.687 / 0.3679) + math.log(9.773 / 6.686) + 0.2314, abs=1e-3)


def test_the_second_state_worked_out_by_hand():
    network, steps = opening(), forward(opening())
    # nothing comes before the first letter, so that its column of W_xh is what tanh makes the first state from
    assert network.U[:, 0] == pytest.approx([math.atanh(0.3), math.atanh(-0.1), math.atanh(0.9)])
    first = [0.3, -0.1, 0.9]
    for unit in range(3):
        back = sum(network.W[unit, other] * first[other] for other in range(3))
        assert steps.from_state[1, unit] == pytest.approx(back)
        assert math.tanh(network.U[unit, 1] + back) == pytest.approx([0.96, 0.3, 0.1][unit])


def test_no_smaller_weights_give_these_states():
    network, steps = opening(), forward(opening())
    seen = np.hstack([np.eye(4)[READ], np.vstack([np.zeros(3), steps.hidden[:-1]])])
    unseen = np.linalg.svd(seen)[2][4:]  # what can be added to a row of the weights without any effect
    weights = np.hstack([network.U, network.W])
    assert len(unseen) == 3 and abs(weights @ unseen.T).max() < 1e-12
    assert not network.U[:, 3].any() and not network.b.any()


def test_torch_computes_the_same():
    network = opening()
    states, loss = summed_loss(*in_torch(network))
    steps = forward(network)
    assert states.detach().numpy() == pytest.approx(steps.hidden, abs=1e-14)
    assert loss.item() == pytest.approx(steps.loss, abs=1e-13)


@pytest.mark.parametrize("without_arrow", [False, True])
def test_a_step_of_learning_is_that_of_autograd(without_arrow: bool):
    network = opening()
    rnn, readout = in_torch(covered(network) if without_arrow else network)
    summed_loss(rnn, readout)[1].backward()
    with torch.no_grad():
        for parameter in (*rnn.parameters(), *readout.parameters()):
            parameter -= 0.1 * parameter.grad
    got = learned(network, 0.1, without_arrow)
    wanted_back = network.W if without_arrow else rnn.weight_hh_l0.detach().numpy()
    assert abs(got.U - rnn.weight_ih_l0.detach().numpy()).max() < 1e-14
    assert abs(got.W - wanted_back).max() < 1e-14
    assert abs(got.V - readout.weight.detach().numpy()).max() < 1e-14
    assert abs(got.c - readout.bias.detach().numpy()).max() < 1e-14


def test_four_steps_teach_it_and_the_loss_is_below_one():
    network, course = after((4,), 0.1)
    assert forward(network).answers == "ello" and forward(after((3,), 0.1)[0]).answers != "ello"
    assert len(course) == 5 and course == sorted(course, reverse=True)
    assert [loss < 1 for loss in course] == [False] * 4 + [True]


def test_without_its_arrow_the_two_ls_are_one_and_the_loss_stays_above_two_ln_two():
    network, course = after((4, 300), 0.1)
    steps = forward(network)
    assert (steps.logits[2] == steps.logits[3]).all() and not steps.from_state.any()
    assert 2 * math.log(2) < course[-1] < 1.41 and steps.right == 3
    restored, _ = after((4, 0, 0), 0.1)
    assert (restored.W == after((4,), 0.1)[0].W).all() and len(after((4, 0, 0), 0.1)[1]) == 5


def test_an_arrow_that_carries_something_tells_the_two_ls_apart():
    steps = forward(replace(opening(), W=opening().W * 1e-3))
    assert not (steps.logits[2] == steps.logits[3]).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: learned(opening(), 0.0), "The learning rate is 0; expected a number above 0."),
        (lambda: after((), 0.1), r"The stretches are \(\); expected at least one, each of 0 to 1,000 steps."),
        (lambda: after((2, -1), 0.1), r"The stretches are \(2, -1\); expected at least one, each of 0 to 1,000 steps."),
        (lambda: after((hello.LONGEST + 1,), 0.1), r"The stretches are \(1001,\); expected at least one, each of 0 to 1,000 steps."),
    ],
)
def test_what_cannot_be_gets_a_sentence(call, sentence: str):
    with pytest.raises(AnalysisError, match=sentence):
        call()
