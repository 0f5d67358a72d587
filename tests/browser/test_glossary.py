"""The page of the glossary in a real browser, also at the width of a telephone. The button Terms is pressed in test_confusions.py."""

import re

import pytest
from playwright.sync_api import expect

from pages._glossary.search import matches
from pages._ui.glossary import entries
from tests.browser.accessibility import violations
from tests.browser.chromium import sideways
from tests.browser.readiness import still

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
ENTRIES = ".st-key-glossary-entries h2"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_address_opens_one_term_and_a_search_shows_its_term_first_and_is_in_the_link(room, tinies, width, scheme):
    page = room("glossary", tinies, "What do the words mean?", ENTRIES, "glossary.search=Jacobian", width=width, scheme=scheme)
    expect(page.locator(ENTRIES)).to_have_text(["Jacobian"])
    assert page.get_by_role("link", name="See it: Gradient flow, Laboratory").get_attribute("href").startswith("./gradient_flow?")
    search = page.get_by_role("textbox", name="Search")
    search.fill("")
    expect(page.locator(ENTRIES)).to_have_count(len(entries()))
    assert sideways(page) == 0
    search.fill("gate")
    names = [entry.name for entry in matches("gate", entries())]
    assert names[0] == "gate" and 1 < len(names) < len(entries())
    expect(page.locator(ENTRIES)).to_have_text(names)
    expect(page).to_have_url(re.compile(r"glossary\.search=gate"))
    still(page)
    assert violations(page) == {}
