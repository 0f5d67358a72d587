// Choices, keys and words.
import assert from "node:assert/strict";
import test from "node:test";
import { action, asked, between, carried, keys, neighbour, nextAlone, reported, toggled } from "../../pages/_components/state_view/choice.js";
import { bits, chance, plain, two } from "../../pages/_components/state_view/words.js";

const alphabet = [{ token: "a" }, { token: "b" }];
const figure = { start: 100, time: 4, units: 3, ids: [0, 1, 0, 1], alphabet, order: [2, 0, 1], rank: [1, 2, 0] };

test("what Python asks for is brought into the figure", () => {
  assert.deepEqual(asked({ unit: 9, cursor: 102, selection: [101, 103], looks: ["flip", "x"] }, figure), {
    unit: 2, cursor: 2, selection: [1, 3], looks: ["flip"], alone: null,
  });
  assert.deepEqual(asked({ unit: -1, cursor: 5, selection: [0, 50] }, figure), { unit: 0, cursor: 0, selection: null, looks: [], alone: null });
});

test("told in places of the whole text", () => {
  assert.deepEqual(reported({ unit: 1, cursor: 2, selection: [1, 3], looks: [], alone: null }, figure), {
    unit: 1, cursor: 102, selection: [101, 103], looks: [], alone: null,
  });
});

test("a choice survives other data; a selection only the same text", () => {
  const choice = { unit: 2, cursor: 3, selection: [0, 2], looks: ["next"], alone: null };
  assert.deepEqual(carried(choice, figure, { ...figure, units: 2 }), { ...choice, unit: 1 });
  assert.deepEqual(carried(choice, figure, { ...figure, time: 2, ids: [0, 1] }), { ...choice, cursor: 1, selection: null });
  assert.equal(carried(choice, figure, { ...figure, ids: [1, 1, 0, 1] }).selection, null);
});

test("an input is shown alone where there is such a one, and kept where its name stays", () => {
  const series = { ...figure, rows: { names: ["rain", "sun"] } };
  assert.deepEqual([0, 1, 2, -1, null].map((alone) => asked({ unit: 0, alone }, series).alone), [0, 1, null, null, null]);
  assert.equal(asked({ unit: 0, alone: 0 }, figure).alone, null);
  assert.deepEqual([null, 0, 1].map((alone) => nextAlone(alone, series)), [0, 1, null]);
  assert.equal(nextAlone(null, { ...figure, rows: { names: ["rain"] } }), null);
  const choice = { unit: 0, cursor: 0, selection: null, looks: [], alone: 1 };
  assert.deepEqual([series, figure].map((other) => carried(choice, series, other).alone), [1, null]);
});

test("the list of keys says what a row is", () => {
  const said = (noun) => keys(noun).flat().join("\n");
  assert.ok(said("word").includes("one word") && said("word").includes("most likely next words") && !said("word").includes("one input"));
  assert.ok(said("step").includes("one step") && said("step").includes("one input alone") && !said("step").includes("likely"));
});

test("neighbours go by the map's rows and stop at its ends", () => {
  assert.deepEqual([neighbour(2, 1, figure), neighbour(0, 1, figure), neighbour(1, 1, figure), neighbour(2, -1, figure)], [0, 1, 1, 2]);
});

test("a range holds both its ends, whichever way it was drawn", () => {
  assert.deepEqual([between(5, 2), between(2, 5), between(3, 3)], [[2, 6], [2, 6], [3, 4]]);
  assert.deepEqual(toggled(toggled([], "flip"), "next"), ["next", "flip"]);
  assert.deepEqual(toggled(["next"], "next"), []);
});

test("keys", () => {
  assert.deepEqual(action({ key: "ArrowUp" }), { do: "unit", by: -1 });
  assert.deepEqual(action({ key: "ArrowRight", shiftKey: true }), { do: "move", what: "character", by: 1, select: true });
  assert.deepEqual(action({ key: "ArrowDown", shiftKey: true }), { do: "move", what: "line", by: 1, select: true });
  assert.deepEqual(["Home", "End", "PageUp", "PageDown"].map((key) => action({ key }).what), ["edge", "edge", "page", "page"]);
  assert.deepEqual([" ", "?", "Escape"].map((key) => action({ key }).do), ["play", "help", "escape"]);
  assert.deepEqual([action({ key: "c", ctrlKey: true }), action({ key: "r" }), action({ key: "Tab" })], [null, null, null]);
});

test("two significant digits", () => {
  assert.deepEqual([0.8734, -0.0341, 0.00072, 1e-9, -3.26, 53.4, 432.2, 0.9996, -1].map(two), [
    "+0.87", "\u22120.034", "+0.00072", "0.00", "\u22123.3", "+53", "+432", "+0.99", "\u22121.0",
  ]);
  assert.equal(plain(0.5), "0.50");
  assert.deepEqual([0.9, 0.035, 0.001, 0.999, 0.5].map(chance), [".90", ".04", "<.01", "1.0", ".50"]);
  assert.deepEqual([0.15, 0.004, 3.456, 12.3].map(bits), ["0.15 bits", "0.00 bits", "3.5 bits", "12 bits"]);
});
