"""Who a visitor is: the token in a browser's cookie, whatever its mask, and nothing else that a browser may send."""

import pytest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from pages._ui import visitors
from pages._ui.visitors import Tabs, browser_of


def test_a_browser_keeps_its_name_and_the_name_does_not_give_its_token_away():
    token = bytes(range(16))
    names = {browser_of(generate_xsrf_token_string(token)) for _ in range(20)}
    (name,) = names
    assert name and token.hex() not in name and len(name) == 16
    assert name != browser_of(generate_xsrf_token_string(bytes(16)))


@pytest.mark.parametrize(
    "cookie", ["", "2", "x|y|z|1", "2|00|00|1", "2|00000000|zz|1", "1|00000000|" + "00" * 16 + "|1", "2|" * 1000, "\ud800"]
)
def test_a_cookie_that_is_not_streamlits_names_nobody(cookie: str):
    assert browser_of(cookie) is None


def test_a_visitor_is_here_while_one_tab_is(monkeypatch):
    active = {"one", "two"}
    monkeypatch.setattr(visitors, "_is_active", active.__contains__)
    tabs = Tabs()
    for session in ("one", "two"):
        tabs.note("ann", session)
    active.remove("one")
    assert tabs.is_here("ann") and not tabs.is_here("bob")
    active.remove("two")
    assert not tabs.is_here("ann")
    active.add("three")
    tabs.note("bob", "three")
    assert list(tabs.sessions) == ["bob"], "who has left is forgotten"
