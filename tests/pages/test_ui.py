"""The shared pieces of the pages: bounded cache, links, errors as sentences."""

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages._ui import missing
from pages._ui.cache import SharedCache, size
from pages._ui.link import TEXT_CHARACTERS, LinkError, clean, packed, unpacked, whole, wholes
from pages._ui.text import in_markdown


def test_cache_makes_a_value_once_for_many_threads():
    cache, made, gate = SharedCache(10_000), [], threading.Barrier(8)

    def make():
        made.append(1)
        return np.zeros(10)

    def ask():
        gate.wait()
        cache.get("a", make)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(made) == 1


def test_cache_stays_below_its_limit_and_drops_the_oldest():
    cache = SharedCache(1_000)
    for name in "abc":
        cache.get(name, lambda: np.zeros(50))  # 400 bytes each
    assert cache.held == 800
    remade = []
    cache.get("c", lambda: remade.append("c"))
    cache.get("a", lambda: remade.append("a"))
    assert remade == ["a"]


def test_cache_hands_out_what_is_too_large_to_keep():
    cache = SharedCache(100)
    assert cache.get("big", lambda: np.zeros(100)).size == 100
    assert cache.held == 0


def test_an_error_while_making_leaves_nothing_behind():
    cache = SharedCache(100)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: "fine") == "fine"
    assert not cache._making


def test_size_counts_arrays_inside_records_and_dicts():
    assert size({"a": np.zeros(3), "b": (np.zeros(2, np.int8),)}) == 24 + 8 + 2
    assert size([torch.nn.Linear(3, 2)]) == 8 + 4 * (6 + 2), "a module counts by its weights"


@pytest.mark.parametrize("text", ["", "a", "[[tower]]\n\t", "шлях 🗼 שלום", "<script>alert(1)</script>", "x" * 50_000])
def test_a_text_survives_the_link(text):
    assert unpacked(packed(text)) == text


@pytest.mark.parametrize("code", ["!!!", "abc", packed("a long enough text to cut")[:-6], "eJw"])
def test_a_damaged_link_gets_a_sentence(code):
    with pytest.raises(LinkError, match=r"(damaged|cut short)"):
        unpacked(code)


def test_a_compression_bomb_in_a_link_is_not_unpacked():
    with pytest.raises(LinkError, match="longer than 100,000"):
        unpacked(packed("a" * (40 * TEXT_CHARACTERS)))


def test_a_table_breaks_no_number_and_its_words_stay_text():
    frame = pd.DataFrame({"a line": ["one | two", "<b>"], "1 to 5": [0.12345, None], "lags": ["3 (1 to 2)", "4"]})
    rows = ["| a line | 1\xa0to\xa05 | lags |", "| --- | --- | --- |"]
    rows += ["| one \\| two | 0.123 | 3\xa0\\(1\xa0to\xa02\\) |", "| \\<b\\> | – | 4 |"]
    assert in_markdown(frame).split("\n") == rows


@pytest.mark.parametrize(("code", "expected"), [("0", 0), ("41", 41), ("42", None), ("", None), ("-1", None), ("4.0", None), ("٣", None)])
def test_a_whole_number_of_a_link(code, expected):
    assert whole(code, 42) == expected


def test_a_number_with_a_million_digits_is_not_read():
    assert whole("9" * 1_000_000, 10**6) is None


def test_a_list_of_a_link_leaves_out_what_is_no_number():
    assert wholes("3.17.x..999", ".", 256) == [3, 17]
    assert wholes("", ".", 256) == []


def test_a_clean_text_survives_the_link():
    assert clean("a\ud800b", 3) == "a?b"
    assert clean("abcd", 3) == "abc"


def _linking() -> None:
    """A page that reads and writes its link."""
    import streamlit as st

    from pages._ui import layout, link

    st.text(str(link.linked_whole("page.unit", 100)))
    st.text(str(link.linked_index("page.place", 5, 2)))
    st.text(str(link.linked_choices("page.looks", ("flip", "bits", "runs"))))
    st.text(str(link.linked_text("page.text", 4)))
    fits = link.link_text("page.written", st.query_params.get("page.typed", ""), "an example")
    st.text(str(fits))
    st.text(layout.select("Layer", ["one", "two"], "page.layer", 100, 1))
    layout.text_form("page", "read now", 20, lambda text: st.session_state.__setitem__("read", text))


def linked(**query: str) -> tuple[list[str], AppTest]:
    page = AppTest.from_function(_linking)
    for name, value in query.items():
        page.query_params[f"page.{name}"] = value
    page.run()
    assert not page.exception
    return [text.value for text in page.text], page


def test_an_empty_link_gives_the_defaults():
    assert linked(typed="an example")[0] == ["None", "2", "()", "None", "True", "two"]


def test_a_link_gives_what_it_holds():
    values, page = linked(unit="7", place="4", looks="runs,flip,none", text=packed("a long text"), typed="short", layer="one")
    assert values == ["7", "4", "('flip', 'runs')", "a lo", "True", "one"]
    assert unpacked(page.query_params["page.written"]) == "short"


def test_a_damaged_link_gives_the_defaults_and_says_so():
    values, page = linked(unit="100", place="5", looks="flip;", text="!!!")
    assert values[:4] == ["None", "2", "()", "None"]
    assert "cut short" in page.error[0].value


def test_a_text_too_long_for_a_link_stays_out():
    values, page = linked(typed="".join(map(chr, range(0x4E00, 0x4E00 + 9_000))))
    assert values[4] == "False" and "page.written" not in page.query_params


def test_a_choice_that_is_not_offered_gives_way_to_the_default():
    page = AppTest.from_function(_linking)
    page.session_state["page.layer"] = "three"
    assert page.run().selectbox(key="page.layer").value == "two" and not page.exception


def test_a_typed_text_is_read_and_the_example_comes_back():
    _, page = linked()
    page.text_area(key="page.draft").input("mine")
    page.button(key="FormSubmitter:page.text_form-Read it").click().run()
    assert page.session_state["read"] == "mine"
    page.button(key="page.example").click().run()
    assert page.session_state["read"] is None


@pytest.mark.parametrize(
    ("values", "used", "same"),
    [
        (["wiki-lstm"], "wiki-lstm", True),
        (["en-xx"], "en-fr-additive", False),
        (["Nothing"], None, False),
        (["999"], 383, False),
        (["2.0"], 2, True),
        (["3 × 3"], 3, True),
        (["true"], True, True),
        (["flip,next"], "next,flip", True),
        (["evil,flip"], "flip", False),
        (["by value", "by norm"], ["by norm", "by value"], True),
        (["x"], ["wiki-rnn"], False),
    ],
)
def test_what_a_link_names_is_what_the_page_uses(values, used, same):
    assert missing.agrees(values, used) is same
