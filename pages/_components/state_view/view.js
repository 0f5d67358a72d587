// The component: one view for each place on the page; connects events, choice and drawing.

import { asked, carried, reported } from "./choice.js";
import { columnsOf, inSight, leftOut, mapSizes, metrics, placeOf, reveal, spans, textHeight, wrap } from "./layout.js";
import { paintText } from "./text.js";
import { LANES, lanesHeight, lanesOf, paintInputs } from "./inputs.js";
import { paintLine, paintMap, paintOverview } from "./map.js";
import { writeHover, writeLegend, writeReadout } from "./readout.js";
import { shelf } from "./figure.js";
import { readTheme } from "./colour.js";
import { listen, writeKeys } from "./events.js";

const VIEWS = new WeakMap();
const QUIET = 300; // milliseconds without a change before it is sent to Python

export default function component({ data, parentElement, setStateValue }) {
  const view = VIEWS.get(parentElement) ?? create(parentElement);
  VIEWS.set(parentElement, view);
  view.send = setStateValue;
  view.data = data;
  receive(view);
  return () => destroy(view);
}

function create(parent) {
  const part = (selector) => parent.querySelector(selector);
  const view = { parent, part, figure: null, asked: 0, sign: 1, choice: null, hover: null, zoom: 1 };
  view.root = part(".view");
  [view.text, view.textCanvas] = [part(".text"), part(".text canvas")];
  [view.window, view.mapCanvas] = [part(".window"), part(".window canvas")];
  [view.overview, view.lineCanvas] = [part(".overview"), part(".line")];
  view.layers = {};
  for (const name of ["glyphs", "inks", "guesses", "map", "small", "narrow"]) view.layers[name] = document.createElement("canvas");
  view.wake = () => receive(view);
  shelf().waiting.add(view.wake);
  view.watch = new ResizeObserver(() => view.figure && resize(view) && paint(view));
  view.watch.observe(view.root);
  view.change = (changes) => change(view, changes);
  view.paint = () => paint(view);
  view.stretch = (zoom) => stretch(view, zoom);
  listen(view);
  return view;
}

function destroy(view) {
  shelf().waiting.delete(view.wake);
  view.watch.disconnect();
  clearInterval(view.playing);
  clearTimeout(view.telling);
  VIEWS.delete(view.parent);
}

// New data or theme: another figure is taken over with the choice kept; a choice is taken from Python only if it asks anew.
function receive(view) {
  const figure = shelf().figures.get(view.data.digest);
  if (!figure) return;
  if (view.figure !== figure) {
    if (view.choice) view.choice = carried(view.choice, view.figure, figure);
    [view.figure, view.digest, view.zoom] = [figure, view.data.digest, 1];
    view.hover = null;
  }
  const isAsked = view.data.asked > view.asked;
  if (isAsked) {
    clearTimeout(view.telling);
    view.asked = view.data.asked;
    view.choice = asked(view.data, figure);
  }
  dress(view);
  resize(view);
  if (isAsked) show(view, true);
  label(view);
  paint(view);
}

// Colours, sign and buttons after the looks or the theme changed.
function dress(view) {
  view.root.classList.toggle("alone", Boolean(view.data.line));
  view.theme = readTheme(view.root, view.figure, view.choice.looks);
  const flips = view.choice.looks.includes("flip") && view.figure.scale.kind !== "sequential";
  view.sign = flips ? -1 : 1;
  for (const button of view.root.querySelectorAll("[data-look]")) {
    button.setAttribute("aria-pressed", view.choice.looks.includes(button.dataset.look));
  }
  view.part('[data-look="flip"]').hidden = view.figure.scale.kind === "sequential";
  view.part('[data-look="next"]').hidden = !view.figure.next_p;
  writeLegend(view);
}

function resize(view) {
  const { figure, choice } = view;
  view.width = Math.floor(view.text.clientWidth);
  if (!view.width) return false;
  view.sizes = metrics(view.width, choice.looks.includes("next") && Boolean(figure.next_p));
  view.mapWidth = view.root.clientWidth;
  view.map = mapSizes(view.mapWidth, figure.time, figure.units, globalThis.innerHeight, figure.rows ? view.zoom : 0);
  const whole = figure.rows ? arrangeInputs(view) : arrangeText(view);
  view.text.style.height = `${view.textHeight}px`;
  view.part(".text .sizer").style.height = `${whole}px`;
  const scrolls = view.map.full.width > view.mapWidth;
  view.window.style.height = `${view.map.height + (scrolls ? 10 : 0)}px`;
  Object.assign(view.part(".window .sizer").style, { width: `${view.map.full.width}px`, height: `${view.map.full.height}px` });
  return true;
}

// Lines of the text; returns the height of all of them.
function arrangeText(view) {
  const { figure, sizes } = view;
  view.spans = spans(figure, sizes.columns, sizes.below > 0);
  view.starts = wrap(figure.breaks, sizes.columns, view.spans);
  view.columns = columnsOf(view.spans, view.starts);
  view.textHeight = textHeight(view.starts.length - 1, sizes, globalThis.innerHeight);
  return (view.starts.length - 1) * sizes.line;
}

// Lanes of the numbers; returns the height of all of them with the axis.
function arrangeInputs(view) {
  const many = lanesOf(view).length;
  view.sizes.line = LANES.lane;
  view.starts = new Int32Array(many + 1);
  view.textHeight = lanesHeight(many, view.sizes.narrow, globalThis.innerHeight);
  return many * LANES.lane + LANES.axis;
}

// Another number of steps in the width, with the cursor in sight.
function stretch(view, zoom) {
  view.zoom = zoom;
  resize(view);
  view.window.scrollLeft = (view.choice.cursor + 0.5) * view.map.column - view.mapWidth / 2;
  show(view);
  paint(view);
}

function label(view) {
  const { figure, part } = view;
  part("#unit").max = figure.units - 1;
  part(".of").textContent = `of ${figure.units}`;
  part(".order").textContent = `all ${figure.units} units, ${figure.order_name}`;
  part(".extent").textContent = `${figure.time.toLocaleString("en-GB")} ${figure.noun}${figure.time === 1 ? "" : "s"} \u2192`;
  writeKeys(view);
  part('[data-look="next"]').textContent = `next ${figure.noun}s`;
  labelInputs(view);
  view.text.setAttribute("aria-label", `${figure.rows ? "inputs" : "text"}; the left and right keys move the cursor, up and down choose a unit, question mark lists all keys`);
  view.window.setAttribute("aria-label", `map of all ${figure.units} units; the same keys as in the text`);
  view.textCanvas.setAttribute("aria-label", figure.alt);
  view.mapCanvas.setAttribute("aria-label", `one row per unit, one column per ${figure.noun}, ${figure.order_name}`);
}

// The list of inputs, where there is more than one.
function labelInputs({ figure, part, root }) {
  root.classList.toggle("numbers", Boolean(figure.rows));
  part(".inputs").hidden = !figure.rows;
  const names = figure.rows?.names ?? [];
  part("#inputs").hidden = names.length < 2;
  part("#inputs").replaceChildren(new Option("all inputs", ""), ...names.map((name, index) => new Option(`${name} alone`, index)));
}

// A change of choice: painted at once, sent to Python after a pause.
function change(view, changes) {
  const started = performance.now();
  const looks = (changes.looks && changes.looks !== view.choice.looks) || ("alone" in changes && changes.alone !== view.choice.alone);
  const unit = "unit" in changes && changes.unit !== view.choice.unit;
  view.choice = { ...view.choice, ...changes };
  if (looks) {
    dress(view);
    resize(view);
  }
  if (unit || "cursor" in changes || looks) show(view);
  paint(view);
  if (unit) measure(view, started);
  clearTimeout(view.telling);
  view.telling = setTimeout(() => view.send("choice", { ...reported(view.choice, view.figure), asked: view.asked }), QUIET);
}

function measure(view, started) {
  const took = performance.now() - started;
  performance.measure("state-view repaint", { start: started, duration: took });
  view.root.dataset.repaintMs = took.toFixed(2);
}

// Scrolls so that cursor and unit are in sight; the unit in the middle where Python asked for it.
function show(view, centred = false) {
  if (!view.sizes) return;
  const { map, choice, figure, sizes } = view;
  if (!figure.rows) {
    const { y } = placeOf(choice.cursor, sizes, view.starts, view.columns);
    view.text.scrollTop = reveal(view.text.scrollTop, view.textHeight, y, y + sizes.line);
  }
  const row = figure.rank[choice.unit] * map.row;
  const margin = centred ? (map.height - map.row) / 2 : 3 * map.row;
  view.window.scrollTop = reveal(view.window.scrollTop, map.height, row - margin, row + map.row + margin);
  const x = choice.cursor * map.column;
  view.window.scrollLeft = reveal(view.window.scrollLeft, view.mapWidth, x - 8 * map.column, x + 9 * map.column);
}

function paint(view) {
  if (!view.sizes) return;
  if (view.figure.rows) paintInputs(view);
  else paintText(view);
  paintMap(view);
  paintLine(view);
  paintOverview(view);
  writeReadout(view);
  writeHover(view);
  const { choice, figure } = view;
  view.lineCanvas.setAttribute("aria-label", `unit ${choice.unit} over time, ${figure.quantity}`);
  const box = view.part("#unit");
  if (view.parent.activeElement !== box || Number(box.value) !== choice.unit) box.value = choice.unit;
  view.part("#inputs").value = choice.alone ?? "";
  const [first, last] = inSight(view.text.scrollTop, view.textHeight, view.sizes.line, view.starts.length - 1);
  writeMore(view, first, last);
  Object.assign(view.root.dataset, { unit: choice.unit, cursor: choice.cursor + figure.start, lines: `${first}-${last}`, digest: view.digest });
}

// The text's window fades where lines follow, and says how many there are.
function writeMore(view, first, last) {
  const lines = view.starts.length - 1;
  const more = view.part(".more");
  more.textContent = view.figure.rows ? "" : leftOut(first, last, lines);
  more.hidden = !more.textContent;
  view.text.classList.toggle("cut", !view.figure.rows && last + 1 < lines);
}
