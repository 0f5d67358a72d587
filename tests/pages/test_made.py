"""What is made once for all visitors: compared by its content, and drawn as Streamlit would draw the figure itself."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
import pytest
from altair.utils import schemapi
from streamlit.testing.v1 import AppTest

from explorer.figures import export
from pages._ui.made import digest, made
from tests.pages.app import ROOT, sound

CALLS: list[tuple] = []
FRAME = pd.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"]})


@dataclass(frozen=True, eq=False)
class Record:
    values: np.ndarray
    name: str | None = None


def result(*arguments: object, **named: object) -> str:
    CALLS.append((arguments, named))
    return repr(arguments)


VALUES = [
    None, True, 1, 1.0, "1", b"1", "", (), (1, 2), [1, 2], (1, (2,)), ((1,), 2), {"a": 1}, {"a": "1"}, ("a", "b"), ("ab",),
    np.arange(3), np.arange(3.0), np.arange(3)[None], np.array(["a", "b"]), np.array(["a", None], object), np.zeros(0),
    FRAME, FRAME.assign(x=[1.0, 3.0]), FRAME.rename(columns={"x": "y"}), FRAME.iloc[::-1], Record(np.arange(3)), Record(np.arange(3), "a"),
]  # fmt: skip


def test_no_two_values_have_the_same_digest():
    assert len({digest(value) for value in VALUES}) == len(VALUES)


def test_equal_values_have_the_same_digest():
    assert digest(Record(np.arange(3), "a")) == digest(Record(np.arange(3), "a"))
    assert digest(FRAME.copy()) == digest(FRAME)
    assert digest(np.asfortranarray(np.arange(6).reshape(2, 3))) == digest(np.arange(6).reshape(2, 3))


def test_what_cannot_be_compared_is_no_argument():
    with pytest.raises(TypeError, match=r"^function cannot be compared by its content$"):
        digest((1, lambda: 1))


def test_the_parts_of_a_figure_are_not_checked_as_it_is_made_on_a_page(monkeypatch):
    monkeypatch.setattr(schemapi, "DEBUG_MODE", True)
    assert made(alt.Axis, grid="no truth value").grid == "no truth value"
    with pytest.raises(schemapi.SchemaValidationError):
        alt.Axis(grid="no truth value")


def test_a_value_is_made_once_and_anew_where_one_of_many_numbers_differs():
    """Streamlit's own cache compares only a sample of so many numbers."""
    CALLS.clear()
    values = np.zeros(600_000)
    made(result, values, 1, name="a")
    made(result, values.copy(), 1, name="a")
    assert len(CALLS) == 1
    values[123_457] = 1e-9
    made(result, values, 1, name="a")
    made(result, values, 1, name="b")
    assert len(CALLS) == 3


def both() -> None:
    """The same figure by Streamlit and by the page."""
    import altair as alt
    import streamlit as st

    from pages._ui.show import draw
    from tests.pages.test_made import figure

    st.altair_chart(figure(alt), key="one", theme=None, width="content")
    draw(figure(alt), "other")
    st.altair_chart(figure(alt), key="three", theme=None, width="content", on_select="rerun", selection_mode=["cell"])
    draw(figure(alt), "four", "cell")


def figure(altair):
    """Two layers of one table and one of another, with a selection."""
    one = altair.Chart(FRAME).mark_point().encode(x="x", y="name:N").add_params(altair.selection_point("cell", fields=["name"]))
    return altair.layer(one, altair.Chart(FRAME).mark_line().encode(x="x")) & altair.Chart(FRAME.iloc[:1]).mark_bar().encode(x="x")


def test_a_figure_is_drawn_as_streamlit_draws_it():
    page = sound(AppTest.from_function(both).run())
    one, other, three, four = (chart.proto for chart in page.get("vega_lite_chart"))
    for streamlit, own in ((one, other), (three, four)):
        names = {dataset.name: f"data{index}" for proto in (streamlit, own) for index, dataset in enumerate(proto.datasets)}
        specs = [proto.spec for proto in (streamlit, own)]
        for name, common in names.items():
            specs = [spec.replace(name, common) for spec in specs]
        assert specs[0] == specs[1]
        assert [dataset.data.data for dataset in streamlit.datasets] == [dataset.data.data for dataset in own.datasets]
        assert list(streamlit.selection_mode) == list(own.selection_mode)


def test_a_figure_of_the_page_can_be_saved_meanwhile():
    """Altair has one setting of how data is handed on; a saved figure holds its rows, a drawn one names them."""
    chart = alt.Chart(FRAME).mark_point().encode(x="x")
    packed = export.with_packed_data(chart, lambda table: b"packed")
    assert list(packed["datasets"].values()) == [b"packed"] and packed["data"]["name"] in packed["datasets"]
    assert list(export.specification(chart)["datasets"].values()) == [FRAME.to_dict("records")]


def test_a_rerun_makes_no_figure_anew(monkeypatch: pytest.MonkeyPatch):
    page = sound(AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run().switch_page("pages/one_step.py").run())
    monkeypatch.setattr(alt.TopLevelMixin, "to_dict", None)
    assert len(sound(page.run()).get("vega_lite_chart")) == 3


def test_two_threads_that_build_figures_leave_altair_as_it_was(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schemapi, "DEBUG_MODE", True)
    first, second = export.unchecked(), export.unchecked()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert schemapi.DEBUG_MODE is False, "the second still builds"
    second.__exit__(None, None, None)
    assert schemapi.DEBUG_MODE is True
