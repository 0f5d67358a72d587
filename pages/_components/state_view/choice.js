// The choice (unit, cursor, selection, looks), how it changes, and which key changes it. Pure functions: a choice in, a new one out.

export const LOOKS = ["next", "lecture", "flip"];

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// What Python asks for, brought into the figure. `cursor` and `selection` are places in the whole text there, in the window here.
export function asked(data, figure) {
  const cursor = clamp((data.cursor ?? figure.start) - figure.start, 0, figure.time - 1);
  const inside = (data.selection ?? []).map((at) => clamp(at - figure.start, 0, figure.time));
  return {
    unit: clamp(data.unit, 0, figure.units - 1),
    cursor,
    selection: inside.length === 2 && inside[1] > inside[0] ? inside : null,
    looks: LOOKS.filter((look) => (data.looks ?? []).includes(look)),
    alone: lone(data.alone ?? null, figure),
  };
}

// The input that is drawn alone, if there is such a one; null for all.
function lone(input, figure) {
  return input !== null && input >= 0 && input < (figure.rows?.names.length ?? 0) ? input : null;
}

// One input alone, then the next one, then all again.
export function nextAlone(alone, figure) {
  const many = figure.rows?.names.length ?? 0;
  return many < 2 || alone === many - 1 ? null : (alone ?? -1) + 1;
}

// The same choice in another figure: nothing is lost that still exists there.
export function carried(choice, before, figure) {
  const position = choice.cursor + before.start - figure.start;
  return {
    ...choice,
    unit: clamp(choice.unit, 0, figure.units - 1),
    cursor: clamp(position, 0, figure.time - 1),
    selection: sameText(before, figure) ? choice.selection : null,
    alone: before.rows?.names.join() === figure.rows?.names.join() ? choice.alone : null,
  };
}

export function sameText(one, other) {
  if (one.start !== other.start || one.time !== other.time) return false;
  return one.ids.every((id, i) => one.alphabet[id].token === other.alphabet[other.ids[i]].token);
}

// The unit `by` rows further down the map.
export function neighbour(unit, by, figure) {
  return figure.order[clamp(figure.rank[unit] + by, 0, figure.units - 1)];
}

// Selecting by keyboard: the range between where it began and the cursor, both included.
export function between(anchor, cursor) {
  return [Math.min(anchor, cursor), Math.max(anchor, cursor) + 1];
}

export function toggled(looks, look) {
  return looks.includes(look) ? looks.filter((l) => l !== look) : LOOKS.filter((l) => l === look || looks.includes(l));
}

// What Python is told: places in the whole text.
export function reported(choice, figure) {
  const selection = choice.selection && choice.selection.map((at) => at + figure.start);
  return { unit: choice.unit, cursor: choice.cursor + figure.start, selection, looks: choice.looks, alone: choice.alone };
}

// What the list of keys says for a figure whose rows are of this kind.
export function keys(noun) {
  const isStep = noun === "step";
  return [
    ["\u2190 \u2192", `move the cursor one ${noun}`],
    ["\u2191 \u2193", "previous or next unit of the map"],
    ["Shift + arrows", `select a range of ${noun}s`],
    ["tap, then hold elsewhere", "select the range between (touch screen)"],
    ["swipe", "next unit of the map (touch screen)"],
    ["Home, End", isStep ? "first and last step" : "beginning and end of the text"],
    ["Page Up, Page Down", isStep ? "a tenth of the width back or forth" : "several lines up or down"],
    ["Space", `play, six ${noun}s per second; again to stop`],
    ...(isStep ? OF_INPUTS : [["n", `show the five most likely next ${noun}s`]]),
    ["l", "lecture colours (green and blue)"],
    ["f", "flip the sign"],
    ["?", "show this list"],
    ["Escape", "stop playing, close, clear the selection"],
  ];
}

const OF_INPUTS = [["c", "show one input alone, then the next, then all"], ["+, \u2212", "fewer or more steps in the width"]];

const MOVES = {
  ArrowLeft: ["character", -1], ArrowRight: ["character", 1],
  Home: ["edge", -1], End: ["edge", 1],
  PageUp: ["page", -1], PageDown: ["page", 1],
};
const SWITCHES = { n: "next", l: "lecture", f: "flip" };

// What a key does; null leaves it to the browser.
export function action({ key, shiftKey = false, ctrlKey = false, metaKey = false, altKey = false }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (MOVES[key]) return { do: "move", what: MOVES[key][0], by: MOVES[key][1], select: shiftKey };
  if (key === "ArrowUp" || key === "ArrowDown") {
    const by = key === "ArrowUp" ? -1 : 1;
    return shiftKey ? { do: "move", what: "line", by, select: true } : { do: "unit", by };
  }
  if (key === "c") return { do: "alone" };
  if (key === "+" || key === "-") return { do: "zoom", by: key === "+" ? 2 : 0.5 };
  if (key === " ") return { do: "play" };
  if (key === "?") return { do: "help" };
  if (key === "Escape") return { do: "escape" };
  return SWITCHES[key] ? { do: "look", look: SWITCHES[key] } : null;
}
