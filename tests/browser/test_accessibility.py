"""The walk through the panels of a page finds a fault in whichever panel and colour scheme it is, and reads what does not change once."""

import pytest

from tests.browser.accessibility import MAIN, faults, violations
from tests.browser.readiness import still

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_fault_is_found_with_its_panel(serve, visit, scheme):
    page, other = visit(serve("panels").url, width=390, scheme=scheme), {"light": "dark", "dark": "light"}[scheme]
    still(page)
    faulty = faults(page, "panel")
    assert {name for name in faulty if name.endswith("sideways")} == {"broken, light, sideways", "broken, dark, sideways"}
    assert set(faulty[f"broken, {scheme}"]) == {"image-alt"}, "the structure is read in the first scheme"
    assert set(faulty["pale, dark"]) == {"color-contrast"}
    assert len(faulty) == 4 and f"broken, {other}" not in faulty


def test_what_is_unchanged_is_read_once_and_what_has_changed_again(serve, visit):
    page = visit(serve("panels").url)
    still(page)
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert set(violations(page, MAIN, known="once")) == {"image-alt"}
    assert violations(page, MAIN, known="once") == {}
    page.evaluate("document.querySelector('h1 img').className = 'changed'")
    assert set(violations(page, MAIN, known="once")) == {"image-alt"} == set(violations(page, MAIN))
