// The region of a click, by hand; models/pictures.py's cell_at says the same.
import assert from "node:assert/strict";
import test from "node:test";
import { placeAt } from "../../pages/_components/picture_view/view.js";

test("a click belongs to the cell it lies in, and one at the edge to the last", () => {
  assert.deepEqual(placeAt(0, 0, [14, 14]), { row: 0, column: 0 });
  assert.deepEqual(placeAt(0.5, 0.26, [7, 2]), { row: 1, column: 1 });
  assert.deepEqual(placeAt(0.4999, 0.99, [7, 2]), { row: 6, column: 0 });
  assert.deepEqual(placeAt(1, 1, [7, 7]), { row: 6, column: 6 });
  assert.deepEqual(placeAt(-0.1, 1.2, [7, 7]), { row: 6, column: 0 });
});
