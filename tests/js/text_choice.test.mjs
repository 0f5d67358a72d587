// The text of which a character is chosen: steps of the keyboard stay inside.
import assert from "node:assert/strict";
import test from "node:test";
import { moved, parts } from "../../pages/_components/text_choice/view.js";

test("a step never leaves the text", () => {
  assert.deepEqual([moved(3, 1, 5), moved(4, 1, 5), moved(0, -1, 5), moved(2, 10, 5), moved(2, -Infinity, 5), moved(2, Infinity, 5)], [4, 4, 0, 4, 0, 4]);
});

test("a line breaks between words only", () => {
  assert.deepEqual(parts([3, 4, 9], 12), [[0, 3], [3, 4], [4, 9], [9, 12]]);
  assert.deepEqual([parts([], 5), parts([5], 5), parts([], 0)], [[[0, 5]], [[0, 5]], []]);
});
