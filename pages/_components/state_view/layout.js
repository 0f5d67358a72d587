// Where things stand, what lies under the pointer, and which lines show. Pure: sizes in, places out, CSS pixels throughout.

export const LIKELY = 5;
const ASKED = 13; // columns that a likely next word may ask for
const NARROW = 600;
const LOW = 800; // pixels of a screen on which text, map and what follows them stand together only if both are small

// Sizes of a character's cell at this width; `next` makes room for the five likely next characters.
export function metrics(width, next = false) {
  const narrow = width < NARROW;
  const cell = narrow ? Math.max(10, Math.floor(width / 30)) : 10;
  const body = narrow ? 24 : 20;
  const below = next ? LIKELY * (narrow ? 17 : 15) + 6 : 0;
  return {
    narrow, cell, body, below,
    font: narrow ? 16 : 15,
    small: narrow ? 13 : 12,
    guess: narrow ? 17 : 15,
    bar: 2,
    top: 4,
    line: body + 9 + below,
    columns: Math.max(1, Math.floor(width / cell)),
  };
}

// Columns of each token: its letters and a blank (none after bytes), at most a line. Null for a text of characters, which take one each.
// With the likely next tokens below it, room for those too, up to a limit.
export function spans({ noun, alphabet, ids, next_ids }, columns, next = false) {
  if (noun === "character") return null;
  const blank = noun === "byte" ? 0 : 1;
  const wide = alphabet.map((token) => Math.min(columns, Math.max(1, token.columns) + blank));
  const below = (i) => Math.min(ASKED, Math.max(...next_ids.subarray(i * LIKELY, (i + 1) * LIKELY).map((id) => wide[id])));
  return Int32Array.from(ids, (id, i) => (next ? Math.max(wide[id], below(i)) : wide[id]));
}

// First token of each line, one entry more than there are lines. A line ends after a newline or when the next token has no room.
export function wrap(breaks, columns, spans = null) {
  const starts = [0];
  let used = 0;
  for (let i = 0; i < breaks.length; i++) {
    used += spans ? spans[i] : 1;
    const next = spans ? spans[i + 1] : 1;
    if ((breaks[i] || used + next > columns) && i + 1 < breaks.length) {
      starts.push(i + 1);
      used = 0;
    }
  }
  starts.push(breaks.length);
  return Int32Array.from(starts);
}

// Column at which each token begins in its line; null for characters, whose column is their place in the line.
export function columnsOf(spans, starts) {
  if (!spans) return null;
  const columns = new Int32Array(spans.length);
  for (let line = 0; line + 1 < starts.length; line++) {
    for (let i = starts[line] + 1; i < starts[line + 1]; i++) columns[i] = columns[i - 1] + spans[i - 1];
  }
  return columns;
}

// The token of a line that covers a column, or its last one.
function inLine(line, column, starts, columns) {
  const end = starts[line + 1] - 1;
  if (!columns) return Math.min(starts[line] + column, end);
  let index = starts[line];
  while (index < end && columns[index + 1] <= column) index += 1;
  return index;
}

export function lineOf(starts, index) {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Height of the text's window: as many lines as there are, up to a third of a small screen; with next characters, six lines.
export function textHeight(lines, sizes, screen = Infinity) {
  const most = sizes.below ? 6 * sizes.line : sizes.narrow ? 330 : screen < LOW ? 120 : 262;
  const whole = Math.max(1, Math.floor(most / sizes.line)) * sizes.line;
  return Math.min(lines * sizes.line, whole);
}

// Sizes of the map: rows of at least 2 px, columns of at least 2 px or the whole time in the width there is.
// With a zoom, which numbers have: the whole time in so many widths, however narrow a column becomes.
export function mapSizes(width, time, units, screen = Infinity, zoom = 0) {
  const narrow = width < NARROW;
  const low = !narrow && screen < LOW;
  const column = zoom ? Math.min((width / time) * zoom, 24) : width / time >= 1.5 ? Math.min(width / time, 24) : 2;
  const row = narrow ? Math.max(4, Math.min(24, Math.floor(160 / units))) : Math.max(2, Math.min(24, Math.floor(400 / units)));
  const full = { width: zoom === 1 ? Math.min(width, Math.ceil(column * time)) : Math.ceil(column * time), height: row * units };
  return { column, row, full, height: Math.min(full.height, narrow ? 160 : low ? 60 : 400), overview: low ? 32 : 60, line: low ? 40 : 52 };
}

// Character at (x, y); beyond a line's end its last character, above the text the first, below it the last.
export function characterAt(x, y, sizes, starts, columns = null) {
  const lines = starts.length - 1;
  const line = Math.floor(y / sizes.line);
  if (line < 0) return 0;
  if (line >= lines) return starts[lines] - 1;
  return inLine(line, Math.max(0, Math.floor(x / sizes.cell)), starts, columns);
}

// Top left corner of a character's cell.
export function placeOf(index, sizes, starts, columns = null) {
  const line = lineOf(starts, index);
  return { x: (columns ? columns[index] : index - starts[line]) * sizes.cell, y: line * sizes.line, line };
}

// Unit and character at (x, y) of the map, or null beside it.
export function cellAt(x, y, map, figure) {
  const row = Math.floor(y / map.row);
  const index = Math.floor(x / map.column);
  if (row < 0 || row >= figure.units || index < 0 || index >= figure.time) return null;
  return { unit: figure.order[row], row, index };
}

// First and last line that show, one beyond each edge left out.
export function inSight(scroll, height, line, lines) {
  const first = Math.max(0, Math.floor(scroll / line));
  const last = Math.min(lines - 1, Math.ceil((scroll + height) / line) - 1);
  return [first, Math.max(first, last)];
}

// What a window of the text leaves out, in words; empty if it shows all lines.
export function leftOut(first, last, lines) {
  return last - first + 1 < lines ? `lines ${first + 1} to ${last + 1} of ${lines}: scroll the text for the others` : "";
}

// The scroll position that shows [from, to], moved as little as possible.
export function reveal(scroll, height, from, to) {
  if (from < scroll) return Math.max(0, from);
  if (to > scroll + height) return Math.max(0, Math.min(from, to - height));
  return scroll;
}

// The character `by` lines further down (up if negative), in the same column where the line is long enough.
export function moveLines(index, by, starts, columns = null) {
  const lines = starts.length - 1;
  const from = lineOf(starts, index);
  const to = Math.min(lines - 1, Math.max(0, from + by));
  return inLine(to, columns ? columns[index] : index - starts[from], starts, columns);
}
