"""The page of one step in process: it learns at a press, its arrow can be covered, its link restores what was learned."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.textbook.hello import after, forward
from models.char_lm.reading import read
from pages._hidden_states.examples import EXAMPLES
from pages._one_step import cell, cell_state, compute, hello, lessons, shapes
from pages._one_step import state as one_step_state
from pages._ui import networks
from pages._ui.link import packed
from tests.models.tiny import save_tiny, tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages import app
from tests.pages.app import forget, sound

TEXT = "abc [[bead]] a cafe\n[[bed]] face"


pytestmark = pytest.mark.usefixtures("opened")


def save_networks(folder: Path) -> None:
    """A tiny network of each kind."""
    for kind in ("gru", "lstm", "rnn"):
        save_tiny(folder / f"tiny-{kind}.safetensors", cell=kind)
    save_tiny_translator(folder / "tiny-additive.safetensors")


def open_page(**query: str) -> AppTest:
    return app.open_page("one_step", **query)


def text_of(page: AppTest) -> str:
    return " ".join(part.value for part in (*page.markdown, *page.caption, *page.info))


def drawn(page: AppTest, field: str) -> list:
    """The tables with this field that the charts of the page were given."""
    frames = []
    for chart in page.main.get("vega_lite_chart"):
        for dataset in chart.proto.datasets:
            frame = pa.ipc.open_stream(dataset.data.data).read_pandas()
            if field in frame.columns:
                frames.append(frame)
    return frames


def test_a_link_keeps_the_value_of_a_view_whatever_it_is_called():
    for asked, is_known in ((hello.TITLE, True), ("“hello”, as in the lecture", False)):
        page = sound(open_page(view=asked))
        views = page.button_group(key=one_step_state.VIEW)
        assert views.value == hello.TITLE and views.options[0] == "“hello”, as in the lecture"
        assert bool(page.info) is not is_known and "one_step.view" not in page.query_params


def test_it_opens_on_the_slide_and_learns_at_a_press():
    page = sound(open_page())
    assert "predicts “oolo”, loss **5.59**" in text_of(page)
    letters = [text for frame in drawn(page, "told") for text in frame["told"]]
    assert "4.1" in letters and letters.count("loss 2.08 = −ln 0.125") == 2  # unfolded and folded
    page.button(key="one_step.gesture").click().run()
    learned = forward(after((1,), 0.1)[0])
    assert learned.answers == "ollo" and f"predicts “ollo”, loss **{learned.loss:.2f}** (5.59 at first). 3 of 4" in text_of(sound(page))
    for _ in range(3):
        page.button(key="one_step.gesture").click().run()
    assert "After 4 training steps it predicts “ello”, as it should, loss **0.81**" in text_of(page)
    assert page.query_params["one_step.stretches"] == "4"


def test_the_arrow_is_covered_uncovered_and_learned_without():
    page = sound(open_page(stretches="4"))
    assert not page.toggle(key=one_step_state.COVER).value
    page.toggle(key=one_step_state.COVER).set_value(True).run()
    assert "the two l's get **the same** answer" in text_of(sound(page))
    page.button(key="one_step.hello.ten").click().run()
    assert page.query_params["one_step.stretches"] == "4-10"
    assert f"loss **{after((4, 10), 0.1)[1][-1]:.2f}**" in text_of(page)
    course = next(frame for frame in drawn(page, "network"))
    assert course["loss"].to_numpy() == pytest.approx(after((4, 10), 0.1)[1])
    page.toggle(key=one_step_state.COVER).set_value(False).run()
    page.toggle(key=one_step_state.COVER).set_value(True).run()
    assert page.query_params["one_step.stretches"] == "4-10"  # there and back leaves no trace
    page.button(key="one_step.hello.over").click().run()
    assert "loss **5.59**" in text_of(sound(page)) and "one_step.stretches" not in page.query_params


def test_a_link_restores_learning_step_and_step_size():
    page = sound(open_page(stretches="2-1", step="3", rate="step size 0.3"))
    assert page.toggle(key=one_step_state.COVER).value and page.slider(key=one_step_state.STEP).value == 3
    assert f"loss **{after((2, 1), 0.3)[1][-1]:.2f}**" in text_of(page) and "W_{hh}\\,h_2" in text_of(page)


@pytest.mark.parametrize("code", ["x", "-1", "4-", "1001", "99999", "٣", "2.5"])
def test_a_nonsense_link_opens_the_slide(code: str):
    page = sound(open_page(stretches=code, step="9", rate="none", view="none"))
    assert "loss **5.59**" in text_of(page) and "one_step.stretches" not in page.query_params


def open_cell(model: str, **query: str) -> AppTest:
    return sound(open_page(view=cell.TITLE, model=f"tiny-{model}", text=packed(TEXT), **query))


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("at", [0, 5, len(TEXT) - 1])
def test_a_cell_shows_what_the_unit_held_and_holds(kind: str, at: int):
    page = open_cell(kind, at=str(at), layer="1", unit="3")
    network, warm_up = tiny(kind), steps_view(page).warm_up
    with explorer.record(network.module) as recording:
        read(network, warm_up + TEXT[: at + 1])
    trace = recording.trace(warm_up + TEXT[: at + 1])
    body = trace.hidden if trace.cell is None else trace.cell
    step = compute.step(steps_view(page))
    assert step.state == pytest.approx(body[-1, 1, 3], abs=1e-5) and step.shown == pytest.approx(trace.hidden[-1, 1, 3], abs=1e-5)
    for name, values in trace.gates.items():
        assert step.value(name) == pytest.approx(values[-1, 1, 3], abs=1e-5)
    letters = [text for frame in drawn(page, "told") for text in frame["told"]]
    assert "W x" in letters and len(drawn(page, "place")) == 1


def steps_view(page: AppTest) -> compute.View:
    """What the page looks at."""
    state = page.session_state
    about = networks.emitting("trace", "next_token")[state[cell_state.MODEL]]
    warm_up = cell_state.example(about).warm_up
    return compute.View(state[cell_state.MODEL], TEXT, warm_up, 1, state[cell_state.NUMBER], state[cell_state.AT])


def test_a_held_gate_changes_the_numbers_and_what_follows():
    page = open_cell("lstm", at="6", layer="0", unit="2")
    page.segmented_control(key=cell_state.HOLD).set_value("held at 0").run()
    assert "With the forget gate held at 0, the new state would be" in text_of(sound(page))
    view = steps_view(page).of(layer=0)
    written = compute.step(view).written
    figures = [frame for frame in drawn(page, "series") if len(frame) > 3]  # the names at the ends of the lines are tables of their own
    lines, both = sorted(figures, key=lambda frame: "h" in set(frame["series"]))
    zero = lines[lines["series"] == "forget = 0"]["value"].to_numpy()
    assert zero[0] == pytest.approx(np.tanh(written), abs=1e-5) and len(zero) == len(TEXT) - 6
    own = lines[lines["series"] == "as it is"]["value"].to_numpy()
    assert own == pytest.approx(compute.held(view)[6:], abs=1e-5)
    shown = both.pivot_table(index="position", columns="series", values="value")
    assert shown["tanh(c)"].to_numpy() == pytest.approx(compute.held(view), abs=1e-5)
    assert shown["h"].to_numpy() == pytest.approx((shown["tanh(c)"] * shown["output gate"]).to_numpy(), abs=1e-5)
    withheld = int(((shown["tanh(c)"].abs() >= 0.5) & (shown["h"].abs() < 0.1)).sum())
    assert ("shows what it remembers at all" if withheld == 0 else f"At {withheld} of the {len(TEXT)} characters") in text_of(page)


def test_two_grus_are_run_and_only_the_negated_one_is_the_same():
    page = open_cell("gru")
    bits = compute.gru_forms(steps_view(page))
    own, writes, negated, first = bits.values()
    whole = read(tiny("gru"), TEXT, before=steps_view(page).warm_up).bits[1:]
    assert own == pytest.approx(whole.mean(), abs=1e-4) and negated == pytest.approx(own, abs=1e-4)
    assert abs(writes - own) > 0.01 and abs(first - own) > 1e-4
    assert "1 keeps" in text_of(page) and "1 writes" in text_of(page)


def test_a_plain_network_has_no_gate_to_hold_and_a_link_restores_its_unit():
    page = open_cell("rnn", unit="4", at="7")
    assert page.number_input(key=cell_state.NUMBER).value == 4 and page.slider(key=cell_state.SLIDER).value == 8
    assert "a plain RNN has no gate that keeps anything" in text_of(page) and not drawn(page, "series")
    page.slider(key=cell_state.SLIDER).set_value(3).run()
    page.number_input(key=cell_state.NUMBER).set_value(1).run()
    assert page.query_params["one_step.at"] == "2" and page.query_params["one_step.unit"] == "1"


@pytest.mark.parametrize("query", [{"at": "999", "unit": "99"}, {"at": "x", "unit": "-1", "layer": "9"}, {"model": "none"}])
def test_smoke_a_nonsense_link_of_the_cell_falls_back(query: dict):
    sound(open_page(view=cell.TITLE, **query))


@pytest.mark.parametrize("text", ["a", "🗼", "\\`'\"\n\t", "</script>|*_$x$"])
def test_smoke_any_text_is_read(text: str):
    sound(open_page(view=cell.TITLE, model="tiny-gru", text=packed(text)))


def test_without_a_network_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    assert "python -m models train wiki-lstm" in text_of(sound(open_page(view=cell.TITLE)))
    forget()


RIGHT = ["2", 4, "the same", 1.39, "up", 0.35]  # worked out by hand, by torch and by the slide; see tests/explorer/textbook/test_hello.py


def test_a_step_of_the_lesson_does_not_give_its_answer_away_and_is_no_near_tie():
    page = sound(open_page(lesson="7", view="LSTM and GRU, a real unit"))
    assert "it writes" in text_of(page) and "changes the state most" not in text_of(page)
    step = lessons.compute.step(lessons._closing("lstm"))
    larger, smaller = sorted((abs(step.kept - step.before), abs(step.written)))[::-1]
    assert larger > 1.5 * smaller
    page.button(key="one_step.lessons.close").click().run()
    assert "changes the state most" in text_of(page)


def test_the_lesson_begins_where_it_says_and_checks_its_answers():
    page = sound(open_page())
    page.button(key="one_step.lesson_button").click().run()
    for index, right in enumerate(RIGHT):
        assert f"**{index + 1} of 8: {lessons.STEPS[index].title}.**" in text_of(sound(page)) and not page.success
        asked = page.radio if isinstance(right, str) else page.text_input
        answer = asked(key=f"one_step.lessons.answer.{index}")
        wrong = next(option for option in lessons.STEPS[index].options if option != right) if isinstance(right, str) else str(right + 1)
        answer.set_value(wrong).run()
        assert page.warning[0].value.startswith("Not quite") and len(page.warning) == 1
        asked(key=f"one_step.lessons.answer.{index}").set_value(str(right)).run()
        assert page.success[0].value.startswith("Right.") and not page.warning
        assert page.query_params["one_step.lesson"] == str(index + 1)
        page.button(key="one_step.lessons.next").click().run()
    assert "one_step.rate" not in page.query_params, "of the step with the large rate"
    page.button(key="one_step.lessons.close").click().run()
    assert "one_step.lesson" not in page.query_params and " of 8" not in text_of(page)


TYPED = {
    "0,35": "Right.",
    " .349 ": "Right.",
    "0,45": "Not quite.",
    "a third": "“a third” is not a number.",
    "nan": "“nan” is not a number.",
}


def test_a_number_is_typed_with_a_point_or_a_comma():
    page = sound(open_page(lesson="6", view=cell.TITLE, model="tiny-lstm"))
    for typed, answer in TYPED.items():
        page.text_input(key="one_step.lessons.answer.5").set_value(typed).run()
        assert [message.value.startswith(answer) for message in [*sound(page).success, *page.warning]] == [True], typed
        page.text_input(key="one_step.lessons.answer.5").set_value(" ").run()
        assert not page.success and not page.warning, typed


@pytest.mark.parametrize(("index", "kind"), [(6, "lstm"), (7, "gru")])
def test_what_the_lesson_asks_of_a_network_is_computed_from_it(index: int, kind: str):
    page = sound(open_page(lesson=str(index + 1), view=cell.TITLE, model=f"tiny-{kind}"))
    step, key = lessons.STEPS[index], f"one_step.lessons.answer.{index}"
    view = compute.View(f"tiny-{kind}", EXAMPLES["wiki"].text, EXAMPLES["wiki"].warm_up, 0, 0, EXAMPLES["wiki"].text.find("]]") + 1)
    unit = compute.step(view)
    moved = step.options[abs(unit.written) >= abs(unit.kept - unit.before)] if kind == "lstm" else ""
    right = moved or "it keeps"  # torch's own equation, see tests/models/char_lm/test_experiments_gate_clamping.py
    page.radio(key=key).set_value(right).run()
    assert page.success and not page.warning
    page.radio(key=key).set_value(next(option for option in step.options if option != right)).run()
    assert page.warning and not page.success


def test_the_lesson_leaves_out_what_no_network_is_there_for(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    forget()
    assert "**5 of 5: Too large a step.**" in text_of(sound(open_page(lesson="5")))
    forget()


@pytest.mark.parametrize("code", ["0", "9", "x", "-1"])
def test_a_nonsense_lesson_opens_none(code: str):
    assert " of 8" not in text_of(sound(open_page(lesson=code)))


def test_layers_and_directions_notice_what_comes_after_them_in_their_reading():
    page = sound(open_page(view=shapes.TITLE))
    own = pages_states(page)
    page.toggle(key=shapes.OTHER).set_value(True).run()
    other = pages_states(sound(page))
    framed = [row for frame in drawn(page, "thick") for row in frame.itertuples() if row.thick == 3]
    places = {"stacked": 2, "bidirectional": 0}  # the last character in two layers; and, below, in a sentence
    states = compute.directions("tiny-additive", shapes.SENTENCE, True)
    forward, backward = apart = states.distance
    assert (forward != 0).sum() < len(states.tokens) and (backward != 0).sum() > (forward != 0).sum() and not forward[0]
    places["bidirectional"] = int((apart != 0).sum())
    assert len(framed) == sum(places.values()) and own != other


def pages_states(page: AppTest) -> list[str]:
    """The colours of the nodes that the page draws."""
    return [fill for frame in drawn(page, "fill") for fill in frame["fill"]]


def test_stacked_states_are_those_of_the_network():
    sound(open_page(view=shapes.TITLE, stacked="[[bed]]"))
    layers = compute.layers("tiny-lstm", "[[bed]]", False)
    network = tiny("lstm")
    with explorer.record(network.module) as recording:
        read(network, "[[bed]]")
    hidden = recording.trace("[[bed]]").hidden
    assert "".join(layers.tokens) == "[[bed]]" and not layers.distance.any()
    for n, states in enumerate(layers.states):
        lively = np.sort(np.argsort(-hidden[:, n].var(0))[:4])
        assert states == pytest.approx(hidden[:, n, lively], abs=1e-5)


@pytest.mark.parametrize("word", ["a", "🗼", "  ", "</b>`$", "x" * 30])
def test_smoke_any_word_is_stacked(word: str):
    sound(open_page(view=shapes.TITLE, stacked=word))
