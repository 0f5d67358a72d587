"""The backward pass of "hello" on the page against autograd."""

import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.figures.diagram import short
from explorer.textbook.hello import LETTERS, after
from pages._one_step import state as one_step_state
from tests.pages.app import sound
from tests.pages.test_one_step import drawn, open_page, text_of


def test_the_backward_pass_is_autograds_in_the_link_and_without_the_arrow():
    page = sound(open_page(stretches="2", backward="true", **{"backward.loss": "last", "backward.weight": "U"}))
    network = after((2,), 0.1)[0]
    U, W, V, c = (torch.tensor(values, requires_grad=True) for values in (network.U, network.W, network.V, network.c))
    states = [torch.zeros(3).double()]
    for letter in "hell":
        states.append(torch.tanh(U[:, LETTERS.index(letter)] + W @ states[-1]))
    loss = torch.nn.functional.cross_entropy(V @ states[-1] + c, torch.tensor(LETTERS.index("o")))
    letters = [text for frame in drawn(page, "told") for text in frame["told"]]
    for gradient in torch.autograd.grad(loss, states[1:], retain_graph=True):
        assert all(short(value) in letters for value in gradient.tolist())
    sizes = sizes_of(page)
    asked = [gradient.norm().item() for gradient in torch.autograd.grad(loss, [W, U, V, c])]
    assert sizes["of the sum"].tolist() == pytest.approx(asked, rel=1e-3)
    assert r"\partial W_{xh}" in text_of(page)
    page.toggle(key=one_step_state.COVER).set_value(True).run()
    assert sizes_of(sound(page))["step 1"].tolist()[:2] == [0, 0]  # nothing flows back from the last letter to the first
    page.toggle(key=one_step_state.BACKWARD).set_value(False).run()
    assert "∂L/∂h of step 1" not in [text for frame in drawn(sound(page), "told") for text in frame["told"]]


def sizes_of(page: AppTest):
    return next(table.value for table in page.dataframe if "of the sum" in table.value)
