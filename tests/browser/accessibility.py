"""Every panel of a page walked through, light and dark: whether it scrolls sideways, and what axe finds against accessibility."""

from functools import partial

from playwright.sync_api import Page

from tests.browser.chromium import sideways, violations
from tests.browser.readiness import rerun, still

MAIN = "[data-testid=stMain]"
# The only rule whose answer depends on the colour scheme: all others read the structure, which both schemes share.
CONTRAST = ("color-contrast",)


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


def faults(page: Page, key: str) -> dict[str, int | dict[str, list[str]]]:
    """Show each panel of a group of buttons in turn, then all again in the other colour scheme: by panel and scheme, what is wrong.

    Wrong are pixels by which the page can be scrolled sideways, and what axe finds. What stands above the panels is read once.
    """
    faulty: dict[str, int | dict[str, list[str]]] = {}
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    buttons = page.locator(f".st-key-{key} [role=radio]").all()
    assert buttons, f"there is no group {key}"
    for scheme, rules in zip(("dark", "light") if is_dark else ("light", "dark"), ((), CONTRAST), strict=True):
        if rules:
            recolour(page, scheme)
            buttons.reverse()  # the last panel is shown; on a phone the way back goes button by button, too
        for button in buttons:
            if button.get_attribute("aria-checked") == "false":
                rerun(page, button.click)
            name = f"{button.inner_text()}, {scheme}"
            faulty[f"{name}, sideways"], faulty[name] = sideways(page), violations(page, MAIN, rules, scheme)
    return {name: what for name, what in faulty.items() if what}
