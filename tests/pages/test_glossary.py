"""The glossary: entries as they are written, the search, and the button that shows them."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from pages._glossary.search import in_markdown, matches, view_name
from pages._ui.glossary import Entry, entries, terms
from tests.pages.app import open_page, sound

KNOWN = {
    name: Entry(name, says, "/hidden_states", also)
    for name, says, also in (
        ("cell state", "The memory of an LSTM, changed by each gate.", ("cell",)),
        ("forget gate", "What is kept.", ()),
        ("gate", "A number from 0 to 1.", ()),
        ("unit", "One number of a state.", ("neuron",)),
    )
}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", ["cell state", "forget gate", "gate", "unit"]),
        ("gate", ["gate", "forget gate", "cell state"]),
        (" GATE ", ["gate", "forget gate", "cell state"]),
        ("neuron", ["unit"]),
        ("number", ["gate", "unit"]),
        ("beam", []),
    ],
)
def test_a_search_gives_the_exact_name_first_then_names_then_texts(wanted: str, names: list[str]):
    assert [entry.name for entry in matches(wanted, KNOWN)] == names


def test_a_name_is_in_one_entry_only():
    names = [name.casefold() for entry in entries().values() for name in (entry.name, *entry.also)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("entry", entries().values(), ids=list(entries()))
def test_an_entry_has_two_sentences(entry: Entry):
    sentences = re.split(r"(?<=[.)])\s+(?=[“A-Z0-9])", re.sub(r"et al\.|\b[A-Z]\. ", "", entry.says))
    assert len(sentences) == 2 and entry.says.endswith("."), sentences


def test_entries_are_in_alphabetical_order():
    assert list(entries()) == sorted(entries(), key=str.casefold)


def test_an_entry_on_the_page_names_the_view_that_shows_it():
    entry = Entry("gate", "Opens. Shuts.", "/one_step?one_step.view=LSTM%20and%20GRU%2C%20a%20real%20unit", ("door",))
    lines = in_markdown(entry).splitlines()
    assert lines[0] == "## gate" and "door" in lines[1]
    assert lines[-1] == f"[See it: One step, LSTM and GRU, a real unit](.{entry.see})"
    assert view_name("/hidden_states?hidden_states.quantity=cell") == "Hidden states"


def test_the_page_shows_every_entry_and_finds_one():
    page = sound(open_page("glossary"))
    assert len(page.markdown) == 1 and [line[3:] for line in page.markdown[0].value.splitlines() if line.startswith("## ")] == list(
        entries()
    )
    page = sound(open_page("glossary", search="AUC"))
    assert page.markdown[0].value.startswith("## AUC\n")
    page.text_input(key="glossary.search").input("no such word").run()
    assert not page.markdown and "no such word" in page.info[0].value


def _with_terms() -> None:
    from pages._ui.glossary import terms

    terms("gate", "AUC")


def test_the_button_explains_the_terms_and_links_to_the_page():
    page = sound(AppTest.from_function(_with_terms).run())
    gate, auc = page.markdown[0].value.split("\n\n")
    assert gate == f"**[gate](./glossary?glossary.search=gate)**: {entries()['gate'].says}" and entries()["AUC"].says in auc


def test_a_term_without_an_entry_is_an_error():
    with pytest.raises(KeyError, match="perplexity"):
        terms("perplexity")
