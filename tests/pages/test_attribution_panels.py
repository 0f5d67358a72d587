"""The panels that show what a prediction depends on, in both rooms: rows and sentences against the experiment, and what is refused."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import models
from explorer.analysis.attribution import INTEGRATED, METHODS, Attribution, Comparison
from models.char_lm.experiments.attribution import Prediction
from models.char_lm.experiments.attribution import comparison as of_text
from models.names.experiments.attribution import comparison as of_name
from pages._components.state_view import StateChoice
from pages._hidden_states import compute, state
from pages._hidden_states.examples import EXAMPLES
from pages._ui.attribution import CONVERGED, agreement_table, completeness, disagreement, many
from pages._ui.link import packed
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny
from tests.pages.app import as_read, open_page, sound
from tests.pages.confusions_page import drawn

PANEL = "What it depends on"
FIELDS = {"sign", "method", "score", "position"}


def rows_of(page) -> dict[str, list[float]]:
    """The scores that a page draws, by row."""
    frame = drawn(page, FIELDS)
    return {name: of_row["score"].tolist() for name, of_row in frame.groupby("method", sort=False)}


def same(page, compared: Comparison) -> bool:
    deleted, *scored = rows_of(page).values()
    pairs = [(deleted, compared.deleted), *zip(scored, (one.scores for one in compared.attributions), strict=True)]
    return all(np.allclose(shown, wanted, atol=1e-4) for shown, wanted in pairs)


def test_the_rows_are_those_of_the_character_before_the_cursor(folder: Path, capsys):
    loaded = save_tiny(folder / "wiki-gru.safetensors", cell="gru", embedding=4)
    text, warm_up = "ab[cd]ef gh\nabc[de] fg", EXAMPLES["wiki"].warm_up
    page = sound(open_page("hidden_states", panel=PANEL, text=packed(text), cursor="12", **{"attribution.target": "actual"}))
    assert same(page, of_text(loaded, Prediction(text[:13], 60, text[13], warm_up)))
    assert drawn(page, FIELDS)["position"].tolist()[:13] == list(range(1, 14))
    page.selectbox(key="hidden_states.attribution.target").set_value("likeliest")
    page.selectbox(key="hidden_states.attribution.span").set_value("30")
    page.selectbox(key="hidden_states.attribution.baseline").set_value("mean").run()
    compared = of_text(loaded, Prediction(text[:13], 30, None, warm_up), "mean")
    assert same(sound(page), compared) and f"probability **{np.exp(compared.log_p):.2f}**" in "".join(map(as_read, page.markdown))
    exec(page.code[-1].value, {})
    assert capsys.readouterr().out.startswith(str(compared.deleted)), "the same from Python, without the page"
    for begun in (text, "a"):
        page = sound(open_page("hidden_states", panel=PANEL, text=packed(begun), cursor="0"))
        assert any("fewer than 2 characters" in as_read(info) for info in page.info), "nothing stands before the first character"
    page = sound(open_page("hidden_states", panel=PANEL, text=packed(text), cursor=str(len(text) - 1), **{"attribution.target": "actual"}))
    assert same(page, of_text(loaded, Prediction(text, 60, None, warm_up)))
    assert any("there is no actual next character" in as_read(caption) for caption in page.caption)


def test_at_the_start_of_a_part_what_stands_before_it_counts_too(folder: Path, monkeypatch):
    loaded = save_tiny(folder / "wiki-gru.safetensors", cell="gru", embedding=4)
    monkeypatch.setattr(compute, "WINDOW", 30)
    text, warm_up, asked = "ab[cd]ef gh\nabc" * 5, EXAMPLES["wiki"].warm_up, {"panel": PANEL, "attribution.span": "30"}
    for cursor in (29, 60, 64, 70):
        part = {"text": packed(text), "part": str(cursor // 30), "cursor": str(cursor)}
        page = sound(open_page("hidden_states", **asked, **part))
        assert same(page, of_text(loaded, Prediction(text[: cursor + 1], 30, None, warm_up))), cursor
        assert drawn(page, FIELDS)["position"].min() == cursor - 28


def test_a_cursor_at_the_first_character_is_one_that_was_moved_there(monkeypatch):
    session = {state.CURSOR: None, state.PART: 2}
    monkeypatch.setattr(state, "st", SimpleNamespace(session_state=session))
    start = 2 * compute.WINDOW
    for sent, kept in ((start, None), (start + 5, start + 5), (start, start)):
        monkeypatch.setattr(state, "state_choice", lambda key, sent=sent: StateChoice(3, sent))
        state.take_choice()
        assert session[state.CURSOR] == kept and session[state.UNIT] == 3


def test_the_rows_of_a_name_and_a_network_that_cannot_be_recorded(folder: Path, capsys):
    for cell in ("gru", "linear"):
        save_tiny_namer(folder / f"names-{cell}.safetensors", cell=cell)
    loaded, label = models.load("names-gru"), models.load("names-gru").card["labels"][4]
    page = sound(open_page("confusions", panel=PANEL, text="Müller", **{"attribution.label": label}))
    assert same(page, of_name(loaded, "Müller", label))
    exec(page.code[-1].value, {})
    assert capsys.readouterr().out.startswith(str(of_name(loaded, "Müller", label).deleted))
    about = json.dumps({"networks": {"names-gru": {"weights": "of another training"}}})
    (folder / "names-attribution.json").write_text(about, encoding="utf-8")
    page.text_input(key="confusions.draft").set_value("M").run()
    assert any("fewer than 2 letters" in as_read(info) for info in sound(page).info)
    page.text_input(key="confusions.draft").set_value("Oo").run()
    assert same(sound(page), of_name(loaded, "Oo", label)), "deleting either letter leaves the same name: there is no rank"
    page = sound(open_page("confusions", panel=PANEL, model="names-linear", text="Müller"))
    assert any("is made of Taps" in as_read(info) for info in page.info)


def compared(*scores: list[float], deleted: list[float]) -> Comparison:
    tokens = tuple("abcd"[: len(deleted)])
    methods = zip(METHODS, scores, strict=False)
    return Comparison(tokens, "x", -1.0, np.array(deleted), tuple(Attribution(tokens, np.array(s), m, -1.0) for m, s in methods))


def test_the_sentence_says_where_the_methods_disagree():
    one = compared([0, 1, 0.5], [0, -1, 0.5], [0.2, 0.1, -2], [0, 0.9, 0.1], deleted=[0.0, -1.26, 0.3])
    assert as_read(disagreement(one, 10)) == (
        "Deleting `b` (position 12) has the largest effect: the log probability rises by **1.3 nats**. "
        "It is the same for gradient, gradient × input and occlusion; for integrated gradients it is `c` (position 13)."
    )
    assert as_read(disagreement(compared([1, 0], [1, 0], deleted=[0.5, 0.1]))).endswith("It is the same for all methods.")
    assert "depends on none of these alone" in disagreement(compared([1, 0], deleted=[0.01, 0.02]))


def test_the_table_puts_the_mean_over_many_beside_this_one():
    one = compared([1, 2, 4], deleted=[0.5, 0.2, 0.1])
    about = {"size": [0.5, 0.4, 0.6], "signed": None, "top": [0.25, 0.2, 0.3], "over_recency": [0.1, 0.0, 0.2]}
    errors = {"median": 2.1e-7, "largest": 0.02}
    measured = {"predictions": 200, "completeness": errors, "methods": {"gradient": about, "recency": about | {"size": None}}}
    table = agreement_table(one, "letter", measured)
    assert table["row"].tolist() == ["gradient", "recency alone (the nearer, the more)"]
    assert table["rank correlation"].tolist() == ["−1.0", "−1.0"] and table["same top letter"].tolist() == ["no", "no"]
    assert table["mean over many"].tolist() == ["0.50 (0.40 to 0.60)", "–"] and table["same top letter in"].tolist() == ["25 %", "25 %"]
    sentence = many(measured, "letter")
    assert "200 held-out names" in sentence and sentence.endswith("there: median 2.1e-07, largest 0.02 nats.")
    measured["completeness"] = {"median": 1.7, "largest": 168.8}
    assert many(measured, "letter").endswith(
        "median 1.7, largest 170 nats. Integrated gradients do not converge for this network, so their row says little."
    )


def test_where_all_effects_are_the_same_there_is_no_rank_correlation():
    table = agreement_table(compared([1, 2], [1, -2], deleted=[0.5, 0.5]), "letter")
    assert table["rank correlation"].tolist() == table["with sign"].tolist() == ["–", "–", "–"]


def test_a_sum_that_has_not_converged_is_said():
    for error, digits, is_said in ((0.02, "0.02", False), (2.0, "2", True), (168.8, "170", True)):
        one = Attribution(("a", "b"), np.array([1.0, 2.0]), INTEGRATED, -0.5, "zero", -3.5 + error, error)
        sentence = completeness(Comparison(one.tokens, "x", -0.5, np.array([0.5, 0.1]), (one,)))
        assert ("has not converged" in sentence) is is_said and f"completeness error {digits} nats" in sentence and "−0.500" in sentence


def test_it_opens_where_the_network_expects_the_end_of_a_link_and_shows_what_was_measured():
    page = sound(open_page("hidden_states", panel=PANEL))
    prose = " ".join(map(as_read, page.markdown))
    assert re.search(r"`[^`]*\[\[[^`]*` \(position \d+\) the network gives `\]` the probability \*\*0\.[4-9]", prose)
    assert drawn(page, FIELDS)["token"].tolist().count("left square bracket") >= 2
    assert any("200 predictions in held-out text" in as_read(caption) for caption in page.caption)


@pytest.mark.parametrize("corpus", ["names", "wiki"])
def test_what_ships_was_measured_on_the_weights_that_ship(corpus: str):
    limits = (
        {"wiki-lstm": 0.01, "wiki-gru": 0.05, "wiki-rnn": 2.5}
        if corpus == "wiki"
        else dict.fromkeys(("names-gru", "names-lstm", "names-rnn"), 1e-5)
    )
    networks = json.loads((models.FOLDER / f"{corpus}-attribution.json").read_text(encoding="utf-8"))["networks"]
    assert networks.keys() == limits.keys()
    for name, about in networks.items():
        assert about["weights"] == models.checkpoint.fingerprint(models.load(name, models.FOLDER)) and about["predictions"] == 200, name
        assert set(about["methods"]) == {*METHODS, "recency"}, name
        assert about["completeness"]["median"] < limits[name], name
        assert (about["completeness"]["median"] > CONVERGED) == (name == "wiki-rnn"), (
            "of which network the panel says that it does not converge"
        )
