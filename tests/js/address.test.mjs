import assert from "node:assert/strict";
import { test } from "node:test";

import { oncePerGesture, recoloured, withoutAddress } from "../../pages/_components/address/view.js";

// A history that remembers its entries, and what a page does to it.
function browser() {
  const entries = ["/"];
  const history = { pushState: (_, __, url) => entries.push(url), replaceState: (_, __, url) => (entries[entries.length - 1] = url) };
  const target = new EventTarget();
  const change = oncePerGesture(history, target, () => new URL(entries.at(-1), "http://host").href);
  const gesture = (type, on = null, key = "") => {
    const event = Object.assign(new Event(type), { key });
    event.composedPath = () => [on];
    target.dispatchEvent(event);
  };
  return { entries, gesture, change: (url) => change({}, "", url) };
}

const field = () => ({ matches: (selector) => selector.includes("input") });

test("one entry of the history for each gesture", () => {
  const { entries, gesture, change } = browser();
  change("/opened");
  gesture("pointerdown");
  change("/panel");
  change("/panel-and-unit");
  gesture("pointerdown");
  change("/other-panel");
  gesture("keydown");
  gesture("popstate");
  change("/corrected");
  assert.deepEqual(entries, ["/opened", "/panel-and-unit", "/corrected"]);
});

test("typing in one field is one gesture until Enter; another field begins another", () => {
  const { entries, gesture, change } = browser();
  const [search, temperature] = [field(), field()];
  for (const url of ["/m", "/me", "/mem"]) {
    gesture("keydown", search, url.at(-1));
    change(url);
  }
  gesture("keydown", search, "Enter");
  change("/memory");
  gesture("keydown", temperature, "1");
  change("/memory?1");
  gesture("change", temperature);
  change("/memory?1.5");
  assert.deepEqual(entries, ["/", "/mem", "/memory", "/memory?1.5"]);
});

test("a gesture that leaves the address as it is adds no entry, and uses none up", () => {
  const { entries, gesture, change } = browser();
  gesture("pointerdown");
  change("/");
  change("/?panel=Beam");
  assert.deepEqual(entries, ["/", "/?panel=Beam"]);
});

test("a chart refers to itself without its address", () => {
  assert.equal(withoutAddress("url(http://host/attention?row=1#gradient_0)"), "url(#gradient_0)");
  assert.equal(withoutAddress('url("http://host/#clip1")'), 'url("#clip1")');
  assert.equal(withoutAddress("url(#clip1)"), "url(#clip1)");
});

test("another colour of the ground is noticed once, and a page without one is none", () => {
  const isOther = recoloured();
  assert.deepEqual(["", "#ffffff", "#ffffff", "", "#141418", "#141418", "#ffffff"].map(isOther), [false, false, false, false, true, false, true]);
});
