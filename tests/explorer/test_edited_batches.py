"""Many interventions on one text in one run: rows of a batch that read the same share the work, and give what each gives alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import explorer
import explorer.edited_run
from tests.explorer.test_edited_runs import PARTS
from tests.explorer.test_interventions import FEATURES, UNITS, made

ROWS, TIME = 3, 7


def values() -> dict[str, Any]:
    """Row k holds unit k alone, at a value of its own."""
    return {"scale": 1 - np.eye(ROWS)[None], "shift": np.diag([0.3, -0.2, 0.1])[None]}


@pytest.mark.parametrize("state", ["zero", "alike", "other"])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("family", PARTS)
def test_rows_that_read_the_same_are_what_each_is_alone(family: type[nn.RNNBase], layer: int, both: bool, state: str, monkeypatch):
    module = made(family, 2, False, both, {})
    x = torch.randn(TIME, 1, FEATURES, dtype=torch.float64)
    first = torch.randn(4 if both else 2, 1 if state == "alike" else ROWS, UNITS, dtype=torch.float64).expand(-1, ROWS, -1).contiguous()
    hx: Any = None if state == "zero" else (first, first) if family is nn.LSTM else first
    batches = []
    monkeypatch.setattr(explorer.edited_run, "linear", lambda x, *w: batches.append(x.shape[-2]) or nn.functional.linear(x, *w))
    with explorer.intervene(module, family.__name__.lower(), layer, units=range(ROWS), **values()) as changed, torch.inference_mode():
        out, last = changed(x.expand(-1, ROWS, -1), hx)
        shared, batches[:] = 1 in batches, []
        changed(torch.randn(TIME, ROWS, FEATURES, dtype=torch.float64), hx)
    assert shared and 1 not in batches
    for row in range(ROWS):
        own = None if hx is None else tuple(part[:, [row]].contiguous() for part in hx) if family is nn.LSTM else hx[:, [row]].contiguous()
        held = float(values()["shift"][0, row, row])
        with explorer.intervene(module, family.__name__.lower(), layer, units=row, value=held, steps=range(TIME)) as alone:
            expected, ended = alone(x, own)
        torch.testing.assert_close(out[:, [row]], expected, atol=1e-12, rtol=0)
        for part, whole in zip(_parts(ended), _parts(last), strict=True):
            torch.testing.assert_close(whole[:, [row]], part, atol=1e-12, rtol=0)


def _parts(state) -> tuple:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("family", PARTS)
def test_every_row_has_a_gradient_of_its_own(family: type[nn.RNNBase]):
    module = made(family, 2, False, False, {})
    x = torch.randn(TIME, 1, FEATURES, dtype=torch.float64).expand(-1, ROWS, -1).clone().requires_grad_()
    with explorer.intervene(module, family.__name__.lower(), 1, units=range(ROWS), **values()) as changed:
        changed(x)[0].sum().backward()
    assert x.grad is not None and bool((x.grad.abs().sum((0, 2)) > 0).all())
