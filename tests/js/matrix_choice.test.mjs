// The matrix as arrows: numbers stay on their steps and within their limits, and the circle goes where the matrix sends it.
import assert from "node:assert/strict";
import test from "node:test";
import { ellipse, snapped } from "../../pages/_components/matrix_choice/view.js";

test("a number is put on the nearest step, within its limits", () => {
  const limits = { most: 1.5, step: 0.05 };
  assert.deepEqual([0.123, -0.77, 9, -9, 0.1 + 0.2].map((value) => snapped(value, limits)), [0.1, -0.75, 1.5, -1.5, 0.3]);
});

test("the ellipse is the image of the circle, up pointing down in the picture", () => {
  assert.equal(ellipse([[2, 0.5], [-1, 3]], 4), "M2.0000 -0.5000L-1.0000 -3.0000L-2.0000 0.5000L1.0000 3.0000Z");
});
