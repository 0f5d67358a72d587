"""Back, Forward, reload and a second tab open each page with its panel and choices; the menu of a phone says where one is."""

import re
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from explorer.analysis.ordering import IN_WORDS, VARIANCE
from tests.browser.chromium import ROOT, settle
from tests.browser.readiness import ran
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
# Page -> the parameter of its panel -> its panels, each with choices that are not the default.
TABLE = {
    ("hidden_states", "hidden_states", "panel"): {
        "": "unit=5&layer=layer 2&cursor=40&looks=lecture&selection=10-30",
        "Find a unit": "find.concept=URL&unit=2",
        "This unit": "unit.silence=true&unit=4&unit.instead=mean",
        "Trace back": "trace_back.unit=all&trace_back.target=actual&cursor=30",
        "All units": "order=rows by variance",
        "Intervene": "intervene=transplant&transplant.part=unit&transplant.way=in&cursor=30",
        "Generate": "generate.seed=7&generate.temperature=0.3",
        "Compare": "compare.model=wiki-rnn&compare.unit=3&compare.map.cursor=7",
        "Export and link": "model=wiki-rnn&unit=1",
        "The network": "model=wiki-gru&quantity=update",
        "Your own network": "unit=3",
    },
    ("attention", "attention", "panel"): {
        "Step through": "steps.step=1&steps.states.unit=2",
        "Replace a word": "replace.word=1&replace.by=blue",
        "Beam": "beam.width=3&beam.chosen=1",
        "Compare": "model=en-fr-uniform",
        "Is it real?": "units=pieces",
        "Your own pairs": "row=2",
        "Your own network": "row=1",
        "Export and link": "row=2",
        "The network": "model=en-fr-uniform",
    },
    ("captions", "captions", "panel"): {
        "All words": "picture=scene:3",
        "Other captions": "alternatives.width=3&alternatives.seed=4&alternatives.chosen=2",
        "Compare": "hidden=9.10",
        "When it is wrong": "picture=scene:2",
        "Your own network": "cells=true",
        "Export and link": "fill=blur",
        "The network": "picture=photo:cat",
    },
    ("confusions", "confusions", "panel"): {
        "Letter by letter": "text=Silvano&letters.quantity=update&letters.states.selection=1-3",
        "Scores": "by=counts",
        "Compare": "compare.way=training and held-out names",
        "Your own names": "order=order by size",
        "Export and link": "cell=Greek>Irish",
        "The network": "text=Novak",
    },
    ("gradient_flow", "gradient_flow", "panel"): {
        "In numbers": "at=33",
        "What training sees": "back=50 characters",
        "The gap": "scale=the whole scale",
        "Multiply": "multiply.presses=3&multiply.a=0.5",
        "Laboratory": "laboratory.kind=GRU",
        "Clipping": "clipping.paths=by value&clipping.rate=0.3",
        "Does it learn?": "learn.part=Why recurrence&recurrence.seed=4",
    },
    ("one_step", "one_step", "view"): {
        "": "stretches=4&step=3&rate=step size 0.3",
        "LSTM and GRU, a real unit": "unit=3&at=5&model=wiki-gru&hold=held at 0",
        "Layers, directions, patterns": "stacked=[[sun]]&other=true&lesson=1&lessons.answer.0=2",
    },
    ("glossary", "glossary", "search"): {"memory time": ""},
}

# What the page calls a value of the link.
SAYS = {
    "pieces": "subwords",
    "transplant": "put a state into another text",
    "rows by variance": IN_WORDS[VARIANCE],
    "the whole scale": "full range",
    "step size 0.3": "learning rate 0.3",
}


def addresses() -> list[str]:
    """An address for each row of the table, no two of one page in a row."""
    by_page = []
    for (path, page, parameter), panels in TABLE.items():
        links = []
        for panel, choices in panels.items():
            asked = [f"{page}.{choice}" for choice in choices.split("&") if choice] + ([f"{page}.{parameter}={panel}"] if panel else [])
            pairs = [pair.partition("=") for pair in asked]
            links.append(f"/{path}?" + "&".join(f"{key}={quote(value)}" for key, _, value in pairs))
        by_page.append(links)
    most = max(map(len, by_page))
    return [links[at] for at in range(most) for links in by_page if at < len(links)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A tiny network for each page: what a page does must not hang on what a trained one says."""
    path = tmp_path_factory.mktemp("checkpoints")
    for cell in ("lstm", "gru", "rnn"):
        save_tiny(path / f"wiki-{cell}.safetensors", cell=cell)
    for attention in ("additive", "uniform"):
        save_tiny_translator(path / f"en-fr-{attention}.safetensors", attention=attention)
    save_tiny_scenes(path / "scenes-soft.safetensors")
    save_tiny_scenes(path / "scenes-none.safetensors", attention="none")
    for cell in ("gru", "lstm"):
        save_tiny_namer(path / f"names-{cell}.safetensors", cell=cell)
    return path


@pytest.fixture
def home(serve, folder) -> str:
    return serve(ROOT / "app.py", seconds=120, environment={"EXPLORER_CHECKPOINTS": str(folder)}).url


def parameters(address: str) -> dict[str, list[str]]:
    """What a link asks for; checksums of weights are the page's own."""
    return {key: values for key, values in parse_qs(urlsplit(address).query).items() if not key.endswith(".weights")}


# Whether each choice can be seen in its widget, where the page has one: as words, as a value, or pressed.
SHOWN = """choices => choices.every(([selector, values]) => [...document.querySelectorAll(selector)].every(part => {
    const boxes = [...part.querySelectorAll("input")].map(box => box.type == "checkbox" ? box.checked : box.value);
    const pressed = [...part.querySelectorAll("[aria-checked=true], [aria-pressed=true]")].map(button => button.innerText);
    const isGroup = part.querySelector("[data-variant=segmented_control]");
    const shown = (isGroup ? pressed : [part.innerText, ...boxes]).join(" | ");
    return values.every(value => shown.includes(value));
}))"""


# Whether every chart still finds its own colour bar and clipping: a reference to another address finds nothing.
WHOLE = """() => ["fill", "stroke", "clip-path"].every(name => [...document.querySelectorAll(`svg [${name}^="url("]`)]
    .map(part => part.getAttribute(name))
    .every(reference => reference.startsWith("url(#") || reference.startsWith(`url(${location.href}#`)))"""


def opens(page: Page, address: str) -> None:
    """The page shows what its link asks for, and asks for nothing else."""
    asked = parameters(address)
    page.wait_for_function("path => location.pathname == path", arg=urlsplit(address).path)
    settle(page)
    selectors = [
        [f".st-key-{re.sub('[^a-zA-Z0-9_-]', '-', key)}", [SAYS.get(value, value) for value in values]] for key, values in asked.items()
    ]
    try:
        page.wait_for_function(SHOWN, arg=selectors, timeout=30_000)
    except TimeoutError as error:
        missing = [selector for selector in selectors if not page.evaluate(SHOWN, [selector])]
        raise AssertionError(f"{address} does not show {missing}") from error
    assert parameters(page.url) == asked and page.evaluate(WHOLE)
    if unit := asked.get("hidden_states.unit"):
        expect(page.locator(".view[data-unit]").first).to_have_attribute("data-unit", unit[0])


def go(page: Page, name: str) -> None:
    """Choose a page in the bar, where each group of pages opens a list."""
    for group in page.get_by_test_id("stTopNavSection").all():
        group.click()
        link = page.get_by_test_id("stTopNavDropdownLink").filter(has_text=name)
        if link.count():
            link.click()
            break
        page.keyboard.press("Escape")
    page.wait_for_url(re.compile(name.lower().replace(" ", "_")))
    settle(page)


def test_back_undoes_a_gesture_and_opens_the_whole_view(visit, home):
    page = visit(f"{home}/hidden_states")
    page.wait_for_selector(".view[data-unit]")
    page.locator("#unit").fill("5")
    expect(page).to_have_url(re.compile("hidden_states.unit=5"))
    settle(page)
    seen = [page.url]
    for name, part, choice in (
        ("One step", "view", "LSTM and GRU, a real unit"),
        ("Gradient flow", "panel", "Multiply"),
        ("Confusions", "panel", "Compare"),
    ):
        go(page, name)
        if name == "Confusions":
            page.wait_for_selector(".st-key-scrolling-confusions-matrix .role-legend [fill^=url]")
        seen.append(page.url)
        page.locator(f".st-key-{name.lower().replace(' ', '_')}-{part}").get_by_text(choice).click()
        expect(page).to_have_url(re.compile(f"{part}="))
        settle(page)
        seen.append(page.url)
    assert page.evaluate(WHOLE), "a colour bar is lost when the link changes"
    for address in reversed(seen[:-1]):
        ran(page, partial(page.evaluate, "history.back()"))
        opens(page, address)
    for address in seen[1:]:
        ran(page, partial(page.evaluate, "history.forward()"))
        opens(page, address)
    page.reload()
    opens(page, seen[-1])


def test_back_forward_reload_and_a_second_tab_open_every_panel_with_its_choices(visit, home):
    links = addresses()
    page = visit(f"{home}/glossary")
    page.evaluate("links => { for (const link of links) History.prototype.pushState.call(history, {}, '', link); }", [*links, "/glossary"])
    for link in reversed(links):
        ran(page, partial(page.evaluate, "history.back()"))
        opens(page, link)
    for link in links[1:4]:
        ran(page, partial(page.evaluate, "history.forward()"))
        opens(page, link)
    for link in links[1:4]:
        page.goto(f"{home}{link}")
        opens(page, link)


def test_the_menu_of_a_phone_names_the_page_and_closes(visit, home):
    page = visit(f"{home}/?hidden_states.unit=2", width=390, height=844)  # as when Hidden states was the first page
    expect(page).to_have_url(re.compile(r"/hidden_states\?hidden_states.unit=2"))
    assert page.get_by_role("dialog").count() == 0, "an old link leads to a page that is not found"
    menu, listed = page.get_by_role("button", name="Menu: Hidden states"), page.get_by_test_id("stPopoverBody")
    menu.tap()
    listed.get_by_role("link", name="One step").tap()
    expect(page).to_have_title("One step – Recurrent Explorer")
    expect(page.get_by_role("button", name="Menu: One step")).to_be_visible()
    expect(listed).to_have_count(0)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
