"""Panel "Your own pairs" of the page of attention: a table or two files, scored, the worst first."""

import pytest

from pages._attention import pairs, state
from tests.models.translation.tiny_translation import sentences
from tests.pages.app import as_read, open_page, sound
from tests.pages.attention_page import translators

PAIRS = sentences(6)
TABLE = "\n".join(f"{source}\t{target}" for source, target in PAIRS)


@pytest.fixture(scope="module", autouse=True)
def networks(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        yield from translators(patch, tmp_path_factory.mktemp("networks"))


def given(*files: tuple[str, bytes]):
    page = sound(open_page("attention", panel="Your own pairs"))
    return page.file_uploader(key=pairs.FILES).set_value([(name, content, "text/plain") for name, content in files]).run()


def test_pairs_are_sorted_the_worst_first_and_a_click_shows_the_sentence():
    page = sound(given(("mine.tsv", TABLE.encode())))
    assert any(as_read(part).replace("*", "").startswith("6 pairs: BLEU") for part in page.markdown)
    (table,) = [frame.value for frame in page.dataframe if "chrF" in frame.value]
    assert table["chrF"].is_monotonic_increasing and set(table["source"]) == {source for source, _ in PAIRS}
    page = sound(page.segmented_control(key="attention.pairs.by").set_value("surprise").run())
    (table,) = [frame.value for frame in page.dataframe if "chrF" in frame.value]
    assert table["bits per subword"].is_monotonic_decreasing
    key = next(frame.key for frame in page.dataframe if frame.key and frame.key.startswith("attention.pairs.table"))
    page.session_state[key] = {"selection": {"rows": [2], "columns": [], "cells": []}}
    page = sound(page.run())
    assert state.TEXT in page.session_state


def test_two_files_are_pairs_too():
    sources, targets = ("\n".join(side).encode() for side in zip(*PAIRS, strict=True))
    page = sound(given(("a.en", sources), ("a.fr", targets)))
    (table,) = [frame.value for frame in page.dataframe if "chrF" in frame.value]
    assert dict(zip(table["source"], table["reference"], strict=True)) == dict(PAIRS)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("a", b"one\ntwo\n"), ("b", b"one\n")], "'a' has 2 lines and 'b' 1"),
        ([("a", b"x")] * 3, "Expected one table, or two files"),
        ([("a.tsv", b"only one column\n")], "holds no pairs"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(files, sentence: str):
    page = given(*files)
    assert sentence in as_read(page.error[0]) and not any("chrF" in frame.value for frame in page.dataframe)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairs, "MOST", 3)
    assert "There are 6 pairs; expected at most 3" in as_read(given(("mine.tsv", TABLE.encode())).error[0])
