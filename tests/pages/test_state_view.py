"""The Python half of the state view: requests, choices of the browser, and what is never trusted. The browser half is in tests/browser."""

import gc

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.figures.scales import Scale
from explorer.figures.states import StateFigure
from pages._components import state_view as component
from pages._components.state_view import StateChoice


def app() -> None:
    import numpy as np
    import streamlit as st

    from explorer.figures.scales import Scale
    from explorer.figures.states import StateFigure
    from pages._components.state_view import state_choice, state_view

    known = state_choice("map")
    unit = st.session_state.pop("wish", min(known.unit, 3) if known else 1)
    values = np.linspace(-1, 1, 80, dtype=np.float32).reshape(20, 4)
    scale = Scale("diverging", -1, 1)
    figure = StateFigure("x" * 20, values, "hidden", unit, range(4), "index", scale, start=100, cursor=st.session_state.get("cursor"))
    st.session_state["given"] = state_view(figure, "map")


def choose(at: AppTest, **choice) -> StateChoice:
    at.session_state["map"] = {"choice": choice}
    return at.run().session_state["given"]


@pytest.fixture
def at() -> AppTest:
    return AppTest.from_function(app).run()


def times_asked(at: AppTest) -> int:
    return at.session_state["map.asked"]["now"]["n"]


def test_at_first_it_returns_the_choice_of_the_figure(at: AppTest):
    assert not at.exception
    assert at.session_state["given"] == StateChoice(1, 100)


def test_it_returns_the_choice_of_the_browser_and_asks_for_nothing(at: AppTest):
    given = choose(at, unit=3, cursor=105, selection=[102, 106], looks=["flip", "unheard of"])
    assert given == StateChoice(3, 105, (102, 106), ("flip",))
    assert times_asked(at) == 1


def test_a_wish_is_asked_for_once_even_for_a_unit_seen_before(at: AppTest):
    choose(at, unit=3, cursor=105, selection=None, looks=[])
    for wish, expected in ((1, 2), (2, 3), (1, 4)):
        at.session_state["wish"] = wish
        at.run()
        assert (at.session_state["given"].unit, times_asked(at)) == (wish, expected)
        at.run()
        assert (at.session_state["given"].unit, times_asked(at)) == (wish, expected), "the next run swings back"


def test_after_a_wish_the_choice_of_the_browser_counts_again(at: AppTest):
    at.session_state["wish"] = 2
    at.run()
    assert choose(at, unit=0, cursor=101, selection=None, looks=[]).unit == 0
    assert times_asked(at) == 2


def test_the_cursor_may_be_asked_for(at: AppTest):
    at.session_state["cursor"] = 110
    assert at.run().session_state["given"].cursor == 110
    assert choose(at, unit=1, cursor=104, selection=None, looks=[]).cursor == 104


@pytest.mark.parametrize("choice", [{"unit": "<script>"}, {"unit": 1}, {"unit": 1, "cursor": 2, "selection": [5], "looks": []}, {}])
def test_nonsense_from_the_browser_is_ignored(at: AppTest, choice: dict):
    assert choose(at, **choice) == StateChoice(1, 100)


def test_what_lies_outside_the_figure_is_brought_inside(at: AppTest):
    given = choose(at, unit=99, cursor=5, selection=[0, 1000], looks=[])
    assert given == StateChoice(3, 100, None)


def figure(values: np.ndarray, **changes) -> StateFigure:
    given = {"unit": 0, "order": range(4), "order_name": "index", "scale": Scale("diverging", -1, 1)}
    return StateFigure("x" * len(values), values, "hidden", **given | changes)


def test_bytes_are_made_once_for_all_units_and_again_for_another_order_or_values():
    values = np.zeros((5, 4), np.float32)
    first = component._blob(figure(values))
    assert component._blob(figure(values, unit=3))[1] is first[1]
    other = component._blob(figure(values, order=(3, 2, 1, 0)))
    assert other[0] != first[0]
    assert component._blob(figure(np.ones((5, 4), np.float32)))[0] != first[0]


def test_bytes_go_when_the_values_go():
    values = np.zeros((5, 4), np.float32)
    component._blob(figure(values))
    name = id(values)
    assert name in component._KEPT
    del values
    gc.collect()
    assert name not in component._KEPT


def test_a_choice_from_another_figure_is_brought_into_this_one():
    small = figure(np.zeros((5, 4), np.float32), start=10)
    assert component._within(StateChoice(99, 3, (8, 12), ("flip",)), small) == StateChoice(3, 10, None, ("flip",))
    assert component._within(StateChoice(-1, 99, (10, 15)), small) == StateChoice(0, 14, (10, 15))
