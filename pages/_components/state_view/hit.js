// What lies under the pointer. Pure: a point inside the scrolled content in, a character or a unit out.

import { lineOf } from "./layout.js";

// Character at (x, y); beyond a line's end its last character, above the text the first, below it the last.
export function characterAt(x, y, sizes, starts) {
  const lines = starts.length - 1;
  const line = Math.floor(y / sizes.line);
  if (line < 0) return 0;
  if (line >= lines) return starts[lines] - 1;
  const column = Math.max(0, Math.floor(x / sizes.cell));
  return Math.min(starts[line] + column, starts[line + 1] - 1);
}

// Top left corner of a character's cell.
export function placeOf(index, sizes, starts) {
  const line = lineOf(starts, index);
  return { x: (index - starts[line]) * sizes.cell, y: line * sizes.line, line };
}

// Unit and character at (x, y) of the map, or null beside it.
export function cellAt(x, y, map, figure) {
  const row = Math.floor(y / map.row);
  const index = Math.floor(x / map.column);
  if (row < 0 || row >= figure.units || index < 0 || index >= figure.time) return null;
  return { unit: figure.order[row], row, index };
}
