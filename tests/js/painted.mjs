// What the state view draws, as the calls that its canvases get: for a figure that Python wrote and a choice, printed as JSON.
// node painted.mjs FIGURE CHOICE: {unit, cursor, selection, looks, dark}. Python's picture of the same figure is held against it.
import { readFileSync } from "node:fs";
import { palette } from "../../pages/_components/state_view/colour.js";
import { decode } from "../../pages/_components/state_view/figure.js";
import { columnsOf, mapSizes, metrics, spans as spansOf, wrap } from "../../pages/_components/state_view/layout.js";
import { paintLine, paintMap, valueAt } from "../../pages/_components/state_view/map.js";
import { LANES, lanesOf, paintInputs } from "../../pages/_components/state_view/inputs.js";
import { paintText } from "../../pages/_components/state_view/text.js";
import { bits, chance } from "../../pages/_components/state_view/words.js";
import { shown } from "../../pages/_components/state_view/readout.js";

const WIDTH = 1000; // a hundred characters

function canvas() {
  const drawn = { rects: [], texts: [], frames: [], lines: [], pixels: null };
  const context = {
    fillRect: (...box) => drawn.rects.push([...box, context.fillStyle]),
    fillText: (text, x, y) => drawn.texts.push([text, x, y, context.fillStyle, context.globalAlpha]),
    strokeRect: (...box) => drawn.frames.push([...box, context.strokeStyle, context.lineWidth]),
    putImageData: (image) => (drawn.pixels = [...new Uint32Array(image.data.buffer)]),
    lineTo: (x, y) => drawn.lines.at(-1).push([x, y]),
    moveTo: (x, y) => drawn.lines.push([[x, y]]),
    measureText: () => ({ width: 0 }),
    globalAlpha: 1,
  };
  for (const name of ["setTransform", "clearRect", "drawImage", "stroke", "save", "restore", "clip", "rect", "arc", "fill"]) context[name] = () => {};
  context.beginPath = () => drawn.lines.push([]);
  return { drawn, getContext: () => context };
}

globalThis.ImageData = class {
  constructor(width, height) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
};

const figure = decode(new Uint8Array(readFileSync(process.argv[2])));
const { dark, ...asked } = JSON.parse(process.argv[3]);
const choice = { alone: null, ...asked, cursor: asked.cursor - figure.start, selection: asked.selection?.map((at) => at - figure.start) ?? null };
const name = `${dark ? "dark" : "light"}${choice.looks.includes("lecture") ? " lecture" : ""}`;
const sizes = metrics(WIDTH, choice.looks.includes("next"));
const spans = spansOf(figure, sizes.columns, sizes.below > 0);
const starts = wrap(figure.breaks, sizes.columns, spans);
const view = {
  figure, choice, sizes, spans, starts, columns: columnsOf(spans, starts), width: WIDTH, mapWidth: WIDTH, map: mapSizes(WIDTH, figure.time, figure.units), hover: null,
  sign: choice.looks.includes("flip") && figure.scale.kind !== "sequential" ? -1 : 1,
  textHeight: (starts.length - 1) * sizes.line,
  text: { scrollTop: 0 }, window: { scrollLeft: 0, scrollTop: 0 },
  textCanvas: canvas(), mapCanvas: canvas(), lineCanvas: canvas(),
  layers: Object.fromEntries(["glyphs", "inks", "guesses", "map", "narrow"].map((layer) => [layer, canvas()])),
  theme: { name, palette: palette(figure.scale.stops[name]), likely: palette(figure.scale.likely[name]), text: "text", primary: "primary", ground: "ground" },
};
if (figure.rows) {
  view.map = mapSizes(WIDTH, figure.time, figure.units, Infinity, 1);
  view.textHeight = lanesOf(view).length * LANES.lane + LANES.axis;
  paintInputs(view);
} else paintText(view);
paintLine(view);
paintMap(view);
const parts = { ...view.layers, text: view.textCanvas, line: view.lineCanvas, window: view.mapCanvas };
const drawn = Object.fromEntries(Object.entries(parts).map(([part, { drawn }]) => [part, drawn]));
const next = choice.cursor + 1 < figure.time && figure.bits ? bits(figure.bits[choice.cursor + 1]) : "";
const said = figure.rows ? [] : [shown(view, valueAt(view, choice.unit, choice.cursor)), next, ...(figure.next_p ?? []).slice(5 * choice.cursor, 5 * choice.cursor + 5)];
console.log(JSON.stringify({ sizes, drawn, said: said.map((word) => (typeof word === "number" ? chance(word) : word)) }));
