"""The panel "Trace back": its numbers are those of the experiment, and what it says follows from them."""

import re
from pathlib import Path

import numpy as np
import pytest

from models.char_lm.experiments.trace_back import Asked, trace_back
from models.char_lm.experiments.window import Layer, read_window
from pages._hidden_states.examples import EXAMPLES
from pages._ui.link import packed
from tests.models.tiny import save_tiny
from tests.pages.app import as_read, open_page, sound
from tests.pages.confusions_page import drawn

TEXT = "ab[cd]ef gh\nabc[de] fg"
KEY = "hidden_states.trace_back"
FIELDS = {"method", "score", "position"}


def shown(page) -> dict[str, list[float]]:
    """The scores that a page draws, by row."""
    return {name: rows["score"].tolist() for name, rows in drawn(page, FIELDS).groupby("method", sort=False)}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_rows_are_those_of_the_experiment(cell: str, folder: Path, capsys):
    loaded = save_tiny(folder / "wiki-gru.safetensors", cell=cell, embedding=4)
    window = read_window(loaded, TEXT, Layer(), EXAMPLES["wiki"].warm_up)
    page = sound(
        open_page(
            "hidden_states", panel="Trace back", text=packed(TEXT), cursor="12", **{"trace_back.target": "actual", "trace_back.unit": "all"}
        )
    )
    back = trace_back(loaded, window, Asked(12, TEXT[13]))
    written, held, anew = shown(page).values()
    np.testing.assert_allclose(written, back.written, atol=1e-5)
    np.testing.assert_allclose(held, back.held, atol=1e-5)
    np.testing.assert_allclose(anew, back.anew, atol=1e-5)
    said = " ".join(map(as_read, page.markdown))
    assert (
        f"the probability **{back.p:.2f}**" in said and f"is **{back.p_after(back.held[back.writer]):.3f}** with the gates as they" in said
    )
    bars = drawn(page, {"part", "nats"})
    assert float(bars.drop_duplicates("part")["nats"].sum()) == pytest.approx(back.parts.logit, abs=1e-4)
    unit = str(back.strongest[1])
    page = sound(page.selectbox(key=f"{KEY}.unit").set_value(unit).run())
    alone = trace_back(loaded, window, Asked(12, TEXT[13], int(unit)))
    np.testing.assert_allclose(next(iter(shown(page).values())), alone.written, atol=1e-5)
    cells = drawn(page, {"now", "writer", "written"})
    assert cells[cells["now"] == 12]["written"].tolist() == pytest.approx(alone.written.tolist(), abs=1e-5), "the last row"
    assert any(f"unit {unit} at 0 over these characters" in str(table.value) for table in page.dataframe)
    exec(page.code[-1].value, {})
    assert str(alone.written) in capsys.readouterr().out, "the same from Python, without the page"


def test_the_button_opens_the_panel_and_a_plain_network_says_why_not(folder: Path):
    for cell in ("gru", "rnn"):
        save_tiny(folder / f"wiki-{cell}.safetensors", cell=cell, embedding=4)
    page = sound(open_page("hidden_states", text=packed(TEXT), model="wiki-gru"))
    page = sound(page.button(key="hidden_states.trace_back_button").click().run())
    assert page.selectbox(key=f"{KEY}.unit").value == "strongest" and shown(page)
    said = " ".join(map(as_read, page.markdown))
    assert re.search(r"largest write into unit (\d+)", said) and "Every write into unit" in said
    page = sound(open_page("hidden_states", panel="Trace back", text=packed(TEXT), model="wiki-rnn"))
    assert any("No step of this cell keeps a part of its state" in as_read(info) for info in page.info)
