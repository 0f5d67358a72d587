"""Two runs side by side: where they part, forwards and backwards, and the units that move most."""

import numpy as np

from explorer.analysis.divergence import distance, divergence, liveliest

ONE = np.array([[0.0, 1.0], [0.5, 1.0], [1.0, -1.0]])


def test_runs_part_where_their_states_do():
    other = ONE.copy()
    other[2] = (1.25, -1.5)
    np.testing.assert_array_equal(distance(ONE, other), [0, 0, 0.5])


def test_a_shorter_run_has_no_such_token():
    np.testing.assert_array_equal(distance(ONE, ONE[:2]), [0, 0, np.inf])
    np.testing.assert_array_equal(distance(ONE, ONE[1:], reverse=True), [np.inf, 0, 0])


def test_the_liveliest_units_keep_their_order():
    states = np.stack([np.arange(6.0) * scale for scale in (1, 5, 0, 3)], 1)
    np.testing.assert_array_equal(liveliest(states, 2), states[:, [1, 3]])


def test_each_path_is_compared_in_its_own_direction():
    compared = divergence("abc", [ONE, ONE], [ONE[:2], ONE[1:]], [False, True])
    assert compared.tokens == ("a", "b", "c") and compared.reverse == (False, True)
    np.testing.assert_array_equal(compared.distance, [[0, 0, np.inf], [np.inf, 0, 0]])
    assert [states.shape for states in compared.states] == [(3, 2), (3, 2)]
