// A caption and its two pictures: words are selected here, without a rerun of the page; a clicked region is sent to Python.

const VIEWS = new WeakMap();
const QUIET = 300; // milliseconds without a change before the selected word is sent to Python
const STEP = 1000 / 6; // of playing
const LEAST = 360; // pixels of the longer side of a picture
const PRESS = 500; // milliseconds of a long press
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export default function component({ data, parentElement, setStateValue, setTriggerValue }) {
  const view = VIEWS.get(parentElement) ?? create(parentElement);
  VIEWS.set(parentElement, view);
  Object.assign(view, { data, send: setStateValue, fire: setTriggerValue });
  if (view.asked !== data.asked) {
    stop(view);
    clearTimeout(view.telling);
    [view.asked, view.word] = [data.asked, data.word];
  }
  view.word = Math.min(view.word, data.words.length - 1);
  build(view);
  paint(view);
  return () => destroy(view);
}

function create(parent) {
  const view = { root: parent.querySelector(".view"), word: 0, parent };
  const first = view.root.querySelector("figure");
  view.figures = [first, first.parentElement.appendChild(first.cloneNode(true))]; // the attention map, the occlusion map
  view.root.addEventListener("keydown", (event) => keyed(view, event));
  for (const [which, figure] of view.figures.entries()) {
    listen(view, figure.querySelector(".picture"), which);
    aim(view, figure.querySelector(".cursor"), which);
  }
  return view;
}

function destroy(view) {
  stop(view);
  clearTimeout(view.telling);
  VIEWS.delete(view.parent);
}

// Draw the words, pictures and hidden regions that came from Python.
function build(view) {
  const { data, root } = view;
  const buttons = data.words.map((word, index) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: word });
    button.addEventListener("click", () => (stop(view), choose(view, index)));
    return button;
  });
  const play = document.createElement("button");
  Object.assign(play, { type: "button", className: "play" });
  play.addEventListener("click", () => toggle(view));
  play.hidden = still();
  const focused = [...root.querySelectorAll(".words button")].indexOf(root.getRootNode().activeElement);
  root.querySelector(".words").replaceChildren(...buttons, play);
  if (focused >= 0) root.querySelectorAll(".words button")[focused]?.focus();
  for (const [which, figure] of view.figures.entries()) {
    const picture = figure.querySelector(".picture");
    picture.style.aspectRatio = `${data.size[0]} / ${data.size[1]}`;
    figure.style.setProperty("--width", `${Math.round(shown(data.size))}px`);
    picture.querySelector("img").src = data.picture;
    figure.querySelector("figcaption").textContent = data.names[which];
    picture.setAttribute("aria-label", `${data.names[which]}. ${data.descriptions[which] ?? "Nothing to show."}`);
    picture.querySelector(".holes").replaceChildren(...data.hidden.map((cell) => hole(cell, data.grid)));
    point(view, figure.querySelector(".cursor"), which, view.at ?? placeAt(0.5, 0.5, data.grid));
  }
}

// Width on the page: small pictures are enlarged.
function shown(size) {
  return size[0] * Math.max(1, LEAST / Math.max(...size));
}

function hole(cell, grid) {
  const box = document.createElement("div");
  box.className = "hole";
  cover(box, { row: Math.floor(cell / grid[1]), column: cell % grid[1] }, grid);
  return box;
}

// Lay an element over a region.
function cover(box, { row, column }, [rows, columns]) {
  const [left, top] = [column / columns, row / rows];
  Object.assign(box.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 / columns}%`, height: `${100 / rows}%` });
}

// Update all that depends on the selected word.
function paint(view) {
  const { data, root, word } = view;
  for (const [index, button] of [...root.querySelectorAll(".words button:not(.play)")].entries()) {
    button.setAttribute("aria-pressed", index === word);
    if (index === word) button.parentElement.scrollLeft = button.offsetLeft - button.parentElement.offsetLeft - 60;
  }
  const play = root.querySelector(".play");
  play.textContent = view.playing ? "\u275a\u275a stop" : "\u25b6 play";
  play.setAttribute("aria-label", view.playing ? "stop" : "play the words");
  for (const [which, figure] of view.figures.entries()) {
    const mask = figure.querySelector(".mask");
    mask.hidden = !data.masks[which];
    mask.classList.toggle("cells", !data.smooth);
    if (data.masks[which]) mask.src = data.masks[which][word];
  }
  root.querySelector(".note").textContent = data.notes[word] ?? "";
}

function choose(view, word) {
  view.word = Math.min(Math.max(word, 0), view.data.words.length - 1);
  paint(view);
  clearTimeout(view.telling);
  if (!view.playing) view.telling = setTimeout(() => view.send("word", view.word), QUIET);
}

function still() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function toggle(view) {
  if (view.playing) {
    stop(view);
    return choose(view, view.word);
  }
  if (still()) return choose(view, (view.word + 1) % view.data.words.length);
  view.playing = setInterval(() => choose(view, (view.word + 1) % view.data.words.length), STEP);
  paint(view);
}

function stop(view) {
  clearInterval(view.playing);
  view.playing = null;
}

function keyed(view, event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in steps) {
    stop(view);
    choose(view, view.word + steps[event.key]);
  } else if (event.key === " " && event.target === view.root) toggle(view);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The region (row, column) of a point in a picture; x and y are fractions of its sides.
export function placeAt(x, y, [rows, columns]) {
  const within = (share, cells) => Math.min(Math.max(Math.floor(share * cells), 0), cells - 1);
  return { row: within(y, rows), column: within(x, columns) };
}

function listen(view, picture, which) {
  const placed = (event) => {
    const box = picture.getBoundingClientRect();
    return placeAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, view.data.grid);
  };
  let touched = false;
  picture.addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    tell(view, placed(event), which);
    const region = placed(event);
    if (touched) view.pressing = setTimeout(() => view.fire("place", region), PRESS);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) picture.addEventListener(name, () => clearTimeout(view.pressing));
  picture.addEventListener("contextmenu", (event) => touched && event.preventDefault());
  picture.addEventListener("pointermove", (event) => tell(view, placed(event), which));
  picture.addEventListener("click", (event) => touched || view.fire("place", placed(event)));
}

// For the keyboard: a button over one region, moved by the arrow keys and pressed by Enter.
function aim(view, cursor, which) {
  cursor.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    point(view, cursor, which, moved(view.at, move, view.data.grid));
    tell(view, view.at, which);
    event.preventDefault();
    event.stopPropagation(); // elsewhere the arrow keys select a word
  });
  cursor.addEventListener("focus", () => point(view, cursor, which, view.at));
  cursor.addEventListener("click", (event) => {
    event.stopPropagation();
    view.fire("place", view.at);
  });
}

function point(view, cursor, which, region) {
  const { grid, hidden, names } = view.data;
  view.at = moved(region, [0, 0], grid);
  cover(cursor, view.at, grid);
  const verb = hidden.includes(view.at.row * grid[1] + view.at.column) ? "show" : "hide";
  const where = `row ${view.at.row + 1}, column ${view.at.column + 1}`;
  cursor.setAttribute("aria-label", `${names[which]}: ${verb} ${where}; arrow keys move`);
}

// A region one step further, inside the grid.
export function moved({ row, column }, [down, right], [rows, columns]) {
  const within = (at, cells) => Math.min(Math.max(at, 0), cells - 1);
  return { row: within(row + down, rows), column: within(column + right, columns) };
}

function tell(view, { row, column }, which) {
  const values = view.data.values[which];
  const where = `row ${row + 1}, column ${column + 1}`;
  const what = which ? "nats lost without the region centred here" : "weight on the region centred here";
  const value = values && values[view.word][row * view.data.grid[1] + column];
  view.root.querySelector(".here").textContent = values ? `${where}: ${value.toPrecision(2)} ${what}` : where;
}
