// Long texts: only the lines in sight are painted, and moving keeps the cursor in sight. Pure.

import { lineOf } from "./layout.js";

// First and last line that show, one beyond each edge left out.
export function inSight(scroll, height, line, lines) {
  const first = Math.max(0, Math.floor(scroll / line));
  const last = Math.min(lines - 1, Math.ceil((scroll + height) / line) - 1);
  return [first, Math.max(first, last)];
}

// The scroll position that shows [from, to], moved as little as possible.
export function reveal(scroll, height, from, to) {
  if (from < scroll) return Math.max(0, from);
  if (to > scroll + height) return Math.max(0, Math.min(from, to - height));
  return scroll;
}

// The character `by` lines further down (up if negative), in the same column where the line is long enough.
export function moveLines(index, by, starts) {
  const lines = starts.length - 1;
  const from = lineOf(starts, index);
  const to = Math.min(lines - 1, Math.max(0, from + by));
  return Math.min(starts[to] + index - starts[from], starts[to + 1] - 1);
}
