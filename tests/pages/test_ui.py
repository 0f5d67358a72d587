"""The shared pieces of the pages: bounded cache, links, errors as sentences."""

import threading

import numpy as np
import pandas as pd
import pytest

from pages._ui.cache import SharedCache, size
from pages._ui.link import TEXT_CHARACTERS, LinkError, packed, unpacked
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


@pytest.mark.parametrize("text", ["", "a", "[[tower]]\n\t", "шлях 🗼 שלום", "<script>alert(1)</script>", "x" * 50_000])
def test_a_text_survives_the_link(text):
    assert unpacked(packed(text)) == text


@pytest.mark.parametrize("code", ["!!!", "abc", packed("a long enough text to cut")[:-6], "eJw"])
def test_a_damaged_link_gets_a_sentence(code):
    with pytest.raises(LinkError, match=r"(damaged|cut short)"):
        unpacked(code)


def test_a_bomb_in_a_link_is_not_unfolded():
    with pytest.raises(LinkError, match="longer than 100,000"):
        unpacked(packed("a" * (40 * TEXT_CHARACTERS)))


def test_a_table_breaks_no_number_and_its_words_stay_text():
    frame = pd.DataFrame({"a line": ["one | two", "<b>"], "1 to 5": [0.12345, None], "lags": ["3 (1 to 2)", "4"]})
    rows = ["| a line | 1\xa0to\xa05 | lags |", "| --- | --- | --- |"]
    rows += ["| one \\| two | 0.123 | 3\xa0\\(1\xa0to\xa02\\) |", "| \\<b\\> | – | 4 |"]
    assert in_markdown(frame).split("\n") == rows
