// A matrix as two arrows, dragged or moved with the arrow keys. The ellipse follows at once, the page after a pause.

const VIEWS = new WeakMap();
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const NAMES = ["first", "second"];
const HALF = 1.75; // of the side of the picture
const QUIET = 250; // milliseconds after a key before it is sent to Python

export default function component({ data, parentElement, setTriggerValue }) {
  const view = VIEWS.get(parentElement) ?? create(parentElement);
  VIEWS.set(parentElement, view);
  Object.assign(view, { data, send: () => setTriggerValue("columns", view.columns) });
  // What arrives while a hand is at work tells of a moment ago.
  if (view.held === null && !view.telling) view.columns = data.columns;
  paint(view);
  return () => {
    clearTimeout(view.telling);
    VIEWS.delete(parentElement);
  };
}

function create(parent) {
  const view = { svg: parent.querySelector("svg"), readout: parent.querySelector(".readout"), held: null, telling: null };
  view.handles = [...view.svg.querySelectorAll(".handle")];
  for (const [which, handle] of view.handles.entries()) {
    handle.addEventListener("pointerdown", (event) => hold(view, which, event));
    handle.addEventListener("pointermove", (event) => view.held === which && move(view, which, placed(view.svg, event)));
    for (const name of ["pointerup", "pointercancel"]) handle.addEventListener(name, () => release(view));
    handle.addEventListener("keydown", (event) => key(view, which, event));
  }
  return view;
}

function hold(view, which, event) {
  view.held = which;
  view.handles[which].setPointerCapture(event.pointerId);
  view.handles[which].focus({ preventScroll: true });
  event.preventDefault();
}

function release(view) {
  if (view.held === null) return;
  view.held = null;
  view.send();
}

function move(view, which, tip) {
  view.columns = view.columns.map((column, index) => (index === which ? tip.map((value) => snapped(value, view.data)) : column));
  paint(view);
}

function key(view, which, event) {
  if (!(event.key in KEYS)) return;
  const column = view.columns[which];
  move(view, which, KEYS[event.key].map((sign, axis) => column[axis] + sign * view.data.step));
  event.preventDefault();
  event.stopPropagation();
  clearTimeout(view.telling);
  view.telling = setTimeout(() => ((view.telling = null), view.send()), QUIET);
}

// Where in the plane a pointer is.
function placed(svg, event) {
  const box = svg.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width - 0.5) * 2 * HALF, (0.5 - (event.clientY - box.top) / box.height) * 2 * HALF];
}

export function snapped(value, { most, step }) {
  return Number(Math.min(most, Math.max(-most, Math.round(value / step) * step)).toFixed(2));
}

// Where the points of the unit circle go, as the path of an SVG, whose second axis points down.
export function ellipse([first, second], points = 72) {
  const at = (n) => [Math.cos((2 * Math.PI * n) / points), Math.sin((2 * Math.PI * n) / points)];
  const image = ([x, y]) => [first[0] * x + second[0] * y, -(first[1] * x + second[1] * y)];
  return `M${Array.from({ length: points }, (_, n) => image(at(n)).map((value) => value.toFixed(4)).join(" ")).join("L")}Z`;
}

function paint(view) {
  view.svg.querySelector(".ellipse").setAttribute("d", ellipse(view.columns));
  for (const [which, handle] of view.handles.entries()) {
    const [x, y] = view.columns[which];
    const direction = `${x.toFixed(2)} to the right, ${y.toFixed(2)} up`;
    const said = { label: `${NAMES[which]} column, arrow keys move it`, valuemin: -view.data.most, valuemax: view.data.most, valuenow: x, valuetext: direction };
    for (const [name, value] of Object.entries(said)) handle.setAttribute(`aria-${name}`, value);
    const line = handle.querySelector("line");
    for (const [name, value] of Object.entries({ x1: 0, y1: 0, x2: x, y2: -y })) line.setAttribute(name, value);
    for (const circle of handle.querySelectorAll("circle")) for (const [name, value] of [["cx", x], ["cy", -y]]) circle.setAttribute(name, value);
  }
  const shown = view.columns.map((column) => `(${column.map((value) => value.toFixed(2)).join(", ")})`);
  view.readout.textContent = `Drag an arrow: columns ${shown.join(" and ")}`;
}
