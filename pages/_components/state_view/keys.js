// Which key does what. Pure: a key in, an action out; null leaves the key to the browser.

export const LIST = [
  ["\u2190 \u2192", "move along the text"],
  ["\u2191 \u2193", "the unit above or below in the map"],
  ["Shift + arrows", "select a range of the text"],
  ["tap, then hold elsewhere", "select the range between, on a touch screen"],
  ["swipe", "the next unit of the map, on a touch screen"],
  ["Home, End", "first and last character"],
  ["Page Up, Page Down", "several lines up or down"],
  ["Space", "play, six characters a second; again to stop"],
  ["n", "five likely next characters under each character"],
  ["l", "lecture colours (green and blue)"],
  ["f", "flip the sign"],
  ["?", "this list"],
  ["Escape", "stop playing, close, clear the selection"],
];

const MOVES = {
  ArrowLeft: ["character", -1], ArrowRight: ["character", 1],
  Home: ["edge", -1], End: ["edge", 1],
  PageUp: ["page", -1], PageDown: ["page", 1],
};
const SWITCHES = { n: "next", l: "lecture", f: "flip" };

export function action({ key, shiftKey = false, ctrlKey = false, metaKey = false, altKey = false }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (MOVES[key]) return { do: "move", what: MOVES[key][0], by: MOVES[key][1], select: shiftKey };
  if (key === "ArrowUp" || key === "ArrowDown") {
    const by = key === "ArrowUp" ? -1 : 1;
    return shiftKey ? { do: "move", what: "line", by, select: true } : { do: "unit", by };
  }
  if (key === " ") return { do: "play" };
  if (key === "?") return { do: "help" };
  if (key === "Escape") return { do: "escape" };
  return SWITCHES[key] ? { do: "look", look: SWITCHES[key] } : null;
}
