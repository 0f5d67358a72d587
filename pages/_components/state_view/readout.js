// The lines under the text, and the sentences for screen readers. All text is set through textContent.

import { LIKELY } from "./layout.js";
import { beyond, bits, chance, count, inWords, plain, spoken, two } from "./words.js";
import { valueAt } from "./map.js";
import { inputsAt, stamp } from "./inputs.js";

function element(tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

export function shown(view, value) {
  return view.figure.scale.kind === "sequential" ? plain(value) : two(value);
}

export function writeReadout(view) {
  const { figure, choice, part } = view;
  const at = choice.cursor;
  const here = figure.alphabet[figure.ids[at]];
  const value = shown(view, valueAt(view, choice.unit, at));
  part(".sign").textContent = here.sign;
  const read = figure.rows ? inputsAt(view, at) : [here.name];
  const named = [...read, `${figure.noun} ${count(figure.start + at + 1)}`, stamp(figure, at)].filter(Boolean).join(" \u00b7 ");
  part(".name").textContent = `${named}${selected(view)}`;
  part(".value").textContent = `unit ${choice.unit}: ${figure.quantity} ${value}`;
  const next = at + 1 < figure.time ? figure.alphabet[figure.ids[at + 1]] : null;
  writeGuesses(view, next);
  writeCame(view, next);
  const heardHere = figure.rows ? [...read, stamp(figure, at)].filter(Boolean).join(", ") : spoken(here);
  say(view, `${heardHere}, ${figure.noun} ${figure.start + at + 1}. Unit ${choice.unit}, ${value}.${heard(view, next)}`);
}

function selected({ choice, figure }) {
  if (!choice.selection) return "";
  const [from, to] = choice.selection;
  return ` \u00b7 ${count(to - from)} selected (${count(figure.start + from + 1)} to ${count(figure.start + to)})`;
}

function writeGuesses({ figure, choice, part }, next) {
  const box = part(".guesses");
  if (!figure.next_p) return box.replaceChildren();
  const first = choice.cursor * LIKELY;
  let other = 1;
  const guesses = [...figure.next_p.subarray(first, first + LIKELY)].map((p, rank) => {
    const character = figure.alphabet[figure.next_ids[first + rank]];
    const guess = element("span", "", next && character.token === next.token ? "guess true" : "guess");
    guess.append(element("b", character.sign), chance(p));
    if (character.name) guess.title = character.name;
    other -= p;
    return guess;
  });
  box.replaceChildren(element("span", "next"), ...guesses, element("span", `others ${chance(Math.max(0, other))}`));
}

function writeCame({ figure, choice, part }, next) {
  const box = part(".came");
  if (!next || figure.rows) return box.replaceChildren();
  const cost = figure.bits ? figure.bits[choice.cursor + 1] : NaN;
  box.replaceChildren(`actual next ${figure.noun}`, element("b", next.sign), Number.isFinite(cost) ? `surprise ${bits(cost)}` : "");
}

function heard({ figure, choice }, next) {
  if (!figure.next_p || !next) return "";
  const first = choice.cursor * LIKELY;
  const likeliest = figure.alphabet[figure.next_ids[first]];
  const cost = figure.bits ? figure.bits[choice.cursor + 1] : NaN;
  const surprise = Number.isFinite(cost) ? `, surprise ${bits(cost)}` : "";
  return ` Most likely next: ${spoken(likeliest)}, ${chance(figure.next_p[first])}. Actual next: ${spoken(next)}${surprise}.`;
}

// Spoken once the cursor rests, not at every step.
function say(view, sentence) {
  clearTimeout(view.saying);
  view.saying = setTimeout(() => {
    view.part(".live").textContent = sentence;
    view.part(".heard").textContent = whole(view);
  }, 250);
}

// The chosen unit over the whole text in words, as its text alternative.
function whole(view) {
  const { figure, choice } = view;
  const { scale } = figure;
  const limit = scale.kind === "sequential" ? 0.9 * scale.high : scale.kind === "symlog" ? 1 : scale.high / 2;
  const values = Array.from({ length: figure.time }, (_, at) => valueAt(view, choice.unit, at));
  const ranges = beyond(values, limit);
  const read = (from, to) => {
    if (figure.rows) return [...new Set([stamp(figure, from), stamp(figure, to - 1)])].filter(Boolean).join(" to ");
    const signs = [...figure.ids.slice(from, Math.min(to, from + 24))].map((id) => figure.alphabet[id].sign).join(["character", "byte"].includes(figure.noun) ? "" : " ");
    return to - from > 24 ? `${signs} ...` : signs;
  };
  const sides = scale.kind === "sequential" ? [["above", 1]] : [["above", 1], ["below", -1]];
  const parts = sides.map(([word, side]) => `${word} ${plain(side * limit)} ${inWords(ranges, side, figure.start, read)}`);
  return `Unit ${choice.unit}, ${figure.quantity}, over all ${count(figure.time)} ${figure.noun}s: ${parts.join("; ")}.`;
}

export function writeHover(view) {
  const { hover, figure, part } = view;
  if (!hover) return (part(".hover").textContent = "");
  const character = figure.alphabet[figure.ids[hover.index]];
  const name = figure.rows ? [stamp(figure, hover.index), ...inputsAt(view, hover.index)].filter(Boolean).join(", ") : character.name || `\u201c${character.sign}\u201d`;
  const value = shown(view, valueAt(view, hover.unit, hover.index));
  part(".hover").textContent = `unit ${hover.unit} at ${figure.noun} ${count(figure.start + hover.index + 1)}, ${name}: ${value}`;
  return undefined;
}

export function writeLegend(view) {
  const { figure, part, theme } = view;
  const { scale } = figure;
  const canvas = part(".legend canvas");
  [canvas.width, canvas.height] = [256, 1];
  const image = new ImageData(256, 1);
  new Uint32Array(image.data.buffer).set(theme.palette.words);
  canvas.getContext("2d").putImageData(image, 0, 0);
  const print = scale.kind === "sequential" ? plain : (v) => (v ? two(v).replace(/\.0$/, "") : "0");
  const ticks = scale.ticks.map((value) => {
    const tick = element("span", value === 0 || value === 1 ? String(value) : print(value));
    tick.style.left = `${(100 * (value - scale.low)) / (scale.high - scale.low)}%`;
    return tick;
  });
  part(".ticks").replaceChildren(...ticks);
  part(".says").textContent = scale.says;
  const kind = scale.kind === "symlog" ? "logarithmic beyond 1, " : "";
  part(".legend").setAttribute("aria-label", `colours of ${figure.quantity}: ${scale.ticks.map(print).join(", ")}; ${kind}${scale.says}`);
}
