"""The page of confusions in process: it draws for any network and any name, counts what scikit-learn counts, its link restores it."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics
from streamlit.testing.v1 import AppTest

from explorer.analysis.confusion import most_confused
from models import checkpoint
from models.names.network import after_each_letter, probabilities
from models.names.romanise import spelling
from pages._confusions import compare, compute, export, matrix, model_card, name, state
from pages._confusions.compute import View
from pages._ui import networks
from tests.models.names.tiny_names import save_tiny_namer, source, tiny_namer
from tests.pages.app import sound
from tests.pages.confusions_page import drawn, given_to_the_network, open_page, save_classifiers, text_of

PANELS = ["Letter by letter", "What it depends on", "Scores", "Compare", "Your own names", "Export and link", "The network"]


pytestmark = pytest.mark.usefixtures("opened", "without_lists")
save_networks = save_classifiers


def test_the_lines_are_the_probabilities_after_each_letter_and_end_with_the_answer():
    page, loaded = sound(open_page(text="Müller")), tiny_namer()
    frame, p = drawn(page, {"series", "value", "read"}), after_each_letter(loaded, "Müller")
    assert len(p) == 6 and frame["read"].iloc[5] == "muller" and set(frame.groupby("read").size()) == {5}
    for row in frame[frame["series"] != "other"].itertuples():
        assert row.value == pytest.approx(p[row.position, loaded.card["labels"].index(row.series)], abs=1e-6)
    whole = frame.groupby("position")["value"].sum()
    assert whole.to_numpy() == pytest.approx(1, abs=1e-5)
    answer = probabilities(loaded, ["Müller"])[0]
    assert p[-1] == pytest.approx(answer, abs=1e-6)
    assert f"Prediction: **{loaded.card['labels'][answer.argmax()]}**, probability **{answer.max():.2f}**" in text_of(page)
    assert "Read as “muller”" in text_of(page)


def test_the_matrix_counts_what_scikit_learn_counts():
    frame = drawn(sound(open_page()), {"true", "predicted", "count"})
    _, dev = source().split()
    predicted = probabilities(tiny_namer(), dev.texts).argmax(1)
    wanted = metrics.confusion_matrix(dev.targets, predicted, labels=range(len(dev.labels)))
    labels = dev.labels
    got = frame.set_index(["true", "predicted"])["count"]
    assert all(got[labels[i], labels[j]] == wanted[i, j] for i in range(21) for j in range(21)) and wanted.sum() == len(dev)
    languages = {}
    for text, target in zip(source().texts, source().targets, strict=True):
        languages.setdefault(text, set()).add(int(target))
    both = sum(y != z and z in languages[t] for t, y, z in zip(dev.texts, dev.targets.tolist(), predicted.tolist(), strict=True))
    assert frame["shared"].sum() == both > 0


@pytest.mark.parametrize("name", ["names-gru", "names18-gru"])
def test_every_panel_draws_with_and_without_the_names(name: str):
    page = open_page(model=name)
    for panel in PANELS:
        page.session_state[state.PANEL] = panel
        assert sound(page.run()).selectbox(key=state.MODEL).value == name, panel


@pytest.mark.parametrize("name", ["names-lstm", "names-rnn", "names-linear"])
def test_smoke_every_kind_of_network_is_shown_letter_by_letter(name: str):
    sound(open_page(model=name, panel="Letter by letter"))


@pytest.mark.parametrize("text", [" ", "🗼17", "<b>שלום</b><script>alert(1)</script>", "a", "|*_`$1$ x", "x" * 300, "Παππάς\u00a0\t\n李"])
def test_any_name_is_accepted(text: str):
    page = sound(open_page(text=text, panel="Letter by letter"))
    assert page.text_input(key=state.DRAFT).value == text[:100]
    if not spelling(text):
        assert "no letter" in page.info[0].value
        return
    assert given_to_the_network(text) == [row.token for row in drawn(page, {"token", "position", "value"}).itertuples() if row.value], (
        "the matrix on screen is the input of the recurrent layer"
    )


def test_an_empty_name_gets_a_sentence_and_the_matrix_stays():
    page = open_page()
    page.text_input(key=state.DRAFT).set_value("").run()
    assert "no letter" in sound(page).info[0].value and drawn(page, {"true", "predicted", "count"}) is not None


@pytest.mark.parametrize("cell", ["Greek", "Greek>Klingon", ">"])
def test_a_nonsense_link_falls_back_to_the_default(cell: str):
    page = sound(open_page(cell=cell, model="none", part="x", order="x"))
    assert page.selectbox(key=state.PART).value == "held-out names" and page.selectbox(key="confusions.matrix.0").value == "none"


def test_the_gesture_takes_the_last_letter_and_gives_it_back():
    page = sound(open_page())
    assert page.text_input(key=state.DRAFT).value == "Silvanov"
    page.button(key="confusions.gesture").click().run()
    assert sound(page).text_input(key=state.DRAFT).value == "Silvano" and "text" in str(page.query_params)
    assert "Put the “v” back" in page.button(key="confusions.gesture").label
    page.button(key="confusions.gesture").click().run()
    assert sound(page).text_input(key=state.DRAFT).value == "Silvanov"


def test_it_says_whether_a_name_was_trained_on():
    train, dev = source().split()
    once = {text for text in source().texts if text not in source().shared}
    learnt, held = (next(i for i, text in enumerate(side.texts) if text in once) for side in (train, dev))
    page = sound(open_page(text=train.texts[learnt]))
    assert f"training data: **yes**. True language: {train.labels[train.targets[learnt]]}" in text_of(page)
    page = sound(open_page(text=dev.texts[held]))
    assert f"**no**, it is held out. True language: {dev.labels[dev.targets[held]]}" in text_of(page)
    assert "none of the lists" in text_of(sound(open_page(text="qqqxqq")))
    assert "**unknown**" in text_of(sound(open_page(model="names18-gru")))


def test_a_cell_lists_its_names_the_most_confident_first_and_a_name_opens_letter_by_letter():
    loaded, (_, dev) = tiny_namer(), source().split()
    p = probabilities(loaded, dev.texts)
    pairs = list(zip(dev.targets.tolist(), p.argmax(1).tolist(), strict=True))
    true, answer = max(set(pairs), key=pairs.count)
    cell = (dev.labels[true], dev.labels[answer])
    wanted = sorted(((float(p[i, answer]), dev.texts[i]) for i, pair in enumerate(pairs) if pair == (true, answer)), reverse=True)
    page = sound(open_page(cell=">".join(cell)))
    frame = page.dataframe[0].value
    assert frame["P(predicted)"].tolist() == pytest.approx([p for p, _ in wanted], abs=1e-6)
    assert sorted(frame["name"]) == sorted(name for _, name in wanted) and page.selectbox(key="confusions.matrix.0").value == cell[0]
    assert f"{cell[0]} names classified" in text_of(page) and f": {len(wanted)} of {sum(t == true for t, _ in pairs)} (" in text_of(page)
    assert "% interval" in text_of(page)


def one_opened(text: str) -> AppTest:
    """A name of a cell's list, while Silvanov stands at the top."""

    def script(text: str) -> None:
        from pages._confusions import matrix
        from pages._confusions.compute import View
        from pages._ui import networks

        matrix.opened(View("names-gru", "silvanov"), networks.emitting("class_probabilities")["names-gru"], text)

    return sound(AppTest.from_function(script, args=(text,), default_timeout=120).run())


def test_a_name_of_the_list_is_read_under_it_and_can_be_taken_to_the_top():
    page, answer = one_opened("nowak"), probabilities(tiny_namer(), ["nowak"])[0]
    assert f"**nowak**: {source().labels[answer.argmax()]}, probability **{answer.max():.2f}**" in text_of(page)
    assert "is the most likely language" in text_of(page)
    assert set(drawn(page, {"series", "value", "read"})["read"]) == {"n", "no", "now", "nowa", "nowak"}
    page.button(key="confusions.matrix.open").click().run()
    assert page.session_state[state.TEXT] == "nowak" and page.session_state[state.PANEL] == "Letter by letter"


def lines_of(page: AppTest) -> int:
    """How often the lines of a name are drawn."""
    frames = [pa.ipc.open_stream(d.data.data).read_pandas() for chart in page.main.get("vega_lite_chart") for d in chart.proto.datasets]
    return sum({"series", "value", "read"} <= set(frame.columns) and len(frame) > 5 for frame in frames)


def test_the_lines_of_one_name_are_drawn_once():
    assert lines_of(one_opened("silvanov")) == 0  # they stand at the top
    assert lines_of(sound(open_page(panel="Letter by letter"))) == 1


def test_typing_a_name_does_not_redraw_the_matrix(monkeypatch):
    made, draw = [], matrix.figures.matrix
    monkeypatch.setattr(matrix.figures, "matrix", lambda *args: made.append(args) or draw(*args))
    page = open_page()
    page.text_input(key=state.DRAFT).set_value("Nowak").run()
    assert len(made) == 1 and len(drawn(sound(page), {"true", "predicted", "count"})) == 441
    page.selectbox(key=state.BY).set_value("counts").run()
    assert len(made) == 2


def test_boxes_open_and_close_a_cell_without_a_mouse():
    page = open_page()
    page.selectbox(key="confusions.matrix.0").set_value("Greek").run()
    assert sound(page).session_state[state.CELL] == ("Greek", "Greek")
    page.selectbox(key="confusions.matrix.1").set_value("Irish").run()
    assert sound(page).session_state[state.CELL] == ("Greek", "Irish")
    assert page.query_params["confusions.cell"] in ("Greek>Irish", ["Greek>Irish"])
    page.selectbox(key="confusions.matrix.0").set_value("none").run()
    assert sound(page).session_state[state.CELL] is None


def test_names_that_are_not_here_are_counted_by_the_card_and_never_listed():
    page = sound(open_page(model="names18-gru", cell=">".join(source().labels[2:4])))
    frame = drawn(page, {"true", "predicted", "count"}).set_index(["true", "predicted"])
    labels = source().labels
    assert frame.loc[(labels[0], labels[1]), "count"] == 7 and frame.loc[(labels[2], labels[3]), "hatched"]
    sentence = "4 of 34 (12 %; 95 % interval 5 to 27 %); all 4 are shared spellings"
    assert sentence in text_of(page) and page.button(key="confusions.matrix.pair.0").label.replace("\\", "").endswith(" of 37")
    assert page.button(key="confusions.matrix.pair.1").label.replace("\\", "").endswith(
        "4 of 34, 4 shared"
    ) and "python -m models fetch names18" in text_of(page)
    assert not page.dataframe


def test_other_lists_are_not_mistaken_for_those_of_the_training(folder):
    save_tiny_namer(folder / "names-gru.safetensors", data={"sha256": "of another version"})
    page = sound(open_page())
    assert "are a different version from those the network was trained on" in text_of(page)
    assert drawn(page, {"true", "predicted", "count"})["count"].sum() == 21 * 30 + 11


def test_the_csv_of_a_difference_holds_both_matrices(monkeypatch):
    saved = {}
    monkeypatch.setattr(compare, "save", lambda figure, key, name, data=None: saved.update({name: data}))
    sound(open_page(panel="Compare"))
    frame, (_, dev) = saved["difference"]().set_index(["true", "predicted"]), source().split()
    wanted = {}
    for cell in ("gru", "lstm"):
        predicted = probabilities(tiny_namer(cell), dev.texts).argmax(1)
        wanted[cell] = metrics.confusion_matrix(dev.targets, predicted, labels=range(21))
        of = frame[f"names-{cell}: count"].to_numpy().reshape(21, 21)
        assert (of == wanted[cell]).all() and (of.sum(1) == frame[f"names-{cell}: of"].to_numpy().reshape(21, 21).T).all()
        wanted[cell] = wanted[cell] / wanted[cell].sum(1, keepdims=True)
    assert frame["difference"].to_numpy() == pytest.approx((wanted["gru"] - wanted["lstm"]).ravel())


def test_it_says_since_when_an_answer_is_the_likeliest_and_when_none_is():
    p, labels = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.1, 0.3, 0.6]]), ["Dutch", "Greek", "Irish"]
    assert name.decision(p, labels, "abc") == "Irish is the most likely language from letter 2, “b”, on; before that letter it was Dutch."
    assert name.decision(p[1:], labels, "bc") == "Irish is the most likely language from the first letter on."
    low = name.decision(np.array([[0.27, 0.26, 0.47]]), labels, "a")
    assert low.startswith("**Undecided**: no language has a probability above 0.5. Irish is the most likely")
    view, about = View("names-gru", "Silvanov"), networks.emitting("class_probabilities")["names-gru"]
    assert name.sentence(view, about).startswith("Before the last letter the prediction is **")


def test_an_emoji_is_left_out_and_reported():
    assert "Read as “muller”" in text_of(page := sound(open_page(text="Müller 😀"))) and "Left out: 😀" in text_of(page)
    assert "no letter" in open_page(text="😀😀").info[0].value


def test_the_notebooks_lines_compute_what_the_page_shows(capsys):
    view, about = View("names-gru", "Müller"), networks.emitting("class_probabilities")["names-gru"]
    exec(export.notebook(view, about), {})
    lines = capsys.readouterr().out.splitlines()
    p = compute.after_letters("names-gru", "Müller")
    assert lines[0] == f"{about['labels'][p[-1].argmax()]} {float(p[-1].max())}"
    counts = matrix.confusions(view, about)
    assert counts is not None and lines[2:] == [pair.words for pair in most_confused(counts.matrix, 5)]


def test_the_states_are_those_that_a_recording_hears_of_the_module():
    import torch

    loaded = tiny_namer("lstm")
    trace = compute.trace("names-lstm", "Müller")
    hidden, _ = loaded.module.rnn(
        torch.nn.functional.one_hot(torch.tensor([loaded.vocab.encode("muller")]), loaded.module.vocab_size).float()
    )
    assert trace.tokens == tuple("muller") and trace.hidden[:, 0] == pytest.approx(hidden[0].numpy(), abs=1e-6)


def test_without_a_classifier_the_page_says_how_to_train_one(folder):
    assert "python -m models train names-gru" in sound(open_page()).info[0].value


@pytest.mark.parametrize(
    "wrong",
    [
        {"confusion": [1], "reliability": "x", "examples": {"name": 3}, "scores": {"macro_f1": [1]}, "parameters": "many"},
        {"confusion": {"dev": [[1, -2]], "train": [[]]}, "examples": [{"name": "abc"}, 3], "data": []},
        {
            "reliability": {"names": [], "right": [], "confidence": []},
            "scores": {"by_stem": {"known": 3}, "majority": 3, "ngram_logistic": {}},
        },
    ],
)
def test_smoke_a_card_of_the_wrong_form_is_shown_without_it(folder, wrong: dict):
    loaded = tiny_namer()
    checkpoint.save(loaded.module, loaded.card | wrong, folder / "names-gru.safetensors")
    page = sound(open_page(panel="Scores"))
    page.session_state[state.PANEL] = "The network"
    sound(page.run())


def test_the_card_says_where_the_ngrams_are_ahead():
    parts = [{"letters": 5, "known": {"names": 10, "accuracy": p}, "new": {"names": 20, "accuracy": p - 0.1}} for p in (0.8, 0.9)]
    scores = {"macro_f1": 0.74, "by_stem": parts[0], "ngram_logistic": {"macro_f1": 0.76, "by_stem": parts[1]}}
    sentence = model_card.stems(scores)
    assert (
        sentence.startswith("In macro F1 the n-grams are ahead by 0.020")
        and "is 0.900 for the n-grams, which store the beginnings of names, and 0.800 for the network" in sentence
        and "0.800 and 0.700" in sentence
    )
    assert model_card.stems(scores | {"macro_f1": 0.8}).startswith("In macro F1 the network is ahead by 0.040")


@pytest.mark.parametrize("fair", [{}, {"with_prior": {"power": 0.2, "macro_f1": 0.77, "calibration_error": None}}])
def test_the_card_shows_the_ngrams_with_their_best_prior_if_it_has_them(folder, fair: dict):
    loaded, words = tiny_namer(), "baseline: logistic regression on n-grams"
    card = loaded.card | {"scores": {"ngram_logistic": {"macro_f1": 0.76} | fair}}
    checkpoint.save(loaded.module, card, folder / "names-gru.safetensors")
    table = sound(open_page(panel="The network")).dataframe[0].value
    more = {f"{words}, with the class prior that is best for it": 0.77} if fair else {}
    assert table.set_index("network or baseline")["macro F1"].dropna().to_dict() == {words: 0.76} | more
