// Pointer and keyboard: every event becomes a change of the choice.

import { action, between, clamp, keys, neighbour, nextAlone, toggled } from "./choice.js";
import { cellAt, characterAt, moveLines } from "./layout.js";

const CLOSEST = 64; // times that a series is stretched
const STEP = 1000 / 6; // play: six characters per second
const SWIPE = 48;
const HOLD = 450; // milliseconds a finger rests before it selects

export function listen(view) {
  listenText(view);
  listenMap(view);
  listenBar(view);
  for (const scroller of [view.text, view.window]) {
    scroller.onkeydown = (event) => press(view, event);
    scroller.onscroll = () => later(view);
  }
}

// At most one painting per frame while scrolling and hovering.
function later(view) {
  if (view.pending || !view.figure) return;
  view.pending = requestAnimationFrame(() => {
    view.pending = 0;
    view.paint();
  });
}

function point(event, scroller) {
  const box = scroller.getBoundingClientRect();
  return [event.clientX - box.left + scroller.scrollLeft, event.clientY - box.top + scroller.scrollTop];
}

// The step of a series under the pointer, on the axis of the map.
function stepAt(view, event) {
  const x = event.clientX - view.text.getBoundingClientRect().left + view.window.scrollLeft;
  return clamp(Math.floor(x / view.map.column), 0, view.figure.time - 1);
}

// Drag with the mouse selects; a click or a tap moves the cursor; a finger that holds selects from the cursor to there;
// a swipe steps through the units.
function listenText(view) {
  const { text } = view;
  const at = (event) => (view.figure.rows ? stepAt(view, event) : characterAt(...point(event, text), view.sizes, view.starts, view.columns));
  text.onpointerdown = (event) => {
    if (event.button !== 0) return;
    view.press = { at: at(event), x: event.clientX, y: event.clientY, since: event.timeStamp, touch: event.pointerType === "touch" };
    if (!view.press.touch) text.setPointerCapture(event.pointerId);
  };
  text.onpointermove = (event) => {
    if (!view.press || view.press.touch) return;
    const to = at(event);
    if (to !== view.press.at || view.press.brushed) {
      view.press.brushed = true;
      view.change({ cursor: to, selection: between(view.press.at, to) });
    }
  };
  text.onpointerup = (event) => {
    const { press } = view;
    view.press = null;
    if (!press || press.brushed) return;
    const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
    if (press.touch && Math.abs(dx) > SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) {
      view.change({ unit: neighbour(view.choice.unit, dx < 0 ? 1 : -1, view.figure) });
    } else if (Math.hypot(dx, dy) < 10) {
      const held = press.touch && event.timeStamp - press.since > HOLD;
      view.change({ cursor: press.at, selection: held ? between(view.choice.cursor, press.at) : null });
    }
  };
  text.oncontextmenu = (event) => view.press?.touch && event.preventDefault(); // the menu of a long press would end it
  text.onpointercancel = () => (view.press = null);
}

function listenMap(view) {
  const { window: box, overview } = view;
  const at = (event) => cellAt(...point(event, box), view.map, view.figure);
  box.onclick = (event) => {
    const cell = at(event);
    if (cell) view.change({ unit: cell.unit, cursor: cell.index, selection: null });
  };
  box.onpointermove = (event) => {
    view.hover = event.pointerType === "touch" ? null : at(event);
    later(view);
  };
  box.onpointerleave = () => {
    view.hover = null;
    later(view);
  };
  const go = (event) => {
    const rect = overview.getBoundingClientRect();
    box.scrollLeft = ((event.clientX - rect.left) / rect.width) * view.map.full.width - view.mapWidth / 2;
    box.scrollTop = ((event.clientY - rect.top) / rect.height) * view.map.full.height - view.map.height / 2;
  };
  overview.onpointerdown = (event) => {
    overview.setPointerCapture(event.pointerId);
    go(event);
  };
  overview.onpointermove = (event) => event.buttons && go(event);
}

function listenBar(view) {
  const does = {
    previous: () => press(view, { key: "ArrowUp" }),
    following: () => press(view, { key: "ArrowDown" }),
    play: () => play(view),
    help: () => help(view),
    close: () => view.part(".help").close(),
    closer: () => press(view, { key: "+" }),
    further: () => press(view, { key: "-" }),
    change: (button) => button.setAttribute("aria-expanded", view.part(".looks").classList.toggle("open")),
  };
  for (const button of view.root.querySelectorAll("[data-do]")) button.onclick = () => does[button.dataset.do](button);
  for (const button of view.root.querySelectorAll("[data-look]")) {
    button.onclick = () => view.change({ looks: toggled(view.choice.looks, button.dataset.look) });
  }
  const inputs = view.part("#inputs");
  inputs.onchange = () => view.change({ alone: inputs.value === "" ? null : Number(inputs.value) });
  inputs.onkeydown = (event) => event.stopPropagation(); // letters choose in the list
  const box = view.part("#unit");
  box.oninput = () => {
    const unit = Number(box.value);
    if (box.value !== "" && Number.isInteger(unit) && unit >= 0 && unit < view.figure.units) view.change({ unit });
  };
  box.onchange = () => (box.value = view.choice.unit);
  box.onkeydown = (event) => {
    event.stopPropagation(); // Streamlit's own shortcuts stay out of a box one types in
    if (event.key === "Escape") view.text.focus();
  };
}

// The list of keys; it names what a row of this figure is.
export function writeKeys(view) {
  view.part(".help table").replaceChildren(...keys(view.figure.noun).map(row));
}

function row([key, meaning]) {
  const made = document.createElement("tr");
  for (const words of [key, meaning]) made.appendChild(document.createElement("td")).textContent = words;
  return made;
}

function press(view, event) {
  const act = action(event);
  if (!act || !view.figure) return;
  event.preventDefault?.();
  event.stopPropagation?.();
  if (act.do === "unit") view.change({ unit: neighbour(view.choice.unit, act.by, view.figure) });
  else if (act.do === "move") move(view, act);
  else if (act.do === "look") view.change({ looks: toggled(view.choice.looks, act.look) });
  else if (act.do === "play") play(view);
  else if (act.do === "alone") view.figure.rows && view.change({ alone: nextAlone(view.choice.alone, view.figure) });
  else if (act.do === "zoom") view.figure.rows && view.stretch(clamp(view.zoom * act.by, 1, CLOSEST));
  else if (act.do === "help") help(view);
  else escape(view);
}

function move(view, { what, by, select }) {
  const { choice, figure, sizes } = view;
  const lines = what === "page" ? Math.max(1, Math.floor(view.textHeight / sizes.line) - 1) : 1;
  const to = {
    character: () => choice.cursor + by,
    edge: () => (by < 0 ? 0 : figure.time - 1),
    page: () => moveLines(choice.cursor, by * lines, view.starts, view.columns),
    line: () => moveLines(choice.cursor, by, view.starts, view.columns),
  };
  if (figure.rows) to.page = to.line = () => choice.cursor + by * Math.max(1, Math.round(Math.min(figure.time, view.mapWidth / view.map.column) / 10));
  const cursor = clamp(to[what](), 0, figure.time - 1);
  if (!select) return view.change({ cursor, selection: choice.selection });
  if (!choice.selection) view.anchor = choice.cursor;
  view.anchor ??= choice.selection[0];
  return view.change({ cursor, selection: between(view.anchor, cursor) });
}

function escape(view) {
  if (view.playing) stop(view);
  else view.change({ selection: null });
}

function stop(view) {
  clearInterval(view.playing);
  view.playing = 0;
  view.part('[data-do="play"]').setAttribute("aria-pressed", "false");
}

// Plays from the cursor to the end; with reduced motion it moves one character instead.
function play(view) {
  if (view.playing) return stop(view);
  const forward = () => move(view, { what: "character", by: 1, select: false });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return forward();
  view.part('[data-do="play"]').setAttribute("aria-pressed", "true");
  forward();
  view.playing = setInterval(() => (view.choice.cursor + 1 < view.figure.time ? forward() : stop(view)), STEP);
  return undefined;
}

function help(view) {
  const dialog = view.part(".help");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}
