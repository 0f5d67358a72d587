// The region of a click, by hand; models/captioning/images.py's cell_at says the same.
import assert from "node:assert/strict";
import test from "node:test";
import { moved, placeAt } from "../../pages/_components/picture_view/view.js";

test("a click belongs to the cell it lies in, and one at the edge to the last", () => {
  assert.deepEqual(placeAt(0, 0, [14, 14]), { row: 0, column: 0 });
  assert.deepEqual(placeAt(0.5, 0.26, [7, 2]), { row: 1, column: 1 });
  assert.deepEqual(placeAt(0.4999, 0.99, [7, 2]), { row: 6, column: 0 });
  assert.deepEqual(placeAt(1, 1, [7, 7]), { row: 6, column: 6 });
  assert.deepEqual(placeAt(-0.1, 1.2, [7, 7]), { row: 6, column: 0 });
});

test("the arrow keys move over the regions and stop at the edge", () => {
  assert.deepEqual(moved({ row: 2, column: 3 }, [1, 0], [7, 7]), { row: 3, column: 3 });
  assert.deepEqual(moved({ row: 0, column: 6 }, [0, 1], [7, 7]), { row: 0, column: 6 });
  assert.deepEqual(moved({ row: 13, column: 13 }, [0, 0], [7, 5]), { row: 6, column: 4 }); // another network, a coarser grid
});
