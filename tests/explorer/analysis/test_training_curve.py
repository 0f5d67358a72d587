"""How a network learned: looks in order, the gradient by distance, and figures that hold their numbers and say them."""

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.training_curve import Course, Look, by_lag
from explorer.errors import AnalysisError
from explorer.figures import generalisation, training_curve
from explorer.figures.generalisation import Study
from explorer.figures.theme import sentence_of

BACK = np.array([0.0, -1.5, -np.inf])


def grown(name: str = "LSTM, 8 units") -> Course:
    first = Course(name).seen(Look(0, 1.4, 0.25, BACK))
    return first.seen(Look(25, 0.2, 0.9, BACK / 2))


def study(**lines: list[float]) -> Study:
    return Study(lines, 0.1, ([1.0, 1.0, 0.7], "reads two"), (2, "trained up to here"), "signs")


EXAMPLES = {
    "training_curve.progress": lambda dark: training_curve.progress([grown("RNN, 8 units"), grown()], "accuracy", 0.25, 100, dark=dark),
    "training_curve.gradient_map": lambda dark: training_curve.gradient_map(grown(), 1, 100, dark),
    "generalisation.beyond": lambda dark: generalisation.beyond(study(RNN=[1.0, 0.9, 0.8]), dark),
}


def test_by_lag_is_the_median_of_what_autograd_says():
    """Of a linear RNN with W = 0.5 I: each step back halves the gradient exactly, whatever is read."""
    rnn = nn.RNN(2, 3, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        rnn.weight_hh_l0.copy_(0.5 * torch.eye(3))
        rnn.bias_ih_l0.fill_(5.0)  # never below 0: relu is linear here
    x = 0.1 * torch.rand(3, 6, 2, dtype=torch.float64)
    with explorer.record(rnn, gradients=True) as recording:
        out, _ = rnn(x)
    flows = [explorer.gradient_flow(recording, out[:, -1].pow(2).sum(), "abcdef", index=row) for row in range(3)]
    np.testing.assert_allclose(by_lag(flows), np.arange(6) * np.log10(0.5), atol=1e-6)


def test_by_lag_leaves_out_what_has_no_gradient_at_all():
    def flow(*log10: float) -> explorer.GradientFlow:
        values = np.array(log10)[:, None]
        return explorer.GradientFlow(("a", "b"), values, None, values, 1)

    none, falling = flow(-np.inf, -np.inf), flow(-5.0, -2.0)
    assert by_lag([none, falling]).tolist() == [0.0, -3.0]
    assert np.isnan(by_lag([none])).all() and by_lag([flow(-np.inf, -2.0)]).tolist() == [0.0, -np.inf]
    with pytest.raises(AnalysisError, match="There are no gradients to summarise"):
        by_lag([])


def test_looks_come_in_order_and_over_the_same_steps():
    known = grown()
    with pytest.raises(AnalysisError, match="of update 25; expected a later one than 25"):
        known.seen(Look(25, 0.0, 1.0, BACK))
    with pytest.raises(AnalysisError, match="reaches over 2 steps; expected 3"):
        known.seen(Look(26, 0.0, 1.0, BACK[:2]))
    assert len(known.looks) == 2


def test_lines_hold_every_look_and_say_where_they_are():
    both = [grown("RNN, 8 units"), grown()]
    figure = training_curve.progress(both, "accuracy", 0.25, 100)
    sentence = sentence_of(figure)
    assert "chance is 25%" in sentence and "LSTM, 8 units from 25% to 90% after 25 training steps" in sentence
    rows = training_curve.table(both)
    assert rows["accuracy"].tolist() == [0.25, 0.9] * 2 and rows["training"].nunique() == 2
    spec = training_curve.progress(both, "loss", 1.386, 100, "nats").to_dict()
    drawn = {row.get("words") for data in spec["datasets"].values() for row in data}
    assert "chance 1.39" in drawn and any("nats" in str(layer) for layer in spec["layer"])
    with pytest.raises(AnalysisError, match="There is nothing to draw"):
        training_curve.progress([Course("RNN")], "loss", 1.0, 100)


def test_the_map_holds_every_step_of_every_look():
    known = grown()
    figure = training_curve.gradient_map(known, 1, 100)
    assert "1 steps before the answer, 3.2e-02 of it arrived at first and 1.8e-01 after 25 training steps" in sentence_of(figure)
    rows = training_curve.map_table(known)
    assert len(rows) == 6 and rows["log10"].tolist() == [0.0, -1.5, -np.inf, 0.0, -0.75, -np.inf]
    cells = next(data for data in figure.to_dict()["datasets"].values() if "high" in data[0])
    assert [(cell["left"], cell["right"]) for cell in cells[::3]] == [(-12.5, 15.0), (12.5, 40.0)]
    assert "nothing of it arrived at first" in sentence_of(training_curve.gradient_map(known, 2, 100))
    with pytest.raises(AnalysisError, match="There is nothing to draw"):
        training_curve.gradient_map(Course("RNN"), 1, 100)


def test_a_study_holds_its_lines_and_its_bound():
    known = study(RNN=[1.0, 0.9, 0.8])
    assert generalisation.table(known).to_dict("list") == {"signs": [1, 2, 3], "RNN": [1.0, 0.9, 0.8], "reads two": [1.0, 1.0, 0.7]}
    sentence = sentence_of(generalisation.beyond(known))
    assert "chance is 10.0%" in sentence and "RNN 90% at 2 and 80% at 3" in sentence and "reads two 70% at 3" in sentence
    with pytest.raises(AnalysisError, match="'RNN' has 2 places; expected 3"):
        study(RNN=[1.0, 0.9])
    with pytest.raises(AnalysisError, match="at least one network"):
        generalisation.beyond(study())
