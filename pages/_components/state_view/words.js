// Numbers, characters and ranges of values as words: two significant digits, names for invisible characters. Pure functions.

export function two(value) {
  const size = Math.abs(value);
  if (size < 5e-5) return "0.00";
  const text = size >= 100 ? String(Math.round(size)) : size >= 1 ? size.toFixed(size >= 10 ? 0 : 1) : small(size);
  return (value < 0 ? "\u2212" : "+") + text;
}

// Below 1: two digits after the leading zeros. 0.999 stays below 1.
function small(size) {
  const digits = 1 - Math.floor(Math.log10(size));
  const rounded = size.toFixed(Math.min(digits, 6));
  return Number(rounded) >= 1 ? "0.99" : rounded;
}

// A probability as the house prints it: ".90", "<.01", "1.0".
export function chance(p) {
  if (p < 0.005) return "<.01";
  return p >= 0.995 ? "1.0" : p.toFixed(2).slice(1);
}

// Value of a gate or an end of a scale: no plus sign.
export function plain(value) {
  return two(value).replace("+", "");
}

// A character as it is spoken: its name, or itself.
export function spoken(character) {
  return character.name || character.token;
}

export function count(amount) {
  return amount.toLocaleString("en-GB");
}

export function bits(value) {
  return `${value < 0.095 ? value.toFixed(2) : value >= 9.95 ? value.toFixed(0) : Number(value.toPrecision(2))} bits`;
}

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
    const what = read(from, to);
    return `${to - from > 1 ? `${start + from + 1} to ${start + to}` : start + from + 1}${what ? ` (${what})` : ""}`;
  });
  const more = own.length > MOST ? ` and ${own.length - MOST} shorter ones` : "";
  return `at ${spans.join(", ")}${more}`;
}
