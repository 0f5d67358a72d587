// Lines, cells, hits and pages, by hand on tiny texts.
import assert from "node:assert/strict";
import test from "node:test";
import {
  cellAt, characterAt, columnsOf, inSight, leftOut, lineOf, mapSizes, metrics, moveLines, placeOf, reveal, spans, textHeight, wrap,
} from "../../pages/_components/state_view/layout.js";

const breaks = Uint8Array.from("ab\ncdefg\n\nh", (c) => (c === "\n" ? 1 : 0));
const starts = wrap(breaks, 4);
const sizes = { cell: 10, line: 30 };

test("lines end at a newline or when full", () => {
  assert.deepEqual([...starts], [0, 3, 7, 9, 10, 11]);
  assert.deepEqual([...wrap(new Uint8Array(4), 4)], [0, 4]);
  assert.deepEqual([...wrap(Uint8Array.of(0, 1), 4)], [0, 2]);
});

test("each character lies in its line and is hit at its place", () => {
  assert.deepEqual([0, 2, 3, 6, 7, 9, 10].map((i) => lineOf(starts, i)), [0, 0, 1, 1, 2, 3, 4]);
  for (let i = 0; i < 11; i++) {
    const { x, y } = placeOf(i, sizes, starts);
    assert.equal(characterAt(x + 5, y + 15, sizes, starts), i);
    assert.equal(characterAt(x, y, sizes, starts), i);
  }
});

test("beside the text the nearest character is hit", () => {
  assert.equal(characterAt(500, 15, sizes, starts), 2);
  assert.equal(characterAt(0, -5, sizes, starts), 0);
  assert.equal(characterAt(0, 1e6, sizes, starts), 10);
});

test("about thirty characters a line at 358 px, whole cells at 1200", () => {
  const narrow = metrics(358);
  assert.ok(narrow.columns >= 28 && narrow.columns <= 36, String(narrow.columns));
  assert.equal(metrics(1200).columns, 120);
  assert.ok(metrics(1200, true).line > metrics(1200).line + 5 * 12);
  assert.equal(textHeight(2, metrics(1200)), 2 * metrics(1200).line);
  assert.ok(textHeight(500, metrics(1200)) <= 262);
});

test("on a low screen text and map are small enough to stand together; on a phone they are as ever", () => {
  const line = metrics(1200).line;
  assert.equal(textHeight(500, metrics(1200), 720), 4 * line);
  assert.ok(textHeight(500, metrics(1200), 900) > 4 * line);
  const [low, high] = [720, 900].map((screen) => mapSizes(1000, 420, 512, screen));
  assert.ok(low.height + low.overview + low.line < 170 && high.height === 400);
  assert.equal(mapSizes(358, 420, 512, 720).height, mapSizes(358, 420, 512).height);
});

test("a text that is cut says so, and six lines with their next characters are shown", () => {
  assert.equal(leftOut(0, 8, 11), "lines 1 to 9 of 11: scroll the text for the others");
  assert.equal(leftOut(0, 10, 11), "");
  for (const width of [1200, 358]) assert.equal(textHeight(10, metrics(width, true)), 6 * metrics(width, true).line);
});

test("map: 512 units are rows of 2 px in a window of 400; few columns fill the width, many scroll", () => {
  const map = mapSizes(1000, 420, 512);
  assert.deepEqual([map.row, map.height, map.full.height, map.full.width], [2, 400, 1024, 1000]);
  assert.deepEqual([mapSizes(1000, 10000, 512).column, mapSizes(1000, 10000, 512).full.width], [2, 20000]);
  assert.equal(mapSizes(358, 420, 512).height / mapSizes(358, 420, 512).row, 40);
  assert.ok(mapSizes(1000, 5, 3).row <= 24);
});

test("a series is seen whole, however narrow its columns, and can be stretched", () => {
  const [whole, stretched] = [1, 4].map((zoom) => mapSizes(1000, 10000, 64, Infinity, zoom));
  assert.deepEqual([whole.column, whole.full.width], [0.1, 1000]);
  assert.deepEqual([stretched.column, stretched.full.width], [0.4, 4000]);
  assert.equal(mapSizes(1000, 10, 64, Infinity, 1).column, 24);
});

test("the map's cells are hit in the map's order", () => {
  const figure = { units: 3, time: 4, order: Int32Array.of(2, 0, 1) };
  const map = { row: 10, column: 5 };
  assert.deepEqual(cellAt(16, 25, map, figure), { unit: 1, row: 2, index: 3 });
  assert.equal(cellAt(20, 5, map, figure), null);
  assert.equal(cellAt(5, 30, map, figure), null);
  assert.equal(cellAt(-1, 5, map, figure), null);
});

test("only lines in sight, moved as little as possible", () => {
  assert.deepEqual(inSight(0, 60, 30, 10), [0, 1]);
  assert.deepEqual(inSight(45, 60, 30, 10), [1, 3]);
  assert.deepEqual(inSight(0, 60, 30, 1), [0, 0]);
  assert.equal(reveal(0, 60, 30, 60), 0);
  assert.equal(reveal(0, 60, 60, 90), 30);
  assert.equal(reveal(100, 60, 30, 60), 30);
  assert.equal(reveal(0, 400, 0, 900), 0);
});

test("a page down keeps the column where it can", () => {
  assert.equal(moveLines(1, 1, starts), 4);
  assert.equal(moveLines(6, 2, starts), 9);
  assert.equal(moveLines(0, 99, starts), 10);
  assert.equal(moveLines(10, -99, starts), 0);
});

test("words take their letters and a blank, wrap as wholes, and are hit at their places", () => {
  const words = ["the", "cat", "sat", ".", "\n", "a", "incomprehensibility"];
  const alphabet = words.map((token) => ({ token, columns: token.length }));
  const wide = spans({ noun: "word", alphabet, ids: [0, 1, 2, 3, 4, 5, 6] }, 10);
  assert.deepEqual([...wide], [4, 4, 4, 2, 2, 2, 10]);
  const lines = wrap(Uint8Array.of(0, 0, 0, 0, 1, 0, 0), 10, wide);
  assert.deepEqual([...lines], [0, 2, 5, 6, 7]);
  const columns = columnsOf(wide, lines);
  assert.deepEqual([...columns], [0, 4, 0, 4, 6, 0, 0]);
  for (let i = 0; i < 7; i++) {
    const { x, y } = placeOf(i, sizes, lines, columns);
    assert.equal(characterAt(x, y, sizes, lines, columns), i);
    assert.equal(characterAt(x + 10 * wide[i] - 1, y + 15, sizes, lines, columns), i);
  }
  assert.deepEqual([moveLines(1, 1, lines, columns), moveLines(4, -1, lines, columns), moveLines(4, 1, lines, columns)], [3, 1, 5]);
});

test("likely next words have room under a short one, up to a limit", () => {
  const alphabet = ["of", "network", "incomprehensibility"].map((sign) => ({ sign, columns: sign.length }));
  const figure = { noun: "word", alphabet, ids: [0, 0, 2], next_ids: Int32Array.of(0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0) };
  assert.deepEqual([...spans(figure, 80, true)], [8, 13, 20]);
  assert.deepEqual([...spans(figure, 80)], [3, 3, 20]);
});

test("a byte takes the columns of its name, and no blank", () => {
  const alphabet = ["a", "C3"].map((sign) => ({ sign, columns: sign.length }));
  assert.deepEqual([...spans({ noun: "byte", alphabet, ids: [0, 1, 0] }, 10)], [1, 2, 1]);
});

test("a text of characters has no widths of its own", () => {
  assert.equal(spans({ noun: "character", alphabet: [{ columns: 1 }], ids: [0] }, 10), null);
  assert.equal(columnsOf(null, starts), null);
});
