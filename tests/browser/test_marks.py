"""Text from outside in a real browser: it is read as it is, nothing is made of it, and no request leaves for another host."""

import pytest
from playwright.sync_api import expect

from tests.pages.marks import TRICKY

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
# Of every Markdown in a frame: what is read, and the elements that it consists of.
PARTS = """frame => [...frame.querySelectorAll("[data-testid=stMarkdownContainer]")].map(part => [
  part.innerText.trim(), [...part.querySelectorAll("*")].map(element => element.tagName + (element.getAttribute("style") ?? ""))])"""
TEXT_ALONE = {"P", "SPAN", "DIV", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD"}
# What a foreign address would be called with, were a page made to contain it.
CALLS = """async ([host, kinds]) => {
  const seen = new Set(), pause = () => new Promise(end => setTimeout(end, 50));
  document.addEventListener("securitypolicyviolation", violation => seen.add(violation.effectiveDirective.replace("-elem", "")));
  const load = (tag, set) => document.body.appendChild(Object.assign(document.createElement(tag), set));
  load("img", {src: `${host}/image`}); load("iframe", {src: `${host}/frame`}); load("script", {src: `${host}/script`});
  load("form", {action: `${host}/form`, method: "post"}).submit();
  await fetch(`${host}/fetch`).catch(() => 0);
  for (let n = 0; n < 600 && kinds.some(kind => !seen.has(kind)); n++) await pause();
  return [...seen];
}"""
KINDS = ["img-src", "frame-src", "script-src", "form-action", "connect-src"]


def test_nothing_is_made_of_a_text_from_outside(serve, visit):
    page, left = visit(serve("marks").url), []
    page.on("request", lambda request: left.append(request.url) if "m.test" in request.url else None)
    expect(page.locator(".st-key-help")).to_be_visible()
    for index, text in enumerate(TRICKY):
        for said, elements in page.locator(f".st-key-tricky-{index}").evaluate(PARTS):
            assert set(said.replace("\u2060", "").replace("\t", "\n").split("\n")) - {"", "other"} <= {text}
            assert set(elements) <= TEXT_ALONE, (text, elements)
        ((said, elements),) = page.locator(f".st-key-code-{index}").evaluate(PARTS)
        assert said.replace("\u2060", "").replace("ˋ", "`") == text and elements == ["P", "CODE"]
    page.locator(".st-key-help button").first.hover()
    expect(page.get_by_test_id("stTooltipContent")).to_contain_text(TRICKY[0][:5])
    assert page.get_by_test_id("stTooltipContent").locator("img, a").count() == 0 and left == []


def test_the_policy_keeps_every_call_to_another_host_in_the_browser(serve, context):
    page, left = context().new_page(), []
    page.route("**/*m.test/**", lambda route: (left.append(route.request.url), route.abort()))
    page.goto(f"{serve('marks').url}/?embed=true")
    refused = page.evaluate(CALLS, ["http://m.test", KINDS])
    assert set(KINDS) <= set(refused) and left == []
    page.close()
