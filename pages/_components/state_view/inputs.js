// Numbers that were read, as lanes of lines on the axis of the map: the same geometry as explorer/figures/inputs_svg.py. Of several
// steps on one pixel the least and the greatest value are drawn.

import { fitted } from "./text.js";
import { count } from "./words.js";

export const LANES = { lane: 62, name: 18, plot: 40, axis: 20, apart: 110, close: 72 };
const PRINTED = { year: [0, 4], month: [0, 7], day: [0, 10], minute: [5, 16], second: [11, 19] };

// A number of an input in four significant digits.
export function brief(value) {
  if (!Number.isFinite(value)) return "missing";
  const size = Math.abs(value);
  let text = String(Number(value.toPrecision(4)));
  if (size >= 9999.5 && size < 1e9) text = count(Math.round(value));
  else if (size && (size < 1e-4 || size >= 1e9)) text = value.toExponential(3).replace(/\.?0*e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  return text.replaceAll("-", "\u2212");
}

// Inputs that are drawn: all, or the one alone.
export function lanesOf({ figure, choice }) {
  return choice.alone === null ? figure.rows.names.map((_, index) => index) : [choice.alone];
}

export function lanesHeight(many, narrow, screen) {
  const most = narrow ? 330 : screen < 800 ? 3 * LANES.lane + LANES.axis : 6 * LANES.lane + LANES.axis;
  return Math.min(many * LANES.lane + LANES.axis, most);
}

// Points (pixel from the left edge of the whole picture, value) of a line through values[from, to); NaN between its pieces.
export function thinned(values, column, left, width) {
  const points = [];
  if (column >= 1) {
    const [first, last] = [Math.max(0, Math.floor(left / column) - 1), Math.min(values.length, Math.ceil((left + width) / column) + 1)];
    for (let i = first; i < last; i++) points.push([(i + 0.5) * column, values[i]]);
    return points;
  }
  for (let pixel = Math.floor(left); pixel < Math.ceil(left + width); pixel++) {
    const first = Math.trunc(pixel / column);
    const last = Math.min(values.length, Math.max(first + 1, Math.trunc((pixel + 1) / column)));
    if (first >= last) continue;
    let [low, high] = [-1, -1];
    for (let i = first; i < last; i++) {
      if (Number.isNaN(values[i])) continue;
      if (low < 0 || values[i] < values[low]) low = i;
      if (high < 0 || values[i] > values[high]) high = i;
    }
    if (low < 0) points.push([pixel + 0.5, NaN]);
    else for (const at of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) points.push([pixel + 0.5, values[at]]);
  }
  return points;
}

// Steps with a tick and the level of the shortest period that begins at one, among the steps [first, last).
export function ticks(levels, column, apart, first = 0, last = levels.length) {
  const counts = [];
  for (let i = first; i < last; i++) counts[levels[i]] = (counts[levels[i]] ?? 0) + 1;
  const most = Math.max(1, Math.trunc(((last - first) * column) / apart));
  let [level, sum] = [-1, 0];
  for (let at = 0; at < counts.length; at++) {
    if (!counts[at]) continue; // no period of this length begins in sight: the longer one has the shorter name
    sum += counts[at];
    if ( (sum <= most || level < 0)) level = at;
    if (sum > most) break;
  }
  const steps = [];
  for (let i = first; i < last; i++) {
    if (levels[i] <= level && (!steps.length || (i - steps[steps.length - 1]) * column >= apart)) steps.push(i);
  }
  return [steps, level];
}

function iso(seconds) {
  return new Date(seconds * 1000).toISOString().replace("T", " ");
}

// When a step was: "2001-03-05 14:00"; empty where steps are only counted.
export function stamp(figure, index) {
  if (!figure.times) return "";
  return figure.rows.dated ? iso(figure.times[index]).slice(0, figure.rows.stamp) : brief(figure.times[index]);
}

export function tickLabel(figure, index, level) {
  const kind = figure.rows.printed[Math.min(level, figure.rows.printed.length - 1)];
  if (kind === "count") return count(figure.start + index + 1);
  return kind === "value" ? brief(figure.times[index]) : iso(figure.times[index]).slice(...PRINTED[kind]);
}

// One input over all steps.
export function inputOf(figure, index) {
  return figure.inputs.subarray(index * figure.time, (index + 1) * figure.time);
}

// What was read at a step: "rain 3.2 · temperature 11"; of many inputs the first six.
export function inputsAt(view, index) {
  return lanesOf(view).slice(0, 6).map((input) => `${view.figure.rows.names[input]} ${brief(inputOf(view.figure, input)[index])}`);
}

// Pixels from the top of a lane to a value; a constant input is drawn in the middle.
export function laneHeight(value, [low, high]) {
  return LANES.name + 2 + (1 - (high <= low ? 0.5 : (value - low) / (high - low))) * (LANES.plot - 4);
}

export function paintInputs(view) {
  const { figure, choice, map, theme } = view;
  const context = fitted(view.textCanvas, view.mapWidth, view.textHeight);
  const left = view.window.scrollLeft;
  const room = view.textHeight - LANES.axis;
  if (choice.selection) {
    context.fillStyle = theme.select;
    context.fillRect(choice.selection[0] * map.column - left, 0, (choice.selection[1] - choice.selection[0]) * map.column, room);
  }
  drawLanes(view, left, room);
  context.drawImage(view.layers.glyphs, 0, 0, view.mapWidth, view.textHeight);
  const x = (choice.cursor + 0.5) * map.column - left;
  context.fillStyle = theme.text;
  context.globalAlpha = 0.55;
  context.fillRect(x - 0.5, 0, 1, room);
  context.globalAlpha = 1;
  lanesOf(view).forEach((input, lane) => {
    const value = inputOf(figure, input)[choice.cursor];
    const y = lane * LANES.lane - view.text.scrollTop + laneHeight(value, figure.rows.ends[input]);
    if (Number.isNaN(value) || y > room) return;
    context.beginPath();
    context.arc(x, y, 4, 0, 7);
    context.fill();
  });
}

// Lanes and axis: kept until something else is in sight, so that a cursor that moves draws little.
function drawLanes(view, left, room) {
  const { figure, choice, map, theme, layers } = view;
  const key = [left, view.text.scrollTop, view.mapWidth, map.column, view.textHeight, theme.name, view.digest, choice.alone, globalThis.devicePixelRatio].join();
  if (layers.key === key) return;
  layers.key = key;
  const context = fitted(layers.glyphs, view.mapWidth, view.textHeight);
  context.textBaseline = "alphabetic";
  drawAxis(view, context, left, room);
  context.save();
  context.beginPath();
  context.rect(0, 0, view.mapWidth, room);
  context.clip();
  lanesOf(view).forEach((input, lane) => drawLane(view, context, input, lane * LANES.lane - view.text.scrollTop, left));
  context.restore();
}

function drawAxis(view, context, left, room) {
  const { figure, map, theme } = view;
  const [first, last] = [Math.floor(left / map.column), Math.min(figure.time, Math.ceil((left + view.mapWidth) / map.column))];
  const [steps, level] = ticks(figure.levels, map.column, view.sizes.narrow ? LANES.close : LANES.apart, first, last);
  context.font = `12px ${theme.sans}`;
  for (const step of steps) {
    const x = (step + 0.5) * map.column - left;
    context.fillStyle = theme.edge;
    context.fillRect(x - 0.5, 0, 1, room + 4);
    context.fillStyle = theme.quiet;
    context.textAlign = x < 40 ? "start" : x > view.mapWidth - 40 ? "end" : "center";
    context.fillText(tickLabel(figure, step, level), x, room + 16);
  }
}

function drawLane(view, context, input, top, left) {
  const { figure, map, theme } = view;
  const ends = figure.rows.ends[input];
  context.textAlign = "start";
  context.fillStyle = theme.text;
  context.font = `600 12px ${theme.sans}`;
  const name = figure.rows.names[input];
  context.fillText(name, 0, top + 13);
  const after = context.measureText(name).width + 8;
  context.font = `12px ${theme.sans}`;
  context.fillStyle = theme.quiet;
  context.fillText(`${brief(ends[0])} to ${brief(ends[1])}`, after, top + 13);
  context.fillStyle = theme.edge;
  context.fillRect(0, top + LANES.name + LANES.plot - 0.5, Math.min(view.mapWidth, map.full.width), 1);
  line(context, thinned(inputOf(figure, input), map.column, left, view.mapWidth), (x, value) => [x - left, top + laneHeight(value, ends)], theme.text);
}

// A line through the points; one that stands alone between missing values is a dot.
function line(context, points, to, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  points.forEach(([x, value], i) => {
    if (Number.isNaN(value)) return;
    const [isFirst, isLast] = [Number.isNaN(points[i - 1]?.[1] ?? NaN), Number.isNaN(points[i + 1]?.[1] ?? NaN)];
    const [px, py] = to(x, value);
    if (isFirst && isLast) context.fillRect(px - 1.5, py - 1.5, 3, 3);
    else if (isFirst) context.moveTo(px, py);
    else context.lineTo(px, py);
  });
  context.stroke();
}
