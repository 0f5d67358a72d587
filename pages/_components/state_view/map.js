// The map of all units: one picture made once, shown through a window; only frames and the line are drawn anew.

import { level, valueOf } from "./colour.js";
import { rowOf } from "./figure.js";
import { fitted } from "./text.js";
import { thinned } from "./inputs.js";

// One pixel for each unit and character, rows in the map's order. Made again only for other values, order or colours.
function picture(view) {
  const { figure, theme, layers } = view;
  const key = [view.digest, theme.name, view.sign].join();
  if (layers.mapKey === key) return layers.map;
  layers.mapKey = key;
  const image = new ImageData(figure.time, figure.units);
  const words = new Uint32Array(image.data.buffer);
  for (let row = 0; row < figure.units; row++) {
    const values = rowOf(figure, figure.order[row]);
    const from = row * figure.time;
    for (let i = 0; i < values.length; i++) words[from + i] = theme.palette.words[level(values[i], view.sign)];
  }
  [layers.map.width, layers.map.height] = [figure.time, figure.units];
  layers.map.getContext("2d").putImageData(image, 0, 0);
  return layers.map;
}

// The part of the picture in sight, drawn smaller: kept until another part is, since it costs more than all the rest.
function narrowed(view, shown, width, height) {
  const { layers } = view;
  const key = [layers.mapKey, view.digest, view.theme.name, view.sign, ...shown, width, height].join();
  if (layers.narrowKey !== key) {
    layers.narrowKey = key;
    const context = fitted(layers.narrow, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture(view), ...shown, 0, 0, width, height);
  }
  return layers.narrow;
}

export function paintMap(view) {
  const { map, choice, figure, theme } = view;
  const [left, top] = [view.window.scrollLeft, view.window.scrollTop];
  const [width, height] = [Math.min(view.mapWidth, map.full.width), map.height];
  const context = fitted(view.mapCanvas, width, height);
  context.imageSmoothingEnabled = map.column < 1; // several steps on one pixel become their mean colour
  context.imageSmoothingQuality = "high";
  const shown = [left / map.column, top / map.row, width / map.column, height / map.row];
  if (map.column < 1) context.drawImage(narrowed(view, shown, width, height), 0, 0, width, height);
  else context.drawImage(picture(view), ...shown, 0, 0, width, height);
  const x = (choice.cursor + 0.5) * map.column - left;
  context.fillStyle = theme.text;
  context.globalAlpha = 0.55;
  context.fillRect(Math.round(x) - 0.5, 0, 1, height);
  context.globalAlpha = 1;
  frame(context, theme, -2, figure.rank[choice.unit] * map.row - top, width + 4, map.row);
  if (view.hover) frame(context, { ...theme, primary: theme.text }, view.hover.index * map.column - left - 1, view.hover.row * map.row - top, map.column + 2, map.row);
}

function frame(context, theme, x, y, width, height) {
  context.lineWidth = 5;
  context.strokeStyle = theme.ground;
  context.strokeRect(x, y - 1.5, width, height + 3);
  context.lineWidth = 2;
  context.strokeStyle = theme.primary;
  context.strokeRect(x, y - 1.5, width, height + 3);
}

// The chosen unit over time, above its map and on the same axis: an area in its own colours under a line.
export function paintLine(view) {
  const { figure, map, choice, theme } = view;
  const context = fitted(view.lineCanvas, view.mapWidth, map.line);
  const values = rowOf(figure, choice.unit);
  const left = view.window.scrollLeft;
  const y = (stored) => 3 + (1 - (view.sign * stored / 32767 + 1) / 2) * (map.line - 6);
  const base = figure.scale.kind === "sequential" ? map.line - 3 : map.line / 2;
  const [first, last] = [Math.floor(left / map.column), Math.min(figure.time - 1, Math.ceil((left + view.mapWidth) / map.column))];
  const area = (from, to, stored) => {
    context.fillStyle = theme.palette.css[level(stored, view.sign)];
    context.fillRect(from, Math.min(base, y(stored)), to - from, Math.abs(y(stored) - base));
  };
  if (choice.selection) {
    context.fillStyle = theme.select;
    context.fillRect(choice.selection[0] * map.column - left, 0, (choice.selection[1] - choice.selection[0]) * map.column, map.line);
  }
  const points = map.column < 1 ? thinned(values, map.column, left, view.mapWidth) : [];
  for (const [x, stored] of points) area(x - 0.5 - left, x + 0.5 - left, stored);
  for (let i = first; i <= last && !points.length; i++) area(Math.round(i * map.column - left), Math.round((i + 1) * map.column - left), values[i]);
  context.fillStyle = theme.edge;
  context.fillRect(0, base - 0.5, view.mapWidth, 1);
  context.beginPath();
  for (const [x, stored] of points) context.lineTo(x - left, y(stored));
  for (let i = first; i <= last && !points.length; i++) context.lineTo((i + 0.5) * map.column - left, y(values[i]));
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.strokeStyle = theme.text;
  context.stroke();
  dot(context, theme, (choice.cursor + 0.5) * map.column - left, y(values[choice.cursor]), map.line);
}

function dot(context, theme, x, y, height) {
  context.fillStyle = theme.text;
  context.globalAlpha = 0.55;
  context.fillRect(Math.round(x) - 0.5, 0, 1, height);
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x, y, 4, 0, 7);
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = theme.ground;
  context.stroke();
}

// The whole map, small, with a frame around what the window shows. Left out where the window shows everything.
export function paintOverview(view) {
  const { map, layers, theme } = view;
  const all = map.full.height <= map.height && map.full.width <= view.mapWidth + 1;
  view.overview.style.display = all ? "none" : "block";
  if (all) return;
  const width = view.mapWidth;
  const key = [view.digest, theme.name, view.sign, width].join();
  if (layers.smallKey !== key) {
    layers.smallKey = key;
    const small = fitted(layers.small, width, map.overview);
    small.imageSmoothingQuality = "high";
    small.drawImage(picture(view), 0, 0, width, map.overview);
  }
  const context = fitted(view.overview, width, map.overview);
  context.drawImage(layers.small, 0, 0, width, map.overview);
  const [sx, sy] = [width / map.full.width, map.overview / map.full.height];
  const box = [view.window.scrollLeft * sx, view.window.scrollTop * sy, Math.min(width, view.mapWidth * sx), Math.min(map.overview, map.height * sy)];
  context.fillStyle = theme.veil;
  context.fillRect(0, 0, width, map.overview);
  context.drawImage(layers.small, ...scaled(box), ...box);
  context.lineWidth = 2;
  context.strokeStyle = theme.text;
  context.strokeRect(box[0] + 1, box[1] + 1, box[2] - 2, box[3] - 2);
  context.fillStyle = theme.primary;
  context.fillRect(0, (view.figure.rank[view.choice.unit] + 0.5) * map.row * sy - 1, width, 2);
}

function scaled(box) {
  return box.map((side) => side * (globalThis.devicePixelRatio || 1));
}

// The real value, from all sixteen bits.
export function valueAt(view, unit, index) {
  return view.sign * valueOf(rowOf(view.figure, unit)[index], view.figure.scale);
}
