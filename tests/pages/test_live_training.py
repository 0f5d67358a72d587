"""The panel "Does it learn?" in process: its drawings, its texts, and what it keeps."""

import time
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from models.memory_tasks import experiments, length_generalisation, parameter_match, truncated_bptt
from models.memory_tasks.network import Setup
from pages._gradient_flow import compute, learn, more_parameters
from pages._ui import jobs
from pages._ui.pool import Pool
from tests.models.tiny import save_tiny
from tests.pages import app
from tests.pages.app import as_read, sound
from tests.pages.made_jobs import started

APP = "from pages._gradient_flow import learn\nlearn.panel(None, [])"
LEARN, RECURRENCE, TRUNCATED = learn.KEY, learn.recurrence.KEY, learn.truncated.KEY


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(learn, "UPDATES", (12, 24))
    monkeypatch.setattr(length_generalisation, "UPDATES", 3)
    monkeypatch.setattr(truncated_bptt, "UPDATES", 3)
    torch.set_num_threads(1)


def panel(**query: str | list[str]) -> AppTest:
    page = AppTest.from_string(APP, default_timeout=120)
    for key, value in query.items():
        page.query_params[f"{LEARN}.{key}"] = value
    return page.run()


def text_of(page: AppTest) -> str:
    return "\n".join(part.value for part in [*page.markdown, *page.caption]).replace("\u00a0", " ")


def finished(page: AppTest) -> AppTest:
    page.session_state[jobs.KEY].join(120)
    return sound(page.run())


def drawn(page: AppTest) -> list[str]:
    return [chart.proto.spec for chart in page.get("vega_lite_chart")]


def pressed(page: AppTest, key: str) -> AppTest:
    return page.button(key=f"{key}.start").click().run()


def test_both_kinds_are_trained_and_drawn_on_one_axis_with_chance(monkeypatch):
    has_curve, watch = [], jobs.watch
    monkeypatch.setattr(jobs, "watch", lambda draw, key, has: (has_curve.append(has()), watch(draw, key, has)))
    page = panel(length="10", units="8", kinds="RNN,LSTM")
    assert not drawn(page)
    page = finished(pressed(page, LEARN))
    assert len(drawn(page)) == 3
    rows = [row for row in text_of(page).split("\n") if row.startswith("| temporal order")]
    assert ["RNN, 8 units | 12 of 12" in rows[0], "LSTM, 8 units | 12 of 12" in rows[1], len(rows)] == [True, True, 2]
    accuracy, loss, picture = drawn(page)
    assert "chance is 25%" in accuracy and "chance is 1.39" in loss and "8 steps before the answer" in picture
    assert "RNN, 8 units" in accuracy and "LSTM, 8 units" in accuracy
    assert page.button_group(key=f"{LEARN}.map").value == "LSTM, 8 units"
    page = sound(page.selectbox(key=f"{LEARN}.task").set_value("adding").run())
    assert has_curve[0] is False and has_curve[-1] is True, "another choice does not make the training wait for its first curve again"
    assert not drawn(page) and "| temporal order" in text_of(page), "another task has axes of its own; the table keeps all"


def test_what_is_finished_is_kept_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(learn, "KEPT", 2)
    page = panel(length="10", units="8", kinds="RNN")
    for seed in (1, 2, 3):
        page.number_input(key=f"{LEARN}.seed").set_value(seed).run()
        page = finished(pressed(page, LEARN))
    rows = [row for row in text_of(page).split("\n") if row.startswith("| temporal order")]
    assert ["seed 2" in rows[0], "seed 3" in rows[1], len(rows)] == [True, True, 2]


def test_without_a_kind_and_with_nonsense_in_the_link_it_asks_for_a_kind():
    page = panel(kinds="RNN", length="7", task="sorting", part="x", seed="-3")
    page.button_group(key=f"{LEARN}.kinds").set_value([]).run()
    assert not page.exception and "at least one kind" in page.info[0].value


def test_a_running_training_can_be_paused_and_cancelled_and_no_other_starts(monkeypatch):
    monkeypatch.setattr(learn, "UPDATES", (100_000,))
    page = pressed(panel(length="10", units="8", kinds="LSTM"), LEARN)
    work = page.session_state[jobs.KEY]
    while not work.done:
        time.sleep(0.01)
    page = sound(page.run())
    assert page.button(key=f"{LEARN}.start").disabled and drawn(page)
    page = page.button(key=f"{LEARN}.pause").click().run()
    while work.state != "paused":
        time.sleep(0.01)
    page = page.run()
    assert [button.label for button in page.button if button.key.startswith(LEARN)][:3] == ["Train", "Resume", "Cancel"]
    page = page.button(key=f"{LEARN}.resume").click().run()
    page.button(key=f"{LEARN}.cancel").click()
    page = finished(page.run())
    assert work.state == "cancelled" and "Cancelled after" in text_of(page) and not page.button(key=f"{LEARN}.start").disabled
    assert "of 100000" in text_of(page), "what it had reached is kept"


def test_a_waiting_training_says_so_and_a_failed_one_shows_its_error():
    closed = Pool(0)
    page = panel()
    page.session_state[jobs.KEY] = started(lambda every: None, closed)
    labels = [bar.proto.text for bar in page.run().get("progress")]
    assert any("Waiting: the server is busy with other jobs" in text for text in labels)
    closed.end()

    def fails(every) -> None:
        Setup(kind="cnn")

    page.session_state[jobs.KEY] = started(fails, Pool(1))
    page.session_state[jobs.KEY].join(60)
    assert "no network of kind 'cnn'" in as_read(page.run().error[0])


@pytest.mark.parametrize(
    ("part", "key", "lines"),
    [
        ("Why recurrence", RECURRENCE, ["RNN", "weights per step", "padded MLP", "reads ten, otherwise guesses", "chance is 10.0%"]),
        ("Truncated backpropagation", TRUNCATED, [*experiments.CARRIED, "limit of one window", "chance is 12.5%"]),
    ],
)
def test_each_study_trains_its_networks_and_draws_them(part: str, key: str, lines: list[str]):
    page = panel(part=part)
    (measured,) = drawn(page)  # no empty page: what was measured in advance
    assert all(line in measured for line in lines) and "Measured in advance with seed 1." in text_of(page)
    page = finished(pressed(page, key))
    (figure,) = drawn(page)
    assert figure != measured and "Measured in advance" not in text_of(page)
    assert all(line in figure for line in lines)
    assert "Save" in [popover.proto.popover.label for popover in page.get("popover")] or page.get("download_button")


def test_at_equal_size_the_networks_are_those_that_were_measured_and_the_sentence_says_what_they_reached():
    page = panel(part="More parameters?")
    rows, (figure,) = compute.parameters()["rows"], drawn(page)
    longest = max(row["length"] for row in rows)
    lstm, wide, small = (
        fmean(next(row["accuracy"] for row in rows if row["length"] == longest and (row["kind"], row["units"]) == which))
        for which in (("lstm", 32), ("rnn", 67), ("rnn", 32))
    )
    assert lstm > wide + parameter_match.CLOSE, "the answer of the page is “No”"
    said = f"reaches **{lstm:.0%}**, an RNN with as many parameters (5,297) **{wide:.0%}**"
    assert "No, not on this task" in text_of(page) and said in text_of(page) and f"**{small:.0%}**" in text_of(page)
    assert all(f"{row['units']} units, {row['parameters']:,} parameters" in figure for row in rows)
    near = [replace(row, accuracy=(0.9,)) for row in parameter_match.reached(compute.parameters())]
    assert more_parameters.sentence(near, 0.25).startswith("Here an RNN with as many parameters does about as well. Over ")
    ahead = [replace(row, accuracy=(0.5 if row.kind == "lstm" else 0.9,)) for row in near]
    assert more_parameters.sentence(ahead, 0.25).startswith("Here an RNN with as many parameters does better. Over ")


def test_a_wider_rnn_is_trained_with_as_many_parameters_as_the_lstm():
    page = finished(pressed(panel(length="10", units="8", kinds=["RNN", "wider RNN", "LSTM"]), LEARN))
    rows = [row for row in text_of(page).split("\n") if row.startswith("| temporal order")]
    counts = [int(row.split(" | ")[4].replace(",", "")) for row in rows]
    assert len(rows) == 3 and counts[0] < counts[1] and abs(counts[1] - counts[2]) < counts[2] / 20


def test_what_was_measured_in_advance_shows_what_the_texts_say():
    """An RNN works at lengths that it was not trained on, weights per step do not; a state that is carried over remembers."""
    lengths, windows = compute.studied("lengths")[1], compute.studied("windows")[1]
    assert {len(line) for line in (*lengths.values(), *windows.values())} == {length_generalisation.LONG}
    rnn, per_step, padded = (np.array(lengths[name]) for name in length_generalisation.NETWORKS)
    assert (rnn[:10] > 0.95).all() and (rnn[10:] > padded[10:]).all() and (per_step[12:] < 0.2).all()
    carried, reset = (np.array(windows[name]) for name in experiments.CARRIED)
    assert (carried[10:] > reset[10:] + 0.2).all()


def test_the_page_has_the_panel(folder):
    for cell in ("lstm", "rnn"):
        save_tiny(folder / f"wiki-{cell}.safetensors", cell=cell)
    page = sound(app.open_page("gradient_flow", panel="Does it learn?"))
    assert page.button(key=f"{LEARN}.start").label == "Train"
