"""The walk through the panels of a page finds a fault in whichever panel and colour scheme it is, and reads what does not change once."""

import pytest

from tests.browser.accessibility import MAIN, faults, violations
from tests.browser.readiness import still

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scheme", "other", "every"), [("light", "dark", "1"), ("dark", "light", "")])
def test_each_fault_is_found_with_its_panel(serve, visit, scheme: str, other: str, every: str, monkeypatch):
    monkeypatch.setenv("EXPLORER_EVERY_PANEL", every)
    page = visit(serve("panels").url, width=390, scheme=scheme)
    still(page)
    faulty = faults(page, "panel")
    schemes = (scheme, other) if every else (scheme,)  # the other scheme is shown the last panel, "pale", and the first
    assert {name for name in faulty if name.endswith("sideways")} == {f"broken, {one}, sideways" for one in schemes}
    assert set(faulty[f"broken, {scheme}"]) == {"image-alt"}, "the structure is read in the first scheme"
    assert set(faulty["pale, dark"]) == {"color-contrast"}
    assert len(faulty) == 2 + len(schemes) and f"broken, {other}" not in faulty


def test_what_is_unchanged_is_read_once_and_what_has_changed_again(serve, visit):
    page = visit(serve("panels").url)
    still(page)
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert set(violations(page, MAIN, known="once")) == {"image-alt"}
    assert violations(page, MAIN, known="once") == {}
    page.evaluate("document.querySelector('h1 img').className = 'changed'")
    assert set(violations(page, MAIN, known="once")) == {"image-alt"} == set(violations(page, MAIN))
