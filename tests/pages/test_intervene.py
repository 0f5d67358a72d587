"""The panel "Intervene": its numbers are those of the experiments, its choices reach the link, and what cannot be done is said."""

from pathlib import Path

import numpy as np
import pytest

from models.char_lm.experiments.held import MEAN, Held
from models.char_lm.experiments.steered import Sampling, continuations, read_on
from models.char_lm.experiments.transplant import Place, transplant
from models.char_lm.experiments.what_next import what_next
from models.char_lm.experiments.window import Layer, read_window
from pages._hidden_states.examples import EXAMPLES
from pages._ui.link import packed
from tests.models.tiny import save_tiny
from tests.pages.app import as_read, open_page, sound
from tests.pages.confusions_page import drawn

TEXT, AT = "ab[cd]ef gh\nabc[de] fg", 12
STEER, TRANSPLANT = "hidden_states.steer", "hidden_states.transplant"


def opened(**more: str):
    options = {"panel": "Intervene", "text": packed(TEXT), "cursor": str(AT), "unit": "2"} | more
    return sound(open_page("hidden_states", **{name.replace("__", "."): value for name, value in options.items()}))


def texts_of(page) -> list[str]:
    """The continuations on the page, without the signs of line breaks."""
    return [code.value.replace("⏎", "") for code in page.code[:-1]]


def bits(page) -> dict[str, list[float]]:
    return {name: rows["score"].tolist() for name, rows in drawn(page, {"method", "score", "position"}).groupby("method", sort=False)}


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_held_units_are_those_of_the_experiment(cell: str, folder: Path, capsys):
    loaded = save_tiny(folder / f"wiki-{cell}.safetensors", cell=cell)
    window = read_window(loaded, TEXT, Layer(), EXAMPLES["wiki"].warm_up)
    page = opened(steer__with="4.0", steer__at=MEAN, steer__temperature="1.0", steer__seed="3")
    assert page.query_params[f"{STEER}.with"] == "4.0" and page.query_params[f"{STEER}.at"] == MEAN
    held = Held(0, (2, 4, 0), MEAN)
    own, other = read_on(loaded, window, AT), read_on(loaded, window, AT, held)
    surprise, change = bits(page).values()
    np.testing.assert_allclose(surprise, own.bits, atol=1e-5)
    np.testing.assert_allclose(change, other.bits - own.bits, atol=1e-5)
    texts = [continuations(loaded, window, AT, Sampling(temperature=1.0, seed=3), one) for one in (None, held)]
    assert texts_of(page) == ["".join(text) for pair in zip(*texts, strict=True) for text in pair]
    said = " ".join(map(as_read, page.markdown))
    assert "of units 2, 4, 0 of layer 1 are held at the mean of each on this text" in said and f"{other.bits.mean():.2f}" in said
    exec(page.code[-1].value, {})
    assert str(other.bits.mean()) in capsys.readouterr().out, "the same from Python, without the page"


def test_a_value_of_ones_own_is_held_and_one_of_a_link_that_is_out_of_range_is_not(folder: Path):
    loaded = save_tiny(folder / "wiki-lstm.safetensors", cell="lstm")
    window = read_window(loaded, TEXT, Layer(), EXAMPLES["wiki"].warm_up)
    page = opened(steer__at="value", steer__value="0.5")
    assert page.slider(key=f"{STEER}.value").value == 0.5
    np.testing.assert_allclose(
        list(bits(page).values())[1], read_on(loaded, window, AT, Held(0, (2,), 0.5)).bits - read_on(loaded, window, AT).bits, atol=1e-5
    )
    slider = opened(steer__at="value", steer__value="900").slider(key=f"{STEER}.value")
    assert slider.min <= slider.value <= slider.max < 900


def test_at_the_end_of_a_text_nothing_is_read_on_and_units_that_do_not_exist_are_left_out(folder: Path):
    save_tiny(folder / "wiki-lstm.safetensors", cell="lstm")
    page = opened(cursor=str(len(TEXT) - 1), steer__with="99999.x.3")
    assert any("The text ends here" in caption.value for caption in page.caption)
    assert page.multiselect(key=f"{STEER}.with").value == [3]


@pytest.mark.parametrize("way", ["out", "in"])
def test_a_transplant_is_that_of_the_experiment(way: str, folder: Path, capsys):
    loaded, other = save_tiny(folder / "wiki-gru.safetensors", cell="gru"), "gh [ab"
    warm_up = EXAMPLES["wiki"].warm_up
    here = Place(read_window(loaded, TEXT, Layer(), warm_up), AT)
    there = Place(read_window(loaded, other, Layer(), warm_up), len(other) - 1)
    page = opened(intervene="transplant", transplant__part="unit", transplant__way=way, transplant__text=packed(other))
    assert page.query_params[f"{TRANSPLANT}.part"] == "unit" and page.query_params[f"{TRANSPLANT}.text"] == packed(other)
    giver, receiver = (here, there) if way == "out" else (there, here)
    result = transplant(loaded, giver, receiver, (0, 2), Sampling())
    assert texts_of(page) == ["".join(texts[at]) for at in range(3) for texts in result.written]
    np.testing.assert_allclose(list(bits(page).values())[1], result.bits[2] - result.bits[1], atol=1e-5)
    assert f"**{result.share:.0%}** of the way" in " ".join(map(as_read, page.markdown))
    exec(page.code[-1].value, {})
    assert str(result.share) in capsys.readouterr().out, "the same from Python, without the page"


def test_a_nudge_is_that_of_the_experiment_and_a_short_text_says_why_not(folder: Path, capsys):
    loaded, text = save_tiny(folder / "wiki-gru.safetensors", cell="gru"), TEXT * 3
    result = what_next(loaded, read_window(loaded, text, Layer(), EXAMPLES["wiki"].warm_up), 0, 2)
    page = opened(intervene="nudge", text=packed(text))
    said = " ".join(map(as_read, page.markdown))
    assert f"raised by {result.nudge:.2f}" in said and f"{result.agreement()[2]:.2f} after 1, 5, 20 characters" in said
    figure = drawn(page, {"horizon", "token", "way", "median"})  # of the first horizon
    index = int(result.strongest(1)[0, 0])
    medians = figure[(figure["horizon"] == 1) & (figure["way"] == "the real nudge")]["median"]
    assert medians.iloc[0] == pytest.approx(np.median(result.real[:, 0, index]), abs=1e-6)
    exec(page.code[-1].value, {})
    assert str(result.agreement()) in capsys.readouterr().out, "the same from Python, without the page"
    assert any("needs at least 28" in info.value for info in opened(intervene="nudge").info)


def test_another_text_is_typed_and_an_empty_one_is_no_text(folder: Path):
    save_tiny(folder / "wiki-gru.safetensors", cell="gru")
    page = opened(intervene="transplant")
    assert page.text_area(key=f"{TRANSPLANT}.draft").value == EXAMPLES["wiki"].other
    page.text_area(key=f"{TRANSPLANT}.draft").set_value("")
    page = sound(
        next(button for button in page.button if button.label == "Read it" and TRANSPLANT in str(button.proto.form_id)).click().run()
    )
    assert any("The other text has no character yet" in info.value for info in page.info)
