// The browser's colours are Python's: held against scales.json, which tests/js/table.py writes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { contrast, ink, level, mark, palette, ramp, rgb, valueOf } from "../../pages/_components/state_view/colour.js";

const table = JSON.parse(readFileSync(new URL("scales.json", import.meta.url)));

test("every colour and ink equals Python's", () => {
  for (const row of table) {
    const colours = ramp(row.stops).filter((_, at) => at % 15 === 0);
    assert.deepEqual(colours, row.colours);
    assert.deepEqual(colours.map(ink), row.inks);
  }
});

test("every stored value reads out as Python's", () => {
  for (const { scale, stored, values } of table) {
    stored.forEach((s, k) => assert.ok(Math.abs(valueOf(s, scale) - values[k]) <= 1e-9 * scale.high));
  }
});

test("ink is readable on every colour", () => {
  for (const { stops } of table) {
    for (const colour of ramp(stops)) assert.ok(contrast(colour, rgb(ink(colour))) >= 4.5);
  }
});

test("levels cover 0 to 255 and turn round with the sign", () => {
  assert.deepEqual([-32767, 0, 32767].map((s) => level(s)), [0, 128, 255]);
  assert.deepEqual([-32767, 32767].map((s) => level(s, -1)), [255, 0]);
});

test("pixels are opaque, red lowest", () => {
  assert.equal(palette(["#010203", "#010203"]).words[0], 0xff030201);
});

test("marks: clear signs only; gates nearly open or shut", () => {
  const signed = { kind: "diverging" };
  assert.deepEqual([20000, 100, -20000].map((s) => mark(s, signed)), [1, 0, -1]);
  assert.equal(mark(20000, signed, -1), -1);
  assert.deepEqual([32000, 0, -32000].map((s) => mark(s, { kind: "sequential" })), [1, 0, -1]);
});
