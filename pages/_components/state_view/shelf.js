// Where figures wait for the views that show them, one place for the whole page.

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
