// Bytes that Python wrote (STATE_FIGURE names the file) come out as Python's numbers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { decode, rowOf } from "../../pages/_components/state_view/figure.js";
import { valueOf } from "../../pages/_components/state_view/colour.js";

const expected = JSON.parse(readFileSync(process.env.STATE_FIGURE + ".json"));
const file = readFileSync(process.env.STATE_FIGURE);

for (const shift of [0, 1, 3]) {
  test(`decoded from bytes at offset ${shift}`, () => {
    const room = new Uint8Array(file.length + shift);
    room.set(file, shift);
    const figure = decode(room.subarray(shift));
    assert.deepEqual(figure.alphabet.map((c) => c.token), expected.alphabet);
    assert.deepEqual(Array.from(figure.ids, (id) => figure.alphabet[id].token), expected.tokens);
    assert.deepEqual(Array.from(figure.order), expected.order);
    figure.order.forEach((unit, row) => assert.equal(figure.rank[unit], row));
    assert.deepEqual(Array.from(figure.breaks), expected.tokens.map((t) => (t === "\n" ? 1 : 0)));
    expected.values.forEach((line, unit) => {
      const row = rowOf(figure, unit);
      assert.equal(row.length, figure.time);
      line.forEach((value, t) => assert.ok(Math.abs(valueOf(row[t], figure.scale) - value) < 2e-5));
    });
    assert.deepEqual(Array.from(figure.next_p, (p) => Math.fround(p)), expected.next_p.flat().map(Math.fround));
    assert.deepEqual(Array.from(figure.next_ids, (id) => figure.alphabet[id].token), expected.next_tokens.flat());
    assert.ok(Number.isNaN(figure.bits[0]) && Math.abs(figure.bits[1] - expected.bits[1]) < 1e-6);
  });
}

test("Python says what a row is called", () => {
  assert.equal(decode(file).noun, "character");
});
