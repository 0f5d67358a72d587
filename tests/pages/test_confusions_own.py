"""A visitor's own names on the Confusions page: counted, compared with the training data, and problems listed."""

import pytest
from sklearn import metrics
from streamlit.testing.v1 import AppTest

from models.names import table
from models.names.network import probabilities
from models.names.table import Labelled
from pages._confusions import compute, own_model, state
from tests.models.names.tiny_names import source, tiny_namer
from tests.pages.app import as_read, sound
from tests.pages.confusions_page import drawn, open_page, save_classifiers, text_of

pytestmark = pytest.mark.usefixtures("opened", "without_lists")
save_networks = save_classifiers


def rows_of(text: str) -> AppTest:
    page = open_page(panel="Your own names")
    page.text_area(key="confusions.own.paste").set_value(text)
    return page.button(key="FormSubmitter:confusions.own.form-Classify these").click().run()


def test_own_names_are_counted_and_what_cannot_be_used_is_listed():
    text = "text,label\nPappas,Greek\nPappas,Dutch\nNowak,Polish\n17,Greek\nonly one\nSilva,Klingon\n<script>x</script>,Irish\n"
    page, loaded = sound(rows_of(text)), tiny_namer()
    labels, rows = loaded.card["labels"], [("Pappas", "Greek"), ("Pappas", "Dutch"), ("Nowak", "Polish"), ("<script>x</script>", "Irish")]
    predicted = [labels[probabilities(loaded, [name])[0].argmax()] for name, _ in rows]
    wanted = metrics.confusion_matrix([label for _, label in rows], predicted, labels=labels)
    frame = drawn(page, {"true", "predicted", "count"}).set_index(["true", "predicted"])["count"]
    assert all(frame[labels[i], labels[j]] == wanted[i, j] for i in range(21) for j in range(21)) and wanted.sum() == 4
    words = "**4** rows are counted, **1** have an unknown label, and **2** cannot be used."
    assert words in text_of(page) and "**4 names** of your own" in text_of(page)
    assert "Macro: mean over the 4 of 21 languages that have names here" in text_of(page)
    tables = [table.value for table in page.dataframe]
    assert tables[0]["unknown label"].tolist() == ["Klingon"]
    assert tables[1]["line"].tolist() == [5, 6] and "no letter" in tables[1]["problem"][0]
    page.button(key="confusions.own.forget").click().run()
    assert sound(page).selectbox(key=state.PART).value == "held-out names"


def test_an_upload_is_read_and_what_is_no_text_gets_a_sentence_and_changes_nothing():
    page = open_page(panel="Your own names")
    upload = page.file_uploader(key="confusions.own.file")
    upload.set_value(("a.csv", "label;text\nGreek;Παππάς\n".encode(), "text/csv")).run()
    assert sound(page).selectbox(key=state.PART).value == "your own names" and "**1 name** of your own" in text_of(page)
    for content, words in (
        (b"\xff\xfe\x00", "'b.csv' cannot be read at byte 2"),
        (b"PK\x03\x04\0", "'b.csv' is not text; expected a table"),
        (b"", "No row can be used"),
        (b"a,b\n" * 100_001, "at most 100,000"),
    ):
        page.file_uploader(key="confusions.own.file").set_value(("b.csv", content, "text/csv")).run()
        assert not page.exception and words in as_read(page.error[0]) and as_read(page.error[0]).endswith("Nothing was changed.")
        assert page.selectbox(key=state.PART).value == "your own names"


def test_a_file_of_a_spreadsheet_opens_and_its_encoding_is_asked_about():
    page = open_page(panel="Your own names")
    content = "nazwisko;language\nGórski;Polish\nMüller;German\n".encode("cp1250")
    page.file_uploader(key="confusions.own.file").set_value(("a.csv", content, "text/csv")).run()
    assert sound(page).session_state[state.ROWS][0].texts == ("Górski", "Müller")
    assert "The file is not UTF\\-8 and was read as Windows" in page.info[0].value
    page.selectbox(key="confusions.own.encoding").set_value("cp1251").run()
    assert sound(page).session_state[state.ROWS][0].texts == ("Gуrski", "Mьller") and not page.info
    page.file_uploader(key="confusions.own.file").set_value(("b.csv", "name,language\nŁuk,Polish\n".encode(), "text/csv")).run()
    assert sound(page).session_state[state.ROWS][0].texts == ("Łuk",)


def test_rows_with_unknown_labels_are_counted_separately():
    page = rows_of("Silva,Klingon\n")
    assert not page.exception and not page.error and "no names to count" in page.info[0].value
    assert "knows none of your labels (Klingon)" in page.info[0].value.replace("\\", "")
    assert "are the columns swapped?" in rows_of("Greek,Papadakis\nPolish,Nowak\n").info[0].value.replace("\\", "")


def test_labels_ignore_case_and_columns_that_are_not_read_are_named():
    page = sound(rows_of("id,Name,Language\n1,Papadakis,greek\n2,Nowak,POLISH\n"))
    assert "**2** rows are counted, **0** have an unknown label" in text_of(page)
    assert "Ignored columns: id" in text_of(page)
    assert sound(rows_of("Papadakis,Greek\n")).selectbox(key=state.PART).value and "Ignored columns" not in text_of(
        rows_of("Papadakis,Greek\n")
    )


def test_own_names_that_were_trained_on_are_counted_separately():
    train, dev = source().split()
    loaded, once = tiny_namer(), {text for text in source().texts if text not in source().shared}
    learnt = [(t, train.labels[y]) for t, y in zip(train.texts, train.targets, strict=True) if t in once][:2]
    fresh = [(t, dev.labels[y]) for t, y in zip(dev.texts, dev.targets, strict=True) if t in once][:40]
    right = [loaded.card["labels"][p.argmax()] for p in probabilities(loaded, [t for t, _ in fresh])]
    accuracy = metrics.accuracy_score([label for _, label in fresh], right)
    text = "\n".join(",".join(row) for row in learnt + fresh)
    page = rows_of(text)
    assert f"**2** of these spellings are in the training data. Accuracy on the other 40: **{accuracy:.3f}**" in text_of(page)
    assert "None of these spellings is in the training data" in text_of(rows_of(",".join(fresh[0])))
    assert "the accuracy shows what was memorised" in text_of(rows_of(",".join(learnt[0]).upper()))


def test_shared_spellings_of_own_names_are_those_that_stand_under_the_answer_too():
    loaded = tiny_namer()
    labels = loaded.card["labels"]
    best = labels[probabilities(loaded, ["Pappas"])[0].argmax()]
    other = next(label for label in labels if label != best)
    rows = Labelled(("Pappas", "pappas", "Nowak"), (best, other, other))
    answers = compute.own_answers("names-gru", rows, "digest")
    assert answers.shared.tolist() == [False, True, False] and answers.unknown == {}


def test_a_row_without_a_letter_is_listed_also_where_it_is_an_emoji():
    page = sound(rows_of("Nowak,Polish\n😀,Greek\n"))
    assert page.dataframe[0].value["line"].tolist() == [2]


def test_nothing_is_read_after_the_first_row_too_many(monkeypatch):
    seen, problem = [], table._problem
    monkeypatch.setattr(own_model, "MOST", 10)
    monkeypatch.setattr(table, "_problem", lambda *row: seen.append(row) or problem(*row))
    page = rows_of("Papadakis,Greek\n" * 1_000)
    assert "expected at most 10" in page.error[0].value and len(seen) <= 11
