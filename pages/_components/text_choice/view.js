// A text of which one character is chosen: by a click, a tap, or with the arrow keys and Enter. It wraps as text does.

const VIEWS = new WeakMap();
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10, Home: -Infinity, End: Infinity };

export default function component({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".text");
  const view = VIEWS.get(parentElement) ?? { cells: [] };
  VIEWS.set(parentElement, view);
  view.send = (at) => setTriggerValue("chosen", at);
  const focused = view.cells.includes(root.getRootNode().activeElement);
  root.setAttribute("aria-label", data.label);
  const cells = data.cells.map((cell, at) => drawn(cell, at, data.at));
  root.replaceChildren(...parts(data.ends, cells.length).map(([from, to]) => word(cells.slice(from, to))));
  view.cells = [...root.querySelectorAll("[role=option]")];
  if (focused) view.cells[data.at]?.focus({ preventScroll: true });
  reveal(root, view.cells[data.at]);
  root.onclick = (event) => choose(view, event.target);
  root.onkeydown = (event) => key(view, event);
}

function drawn([shown, named, paint, ink], at, chosen) {
  const cell = document.createElement("span");
  cell.setAttribute("role", "option");
  cell.setAttribute("aria-selected", String(at === chosen));
  cell.setAttribute("aria-label", named);
  cell.tabIndex = at === chosen ? 0 : -1;
  cell.textContent = shown;
  if (paint) [cell.style.background, cell.style.color] = [paint, ink];
  return cell;
}

// The characters of a word stay together on a line; a word that is longer than a line breaks where the line ends.
function word(cells) {
  const part = document.createElement("span");
  part.className = "word";
  part.setAttribute("role", "presentation");
  part.append(...cells);
  return part;
}

// The ranges between the places where a line may break.
export function parts(ends, length) {
  const edges = [...new Set([0, ...ends, length])];
  return edges.slice(1).map((edge, index) => [edges[index], edge]);
}

// A long text scrolls in its frame: the chosen character must not be out of sight.
function reveal(root, cell) {
  if (!cell) return;
  const [frame, box] = [root.getBoundingClientRect(), cell.getBoundingClientRect()];
  if (box.top < frame.top || box.bottom > frame.bottom) root.scrollTop += box.top - frame.top - frame.height / 2;
}

function choose(view, cell) {
  const at = view.cells.indexOf(cell);
  if (at >= 0) view.send(at);
}

function key(view, event) {
  const at = view.cells.indexOf(event.target);
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") view.send(at);
  else if (event.key in STEPS) view.cells[moved(at, STEPS[event.key], view.cells.length)].focus();
  else return;
  event.preventDefault();
}

export function moved(at, by, length) {
  return Math.min(length - 1, Math.max(0, at + by));
}
