"""Clipping: the surface, its gradient and Omega are autograd's, the rules are worked by hand, and the opening shows what it says."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch

from explorer.errors import AnalysisError
from explorer.figures import clipping as figures
from explorer.figures.export import alt_text, to_html
from explorer.textbook import clipping
from explorer.textbook.clipping import RULES, B, Descent, Path, W, at, clipped, descend, descents, mesh


@cache
def opening() -> dict[str, Path]:
    """The three paths that the page opens on."""
    return {rule: descend(Descent(), rule) for rule in RULES}


def by_autograd(w: float, b: float) -> tuple[float, np.ndarray, float, np.ndarray]:
    """Error, gradient, and Omega by equation 9 from the gradients at the states, with its immediate gradient: states held."""
    weights = torch.tensor([w, b], dtype=torch.float64, requires_grad=True)
    states = [torch.tensor(clipping.START, dtype=torch.float64)]
    for _ in range(clipping.LENGTH):
        states.append(weights[0] * torch.sigmoid(states[-1]) + weights[1])
        states[-1].retain_grad()
    error = (torch.sigmoid(states[-1]) - clipping.TARGET) ** 2
    error.backward()
    gradient, omega = weights.grad.numpy().copy(), 0
    for before, after in pairwise(states):
        held = before.detach().requires_grad_()
        (slope,) = torch.autograd.grad(torch.sigmoid(held), held)
        omega = omega + ((after.grad * weights[0] * slope).abs() / after.grad.abs() - 1) ** 2
    (immediate,) = torch.autograd.grad(omega, weights)
    return error.item(), gradient, omega.item(), immediate.numpy()


@pytest.mark.parametrize(("w", "b"), [(4.5, -1.8), (4.4, -2.24), (3.0, -3.0), (6.0, 1.0), (-2.0, 0.5)])
def test_error_gradient_and_omega_are_autograds(w: float, b: float):
    error, gradient, omega, immediate = by_autograd(w, b)
    computed = at(np.array([w, 5.0]), np.array([b, 0.0]))
    assert computed.error[0] == pytest.approx(error) and computed.omega[0] == pytest.approx(omega)
    np.testing.assert_allclose(computed.gradient[:, 0], gradient, rtol=1e-8)
    np.testing.assert_allclose(computed.omega_gradient[:, 0], immediate, rtol=1e-8)


def test_descents_made_together_are_those_made_alone():
    assert [path.rule for path in descents(Descent())] == list(RULES)
    for path in descents(Descent(3.0, -3.0, 0.3, 0.3, 100, 0.01)):
        alone = descend(Descent(3.0, -3.0, 0.3, 0.3, 100, 0.01), path.rule)
        for values in ("places", "gradients", "errors", "factors"):
            np.testing.assert_allclose(getattr(path, values), getattr(alone, values), rtol=1e-9)


def test_the_factor_is_the_root_of_what_is_left_after_all_steps():
    w, b = torch.tensor(4.0, dtype=torch.float64), torch.tensor(-1.9, dtype=torch.float64)
    first = torch.tensor(clipping.START, dtype=torch.float64, requires_grad=True)
    x = first
    for _ in range(clipping.LENGTH):
        x = w * torch.sigmoid(x) + b
    (left,) = torch.autograd.grad(x, first)
    assert at(np.array([4.0]), np.array([-1.9])).factor[0] ** clipping.LENGTH == pytest.approx(left.item())


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not():
    gradient = np.array([3.0, -4.0])
    np.testing.assert_allclose(clipped(gradient, "by norm", 1.0), [0.6, -0.8])
    np.testing.assert_allclose(clipped(gradient, "by value", 1.0), [1, -1])
    for rule in RULES:
        np.testing.assert_array_equal(clipped(gradient, rule, 5.0), gradient)
    np.testing.assert_array_equal(clipped(gradient, "no clipping", 1.0), gradient)
    with pytest.raises(AnalysisError, match=r"no rule 'x'. Known: no clipping, by norm, by value"):
        clipped(gradient, "x", 1.0)


def test_a_cliff_stands_between_two_plains():
    """The figure's part of the surface: slopes of 25 and more where the median is below a tenth."""
    w, b = np.meshgrid(np.linspace(2, 7, 201), np.linspace(-3.5, -1, 201), indexing="ij")
    slopes = np.linalg.norm(at(w, b).gradient, axis=0)
    assert slopes.max() > 25 and np.median(slopes) < 0.1


def test_the_opening_is_thrown_without_clipping_and_stays_with_it():
    """What the page's first sentence says."""
    thrown, kept, jumps = (opening()[rule] for rule in RULES)
    assert thrown.lengths.max() > 4 and thrown.places[-1, 1] > 2 and thrown.late > 0.08
    assert kept.lengths.max() <= 0.1 + 1e-12 and kept.late < 0.006 and kept.errors.min() < 0.003
    assert jumps.lengths.max() == pytest.approx(0.1 * np.sqrt(2)), "by value both numbers are cut to the same"
    assert jumps.late > 10 * kept.late and np.diff(np.sign(np.diff(jumps.places[20:, 1]))).astype(bool).mean() > 0.8, "to and fro"


def test_omega_keeps_gradients_alive_at_no_cost_in_error():
    how = Descent(w=3.0, b=-3.0, rate=0.3, threshold=0.3, steps=100)
    without, with_it = descend(how, "by norm"), descend(Descent(3.0, -3.0, 0.3, 0.3, 100, 0.01), "by norm")
    assert max(without.late, with_it.late) < 1e-4
    assert with_it.factors[-1] ** 50 > 1e4 * without.factors[-1] ** 50


def test_a_step_is_the_rate_times_the_clipped_gradient():
    how = Descent(4.4, -2.2, 0.5, 0.2, 3, 0.05)
    path = descend(how, "by norm")
    here = at(*path.places[1:2].T)
    raw = (here.gradient + 0.05 * here.omega_gradient)[:, 0]
    np.testing.assert_allclose(path.gradients[1], raw)
    np.testing.assert_allclose(path.places[2], path.places[1] - 0.5 * clipped(raw, "by norm", 0.2))


def test_the_mesh_is_fine_at_the_cliff():
    w, b, error = mesh(16, 100)
    assert w.shape == b.shape == error.shape == (16, 100)
    assert (np.diff(b, axis=1) > 0).all() and (b[:, 0] == B[0]).all() and b[:, -1] == pytest.approx(B[1]) and w[-1, 0] == W[1]
    row = int(np.abs(w[:, 0] - 4.3).argmin())
    even = at(w[row], np.linspace(*B, 100)).error
    assert np.abs(np.diff(error[row])).max() < 0.02 < 0.15 < np.abs(np.diff(even)).max(), "a grid of even squares jumps over it"


def test_a_path_is_cut_where_the_picture_ends_and_never_runs_under_the_ground():
    far = Path("no clipping", np.array([[4.0, 0.0], [4.0, 30.0], [4.0, 60.0]]), np.zeros((2, 2)), np.zeros(3), np.ones(3))
    places, heights = figures.seen(far)
    np.testing.assert_allclose(places, [[4, 0], [4, B[1]]])
    np.testing.assert_allclose(heights, at(*places.T).error + figures.LIFT)
    np.testing.assert_array_equal(figures.seen(opening()["by norm"])[0], opening()["by norm"].places)
    w, b, height = figures.way(opening()["no clipping"])
    assert (height >= at(w, b).error + figures.LIFT - 1e-12).all() and len(w) == 50 * figures.BETWEEN + 1


@pytest.mark.parametrize("dark", [False, True])
def test_the_surface_has_its_ground_and_its_paths_and_is_told(dark: bool):
    paths = list(opening().values())
    figure = figures.surface(mesh(8, 20), paths, dark)
    assert [trace.type for trace in figure.data] == ["surface"] + ["scatter3d"] * 7
    np.testing.assert_allclose(figure.data[2].y, paths[0].places[:, 1])
    assert "no clipping: longest step 5, end at w 6.26, b 2.45" in alt_text(figure) and alt_text(figure).endswith(".")
    assert figure.layout.scene.xaxis.color == ("#e6e6ea" if dark else "#31333f")
    assert "scatter3d" in to_html(figure)


def test_the_table_has_every_step_of_every_path():
    frame = figures.table(list(opening().values()))
    assert len(frame) == 3 * 51 and frame["error"][51] == opening()["by norm"].errors[0]
    assert np.isnan(frame["gradient to w"][50]) and frame["gradient to b"][3] == opening()["no clipping"].gradients[3, 1]


def test_arrows_end_on_the_circle_and_the_square():
    sets = figures.arrows(np.array([-3.0, 4.0]), 0.5).to_dict()["datasets"].values()
    ends = {row["rule"]: (row["w"], row["b"]) for rows in sets for row in rows if "rule" in row}
    assert ends["by norm"] == pytest.approx((0.3, -0.4)) and ends["by value"] == pytest.approx((0.5, -0.5))
    assert ends["no clipping"][0] / ends["no clipping"][1] == pytest.approx(-0.75), "drawn shorter, in its own direction"
