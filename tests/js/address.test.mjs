import assert from "node:assert/strict";
import { test } from "node:test";

import { oncePerGesture, withoutAddress } from "../../pages/_components/address/view.js";

test("one entry of the history for each gesture", () => {
  const done = [];
  const history = { pushState: (_, __, url) => done.push(`push ${url}`), replaceState: (_, __, url) => done.push(`replace ${url}`) };
  const target = new EventTarget();
  const push = oncePerGesture(history, target);
  push({}, "", "opened");
  target.dispatchEvent(new Event("pointerdown"));
  push({}, "", "layer");
  push({}, "", "layer and unit");
  target.dispatchEvent(new Event("keydown"));
  target.dispatchEvent(new Event("popstate"));
  push({}, "", "corrected");
  assert.deepEqual(done, ["replace opened", "push layer", "replace layer and unit", "replace corrected"]);
});

test("a chart refers to itself without its address", () => {
  assert.equal(withoutAddress("url(http://host/attention?row=1#gradient_0)"), "url(#gradient_0)");
  assert.equal(withoutAddress('url("http://host/#clip1")'), 'url("#clip1")');
  assert.equal(withoutAddress("url(#clip1)"), "url(#clip1)");
});
