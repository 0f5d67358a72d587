// The text on its canvas: rectangles in the unit's colours, the glyphs drawn once and laid over in black or white.

import { level, mark } from "./colour.js";
import { LIKELY, inSight, placeOf } from "./layout.js";
import { rowOf } from "./figure.js";

const LETTERS = 1.25; // small letters of a likely next word in a column

// A canvas of this size in CSS pixels, sharp on this screen; its context draws in CSS pixels.
export function fitted(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  if (canvas.isConnected) [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Width of a token's cell: between words half a column stays free.
function widthOf({ spans, sizes, figure }, index) {
  return spans ? (spans[index] - (figure.noun === "byte" ? 0 : 0.5)) * sizes.cell : sizes.cell;
}

// What is drawn of a word in so many columns: all of it, or its beginning. As `cut` of explorer/figures/characters.py.
export function cut({ sign, columns: taken }, columns) {
  if (taken <= columns) return sign;
  const letters = [...sign];
  return `${letters.slice(0, Math.floor((Math.max(0, columns - 1) * letters.length) / taken)).join("")}\u2026`;
}

// Calls visit(index, x, y, width) for every token in sight, y counted from the top of the canvas.
function eachInSight(view, visit) {
  const { starts, sizes, columns } = view;
  const [first, last] = inSight(view.text.scrollTop, view.textHeight, sizes.line, starts.length - 1);
  for (let line = first; line <= last; line++) {
    const y = line * sizes.line - view.text.scrollTop;
    for (let i = starts[line]; i < starts[line + 1]; i++) visit(i, (columns ? columns[i] : i - starts[line]) * sizes.cell, y, widthOf(view, i));
  }
}

export function paintText(view) {
  const { figure, sizes, choice, theme } = view;
  const context = fitted(view.textCanvas, view.width, view.textHeight);
  const values = rowOf(figure, choice.unit);
  drawGlyphs(view);
  const inks = fitted(view.layers.inks, view.width, view.textHeight);
  const marks = [];
  eachInSight(view, (i, x, y, wide) => {
    const at = level(values[i], view.sign);
    context.fillStyle = theme.palette.css[at];
    context.fillRect(x, y + sizes.top, wide, sizes.body);
    inks.fillStyle = theme.palette.light[at] ? "#fff" : "#000";
    inks.fillRect(x, y, wide, sizes.line - sizes.below);
    const side = mark(values[i], figure.scale, view.sign);
    if (side) marks.push([x, side > 0 ? y + 1 : y + sizes.top + sizes.body + 1, wide, sizes.bar]);
  });
  inks.globalCompositeOperation = "destination-in";
  inks.drawImage(view.layers.glyphs, 0, 0, view.width, view.textHeight);
  inks.globalCompositeOperation = "source-over";
  context.drawImage(view.layers.inks, 0, 0, view.width, view.textHeight);
  context.fillStyle = theme.text;
  for (const bar of marks) context.fillRect(...bar);
  if (sizes.below) context.drawImage(view.layers.guesses, 0, 0, view.width, view.textHeight);
  paintSelection(view, context);
  paintCursor(view, context);
}

// Glyphs in sight as a mask, and the likely next characters under them: kept until something else is in sight.
function drawGlyphs(view) {
  const { figure, sizes, layers, theme } = view;
  const key = [view.text.scrollTop, view.width, view.textHeight, sizes.line, theme.name, view.digest, globalThis.devicePixelRatio].join();
  if (layers.key === key) return;
  layers.key = key;
  const glyphs = fitted(layers.glyphs, view.width, view.textHeight);
  pen(glyphs, sizes.font, theme.font);
  eachInSight(view, (i, x, y, wide) => {
    const letter = figure.alphabet[figure.ids[i]];
    glyphs.globalAlpha = letter.sign === letter.token || letter.sign.length > 1 ? 1 : 0.5;
    const shown = view.spans && figure.noun !== "byte" ? cut(letter, view.spans[i] - 1) : letter.sign;
    glyphs.fillText(shown, x + wide / 2, y + sizes.top + sizes.body / 2 + 0.5, wide);
  });
  if (sizes.below && figure.next_p) drawGuesses(view);
}

function pen(context, size, font) {
  context.font = `${size}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.direction = "ltr";
  context.fillStyle = "#000";
}

// Five likely next characters under each one, each on a ground as strong as its probability; the one that came is framed.
function drawGuesses(view) {
  const { figure, sizes, layers, theme } = view;
  const context = fitted(layers.guesses, view.width, view.textHeight);
  pen(context, sizes.small, theme.font);
  eachInSight(view, (i, x, y, wide) => {
    for (let rank = 0; rank < LIKELY; rank++) {
      const id = figure.next_ids[i * LIKELY + rank];
      const at = Math.round(255 * figure.next_p[i * LIKELY + rank]);
      const top = y + sizes.line - sizes.below + rank * sizes.guess;
      context.fillStyle = theme.likely.css[at];
      context.fillRect(x, top, wide, sizes.guess);
      context.fillStyle = theme.likely.light[at] ? "#fff" : "#000";
      const sign = view.spans ? cut(figure.alphabet[id], Math.floor((wide / sizes.cell) * LETTERS)) : figure.alphabet[id].sign;
      context.fillText(sign, x + wide / 2, top + sizes.guess / 2 + 0.5, wide);
      if (i + 1 < figure.time && figure.ids[i + 1] === id) {
        context.fillStyle = theme.text;
        context.fillRect(x + 1, top + sizes.guess - 1.5, wide - 2, 1.5);
      }
    }
  });
}

function paintSelection(view, context) {
  const { choice, sizes, starts, theme } = view;
  if (!choice.selection) return;
  context.fillStyle = theme.primary;
  for (let i = choice.selection[0]; i < choice.selection[1]; i++) {
    const { x, y } = placeOf(i, sizes, starts, view.columns);
    const wide = widthOf(view, i);
    const top = y - view.text.scrollTop;
    if (top < -sizes.line || top > view.textHeight) continue;
    context.fillRect(x, top + 1, wide, 2.5);
    context.fillRect(x, top + sizes.top + sizes.body, wide, 3);
  }
}

function paintCursor(view, context) {
  const { choice, sizes, starts, theme } = view;
  const { x, y } = placeOf(choice.cursor, sizes, starts, view.columns);
  const box = [Math.max(1, x - 1), y - view.text.scrollTop + sizes.top - 1, widthOf(view, choice.cursor) + 2, sizes.body + 2];
  context.lineWidth = 4;
  context.strokeStyle = theme.ground;
  context.strokeRect(...box);
  context.lineWidth = 2;
  context.strokeStyle = theme.text;
  context.strokeRect(...box);
}
