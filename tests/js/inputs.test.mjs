// Lanes of numbers: thinning, ticks and labels, by hand on short series.
import assert from "node:assert/strict";
import test from "node:test";
import { brief, inputsAt, laneHeight, lanesHeight, stamp, thinned, tickLabel, ticks } from "../../pages/_components/state_view/inputs.js";

const day = 86400;
const figure = {
  time: 3, start: 0, times: Float64Array.of(0, day, 2 * day), inputs: Float32Array.of(1, NaN, 3, -4, 0, 12345),
  rows: { names: ["rain", "sun"], ends: [[1, 3], [-4, 12345]], printed: ["year", "day"], stamp: 10, dated: true },
};

test("every step is a point where there is room", () => {
  assert.deepEqual(thinned(Float32Array.of(3, 1, 2), 10, 0, 30), [[5, 3], [15, 1], [25, 2]]);
  assert.deepEqual(thinned(Float32Array.of(3, 1, 2, 9, 9), 10, 30, 10).map(([x]) => x), [25, 35, 45]);
});

test("of several steps on one pixel the least and the greatest, in their order; nothing is lost", () => {
  const values = Float32Array.of(1, 9, 2, 3, 8, 0, NaN, NaN);
  assert.deepEqual(thinned(values, 0.5, 0, 4), [[0.5, 1], [0.5, 9], [1.5, 2], [1.5, 3], [2.5, 8], [2.5, 0], [3.5, NaN]]);
  const spikes = new Float32Array(10000);
  spikes[7777] = 5;
  assert.equal(Math.max(...thinned(spikes, 0.1, 0, 1000).map(([, value]) => value)), 5);
  assert.ok(thinned(spikes, 0.1, 0, 1000).length <= 2000);
});

test("ticks: the shortest periods that have room, apart from each other", () => {
  const levels = Int16Array.of(0, 2, 1, 2, 1, 2, 0, 2);
  assert.deepEqual(ticks(levels, 50, 100), [[0, 2, 4, 6], 1]);
  assert.deepEqual(ticks(levels, 10, 40), [[0, 6], 0]);
  assert.deepEqual(ticks(levels, 100, 40), [[0, 1, 2, 3, 4, 5, 6, 7], 2]);
});

test("dates, counts and numbers", () => {
  assert.deepEqual([stamp(figure, 1), tickLabel(figure, 1, 0), tickLabel(figure, 1, 1)], ["1970-01-02", "1970", "1970-01-02"]);
  assert.equal(stamp({ ...figure, times: undefined }, 1), "");
  assert.equal(tickLabel({ start: 1999, rows: { printed: ["count"] } }, 0, 5), "2,000");
  assert.deepEqual([12345.6, 0.1234567, -2, 0, NaN, 1.5e-7].map(brief), ["12,346", "0.1235", "\u22122", "0", "missing", "1.5e\u221207"]);
});

test("what was read at a step, and one input alone", () => {
  const view = { figure, choice: { alone: null } };
  assert.deepEqual(inputsAt(view, 1), ["rain missing", "sun 0"]);
  assert.deepEqual(inputsAt({ ...view, choice: { alone: 1 } }, 2), ["sun 12,345"]);
});

test("a lane holds its scale; a constant is drawn in the middle", () => {
  assert.deepEqual([laneHeight(3, [1, 3]), laneHeight(1, [1, 3]), laneHeight(7, [7, 7])], [20, 56, 38]);
  assert.ok(lanesHeight(2, false, 720) === 144 && lanesHeight(99, false, 720) < 220 && lanesHeight(99, true, 844) === 330);
});
