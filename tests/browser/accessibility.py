"""Every panel of a page walked through, light and dark: whether it scrolls sideways, and what axe finds against accessibility."""

import os
from functools import partial

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.chromium import sideways
from tests.browser.readiness import rerun, still

MAIN = "[data-testid=stMain]"
# The only rule whose answer depends on the colour scheme: all others read the structure, which both schemes share.
CONTRAST = ("color-contrast",)
RUN = """async ([context, options]) => (await axe.run(context, options)).violations
    .map((rule) => [rule.id, rule.nodes.map((element) => element.html.slice(0, 160))])"""
# Marks each element of Streamlit that is, letter by letter, as it was when it was marked before in the same scheme and by the same rules.
MARK = """([part, read]) => {
    const shadows = (root) => [...root.querySelectorAll("*")].map((element) => element.shadowRoot).filter(Boolean);
    const within = (root) => root.innerHTML + shadows(root).map(within).join("");
    window.partsRead ??= {};
    const known = window.partsRead[read] ??= new Set();
    for (const element of document.querySelectorAll(`${part} [data-testid=stElementContainer]`)) {
        element.removeAttribute("data-read");
        const content = element.className + within(element);
        if (known.has(content)) element.setAttribute("data-read", "");
        known.add(content);
    }
}"""


def recolour(page: Page, scheme: str, is_app: bool = True) -> None:
    """Change the colour scheme, as a visitor's system does in the evening: the app runs again by itself and draws its figures anew.

    Args:
        page: An idle page.
        scheme: "light" or "dark".
        is_app: Whether it is a page of the app; a component alone takes its colours from the page and runs nothing.
    """
    change = partial(page.emulate_media, color_scheme=scheme)
    if is_app:
        rerun(page, change)
    else:
        change()
        still(page)


def violations(page: Page, part: str = "html", rules: tuple[str, ...] = (), known: str = "") -> dict[str, list[str]]:
    """What axe finds on a part of the page: by rule, how its elements begin.

    It looks once the page is still: what Streamlit draws late is mended by the page as it comes (`pages/_components/accessible`).

    Args:
        page: What is open.
        part: Selector of the part.
        rules: Those that are asked for; all if empty.
        known: Name under which elements are remembered: one that is unchanged since a call by the same name is not read again.
    """
    still(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    context: dict[str, list[list[str]]] = {"include": [[part]]}
    if known:
        page.evaluate(MARK, [part, known])
        context["exclude"] = [["[data-read]"]]
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    return dict(page.evaluate(RUN, [context, options]))


def faults(page: Page, key: str) -> dict[str, int | dict[str, list[str]]]:
    """Show each panel of a group of buttons in turn, then again in the other colour scheme: by panel and scheme, what is wrong.

    In the other scheme it is every second panel; with EXPLORER_EVERY_PANEL, as in `make soak`, all of them. Wrong are pixels by which the
    page can be scrolled sideways, and what axe finds. What stands above the panels is read once.
    """
    faulty: dict[str, int | dict[str, list[str]]] = {}
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    buttons = page.locator(f".st-key-{key} [role=radio]").all()
    assert buttons, f"there is no group {key}"
    for scheme, rules in zip(("dark", "light") if is_dark else ("light", "dark"), ((), CONTRAST), strict=True):
        if rules:
            recolour(page, scheme)
            buttons.reverse()  # the last panel is shown; on a phone the way back goes button by button, too
            buttons = buttons if os.environ.get("EXPLORER_EVERY_PANEL") else buttons[::2]
        for button in buttons:
            if button.get_attribute("aria-checked") == "false":
                rerun(page, button.click)
            name = f"{button.inner_text()}, {scheme}"
            faulty[f"{name}, sideways"], faulty[name] = sideways(page), violations(page, MAIN, rules, scheme)
    return {name: what for name, what in faulty.items() if what}
