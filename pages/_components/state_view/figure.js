// A figure: from the bytes that Python sends to typed arrays, and where it waits for the views that show it.
// See StateFigure.to_bytes for the other side.

const TYPES = { int16: Int16Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };

export function decode(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  // A copy, because typed arrays need a start at a multiple of their size and the message gives no such promise.
  const body = bytes.slice(4 + length).buffer;
  const figure = { ...header };
  for (const [name, entry] of Object.entries(header.arrays)) {
    const size = entry.shape.reduce((a, b) => a * b, 1);
    figure[name] = new TYPES[entry.type](body, entry.offset, size);
  }
  figure.rank = ranks(figure.order);
  figure.breaks = breaks(figure);
  return figure;
}

// Row of the map for each unit: the order undone.
export function ranks(order) {
  const rank = new Int32Array(order.length);
  order.forEach((unit, row) => (rank[unit] = row));
  return rank;
}

// One flag a character: whether a line ends after it.
export function breaks(figure) {
  const ends = figure.alphabet.map((c) => (c.token === "\n" ? 1 : 0));
  return Uint8Array.from(figure.ids, (id) => ends[id]);
}

export function rowOf(figure, unit) {
  return figure.plane.subarray(unit * figure.time, (unit + 1) * figure.time);
}

// Where figures wait, the same for the whole page.
export function shelf() {
  const name = Symbol.for("recurrent-explorer.figures");
  globalThis[name] ??= { figures: new Map(), holders: new Map(), waiting: new Set() };
  return globalThis[name];
}

// Lets a figure go once no carrier holds it any more.
export function release(digest) {
  const { figures, holders } = shelf();
  const left = (holders.get(digest) ?? 1) - 1;
  if (left > 0) return holders.set(digest, left);
  holders.delete(digest);
  return figures.delete(digest);
}

export function hold(digest, make) {
  const { figures, holders, waiting } = shelf();
  holders.set(digest, (holders.get(digest) ?? 0) + 1);
  if (!figures.has(digest)) figures.set(digest, make());
  waiting.forEach((wake) => wake());
}
