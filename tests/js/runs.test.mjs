// The picture in words.
import assert from "node:assert/strict";
import test from "node:test";
import { beyond, inWords } from "../../pages/_components/state_view/words.js";

const text = "ab[[cd]]ef";
const read = (from, to) => text.slice(from, to);

test("ranges beyond the limit, by side", () => {
  assert.deepEqual(beyond([0, 0.6, 0.7, 0.5, -0.6, 0.9], 0.5), [
    { from: 1, to: 3, side: 1 }, { from: 4, to: 5, side: -1 }, { from: 5, to: 6, side: 1 },
  ]);
  assert.deepEqual(beyond([], 0.5), []);
});

test("ranges in words, counted from 1 in the whole text", () => {
  const ranges = beyond([0, 0, 0, 1, 1, 1, 0, 0, -1, 0], 0.5);
  assert.equal(inWords(ranges, 1, 100, read), "at 104 to 106 ([cd)");
  assert.equal(inWords(ranges, -1, 0, read), "at 9 (e)");
  assert.equal(inWords(ranges.slice(1), 1, 0, read), "nowhere");
});

test("the longest are read out, the rest is counted", () => {
  const values = Array.from({ length: 60 }, (_, at) => Number(at % 2 === 0 || at > 40));
  const told = inWords(beyond(values, 0.5), 1, 0, () => "x");
  assert.ok(told.includes("41 to 60 (x)") && told.endsWith(" and 9 shorter ones"), told);
});
