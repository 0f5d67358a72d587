"""A logit as a sum over units: against torch's own output layer, and by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.analysis.logits import logit_parts, promoted, promoted_on_text
from explorer.errors import AnalysisError

WEIGHT = np.array([[1.0, 0.0], [-1.0, 2.0], [0.0, 4.0]])  # three tokens, two units


@pytest.mark.parametrize("has_bias", [True, False])
def test_the_parts_add_up_to_what_torch_computes(has_bias: bool):
    torch.manual_seed(0)
    layer, hidden = nn.Linear(7, 5, bias=has_bias).double(), torch.randn(7).double()
    with torch.no_grad():
        logits, logs = layer(hidden), layer(hidden).log_softmax(-1)
    bias = layer.bias.detach().numpy() if has_bias else None
    weight = layer.weight.detach().numpy()
    for token in range(5):
        parts = logit_parts(hidden.numpy(), weight, bias, token)
        assert parts.logit == pytest.approx(float(logits[token] - logits.mean()), abs=1e-12)
        odds = logit_parts(hidden.numpy(), weight, bias, token, against=2)
        assert odds.logit == pytest.approx(float(logs[token] - logs[2]), abs=1e-12)


def test_a_case_by_hand():
    parts = logit_parts(np.array([0.5, -1.0]), WEIGHT, np.array([3.0, 0.0, 0.0]), 0)
    assert parts.units.tolist() == [0.5, 2.0] and parts.bias == 2.0 and parts.logit == 4.5 and parts.strongest.tolist() == [1, 0]
    assert promoted(WEIGHT, 0, 1).up == (0,) and promoted(WEIGHT, 0, 2).down == (1, 2)
    added = promoted_on_text(WEIGHT, np.array([[0.0, 1.0], [0.0, -1.0], [0.0, 3.0]]), [2, 2, 0], 1)
    assert added == {2: (0.0, 2), 0: (-6.0, 1)}


def test_what_does_not_exist_says_so():
    with pytest.raises(AnalysisError, match=r"^There is no token 3; the output layer has 3 rows, 0 to 2\.$"):
        logit_parts(np.zeros(2), WEIGHT, None, 3)
    with pytest.raises(AnalysisError, match=r"^There is no unit 2; the output layer reads 2, 0 to 1\.$"):
        promoted(WEIGHT, 2)
