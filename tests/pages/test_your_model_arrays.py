"""Arrays without a model on the page "Your model": drawn, chosen, kept in the link, and refused with a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from models.foreign.experiments.arrays.activations import recorded
from models.foreign.experiments.arrays.contents import contents
from models.foreign.given import VARIABLE, Given, give
from pages._ui.cache import forget_shared
from pages._your_model import data, opening, probe, weights
from tests.models.foreign.arrays.test_alignments import NEMATUS
from tests.models.foreign.arrays.test_contents import npz
from tests.models.foreign.strangers import min_char_rnn
from tests.pages.app import as_read, open_page, sound

STEPS = 60
DAYS = np.datetime64("2001-01-01") + np.arange(STEPS)
HIDDEN = np.tanh(np.random.default_rng(0).normal(size=(STEPS, 2, 4)))
SERIES = "date,rain,sun,h0,h1,h2\n" + "".join(f"{DAYS[i]},{i % 7},{-i},{i / 99},0.5,{-i / 99}\n" for i in range(STEPS))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "arrays"
    folder.mkdir()
    monkeypatch.setattr(data, "_folder", lambda: folder)
    return folder


def uploaded(content: bytes, name: str) -> AppTest:
    page = sound(open_page("your_model"))
    return page.file_uploader(key=opening.FILE).set_value((name, content, "application/octet-stream")).run()


def words(page: AppTest) -> str:
    return as_read(" ".join(one.value for one in (*page.markdown, *page.caption, *page.info, *page.error))).replace("**", "")


def again(page: AppTest) -> AppTest:
    """The page opened anew by its link."""
    named = {key.removeprefix("your_model."): value for key, value in page.query_params.items()}
    return sound(open_page("your_model", **named))


def test_a_series_is_drawn_chosen_and_opened_again_by_its_link(kept: Path):
    page = uploaded(SERIES.encode(), "my catchment.csv")
    assert "my-catchment.csv is a table: 60 steps; from 2001-01-01 to 2001-03-01; 3 units of h; columns rain, sun." in words(page)
    assert page.multiselect(key=data.READ).value == ["rain", "sun"]
    page = sound(page.multiselect(key=data.READ).set_value(["sun"]).run())
    assert page.query_params["your_model.data.inputs"] == "1"
    name = page.query_params["your_model.data"]
    assert (kept / name).read_bytes() == SERIES.encode()
    forget_shared()
    reopened = again(page)
    assert "60 steps" in words(reopened) and reopened.multiselect(key=data.READ).value == ["sun"]
    (kept / name).unlink()
    assert data.GONE in words(again(page))
    assert data.GONE in words(sound(open_page("your_model", data="../../etc/passwd")))


def test_tokens_with_layers_have_a_menu_that_is_in_the_link():
    page = uploaded(npz(tokens=np.array(list("a b" * 20)), hidden=HIDDEN), "mine.npz")
    assert "60 tokens; 4 units of hidden, layer 1; 4 units of hidden, layer 2." in words(page)
    page = sound(page.selectbox(key=data.UNITS).set_value("hidden, layer 2").run())
    assert again(page).selectbox(key=data.UNITS).value == "hidden, layer 2"


def test_weights_and_arrays_in_an_npz_are_told_apart_and_the_visitor_can_say_otherwise():
    page = uploaded(npz(tokens=np.array(list("ab" * 30)), hidden=HIDDEN), "mine.npz")
    assert page.segmented_control(key=opening.READ_AS).value == opening.ARRAYS
    page = sound(page.segmented_control(key=opening.READ_AS).set_value(opening.WEIGHTS).run())
    assert "60 tokens" not in words(page) and "No recurrent layer was found" in words(page)
    page = uploaded(npz(**min_char_rnn()), "weights.npz")
    assert page.segmented_control(key=opening.READ_AS).value == opening.WEIGHTS and weights.FILE in page.session_state
    page = page.segmented_control(key=opening.READ_AS).set_value(opening.ARRAYS).run()
    assert weights.FILE not in page.session_state and "expected (10, units) = [time, unit]" in words(page)


def test_alignments_have_a_list_of_sentences():
    page = uploaded(NEMATUS.encode(), "soft.txt")
    assert "soft.txt holds 2 alignments." in words(page) and "Obama empf@@ ängt </s> → Obama welcomes </s>" in words(page)
    page = sound(page.selectbox(key=f"{data.KEY}.sentence").set_value(1).run())
    assert "ja </s> → yes </s>" in words(page) and again(page).selectbox(key=f"{data.KEY}.sentence").value == 1
    one = uploaded(json.dumps({"source": "<b>a</b>", "target": "x", "weights": [[1]]}).encode(), "one.json")
    assert "holds 1 alignment." in words(one) and "<b>a</b> → x" in words(one)


def test_a_table_that_may_be_either_can_be_read_as_either():
    page = uploaded(b",the,cat\nle,.9,.1\nchat,.2,.8\n", "a.csv")
    assert page.selectbox(key=data.WAY).options == ["alignment", "units over time"] and "holds 1 alignment" in words(page)
    page = sound(page.selectbox(key=data.WAY).set_value("units over time").run())
    assert "2 tokens" in words(page)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.csv", "is empty. Expected a table with one row per step."),
        (b"x,y\n1,2,3\n", "a.csv", "row 2 has 3 cells"),
        (b"PAR1", "a.parquet", "is a damaged Parquet file"),
        (npz(tokens=np.array(["a", "b"]), hidden=np.zeros((3, 4))), "a.npz", "expected (2, units) = [time, unit]"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_nothing_is_kept(content: bytes, name: str, sentence: str, kept: Path):
    page = uploaded(content, name)
    assert sentence in words(page) and words(page).count("Nothing was changed.") == 1 and not list(kept.iterdir())


def test_a_long_series_is_shown_in_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "SHOWN_STEPS", 20)
    page = uploaded(SERIES.encode(), "a.csv")
    page = sound(page.number_input(key=data.RANGE).set_value(31).run())
    assert page.query_params["your_model.data.steps"] == "30-50"
    assert again(page).number_input(key=data.RANGE).value == 31


def test_the_file_of_the_command_line_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "{}")
    (tmp_path / "mine.csv").write_text(SERIES)
    give(Given((tmp_path / "mine.csv",)))
    page = sound(open_page("your_model"))
    assert "mine.csv is a table: 60 steps" in words(page)
    page = sound(page.multiselect(key=data.READ).set_value(["sun"]).run())
    assert again(page).multiselect(key=data.READ).value == ["sun"]


def test_the_server_keeps_so_many_files(kept: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "MOST_FILES", 2)
    for index in range(4):
        uploaded(SERIES.replace("0.5", str(index)).encode(), f"{index}.csv")
    assert sorted(file.name[0] for file in kept.iterdir()) == ["2", "3"]


def test_a_file_without_units_draws_its_columns_standardised():
    read = recorded(contents(b"date,rain,sun\n2001-01-01,1,5\n2001-01-02,3,\n2001-01-03,5,5\n", "a.csv"))
    made = data.figure(read, "", ("rain",), slice(0, 3))
    np.testing.assert_allclose(made.values[:, 0], [-1.2247, 0, 1.2247], atol=1e-3)
    assert made.values[:, 1].tolist() == [0, 0, 0] and made.inputs is not None and made.inputs.names == ("rain",)


def water(steps: int = 400) -> str:
    """A series whose units hold what is left of the rain, which is a column of its own, and nothing of another column."""
    rng = np.random.default_rng(4)
    rain, left, tide = rng.gamma(0.3, 8, steps), np.zeros(steps), np.zeros(steps)
    for day in range(1, steps):
        left[day], tide[day] = 0.9 * left[day - 1] + rain[day], 0.9 * tide[day - 1] + rng.normal()
    units = np.stack([left / 9 + 0.1 * rng.normal(size=steps), rain - left / 7, rng.normal(size=steps)], 1)
    rows = zip(rain, left, tide, *units.T, strict=True)
    return "rain,water,tide,h0,h1,h2\n" + "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in rows)


def test_a_probe_finds_a_column_in_the_units_and_not_another_one():
    page = uploaded(water().encode(), "water.csv")
    assert "What do the units know?" in words(page) and "R² is" not in words(page)
    page = sound(page.selectbox(key=probe.COLUMN).set_value("water").run())
    said = words(page)
    assert "water can be read from the units: R² is 0.9" in said or "water can be read from the units: R² is 1.00" in said
    assert "a series of the same rhythm with random phases" in said and "the inputs of the same step alone, R² is" in said
    page = sound(page.selectbox(key=probe.CONTROL).set_value("tide").run())
    assert "The control, tide, reaches" in words(page)
    reopened = again(page)
    assert (reopened.selectbox(key=probe.COLUMN).value, reopened.selectbox(key=probe.CONTROL).value) == ("water", "tide")
    page = sound(page.selectbox(key=probe.COLUMN).set_value("tide").run())
    assert "tide cannot be read from the units better than by chance" in words(page)
    assert page.selectbox(key=probe.CONTROL).value is None, "a column is no control of itself"


def test_a_probe_of_too_few_steps_is_a_sentence():
    page = uploaded(water(50).encode(), "water.csv")
    page = page.selectbox(key=probe.COLUMN).set_value("water").run()
    assert "known at 50 steps; a probe needs at least 60" in words(page) and not page.exception


def test_the_untrained_network_of_the_file_is_a_baseline():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(300, 4)).cumsum(0)
    page = uploaded(npz(hidden=states, untrained_hidden=rng.normal(size=(300, 4)), depth=states[:, 1]), "a.npz")
    page = sound(page.selectbox(key=probe.COLUMN).set_value("depth").run())
    assert "Read from the units of the network untrained, R² is" in words(page)
