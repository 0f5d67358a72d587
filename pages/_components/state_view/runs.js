// Where a unit is far from rest, as ranges and as words: the text alternative of the colours. Pure.

const MOST = 12; // ranges that are read out

// Ranges [from, to) in which every value is beyond the limit on one side.
export function beyond(values, limit) {
  const ranges = [];
  values.forEach((value, at) => {
    const side = value > limit ? 1 : value < -limit ? -1 : 0;
    const last = ranges[ranges.length - 1];
    if (last && last.side === side && last.to === at) last.to = at + 1;
    else if (side) ranges.push({ from: at, to: at + 1, side });
  });
  return ranges;
}

// One sentence a side: the longest ranges, in the order of the text.
export function inWords(ranges, side, start, read) {
  const own = ranges.filter((range) => range.side === side);
  if (!own.length) return "nowhere";
  const longest = [...own].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST);
  const spans = longest.sort((a, b) => a.from - b.from).map(({ from, to }) => {
    return `${to - from > 1 ? `${start + from + 1} to ${start + to}` : start + from + 1} (${read(from, to)})`;
  });
  const more = own.length > MOST ? ` and ${own.length - MOST} shorter ones` : "";
  return `at ${spans.join(", ")}${more}`;
}
