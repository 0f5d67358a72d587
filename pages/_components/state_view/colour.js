// Colour scales in the browser: the same stops, the same 256 colours, the same ink as explorer/figures/scales.py; and the page's theme.

export const STEPS = 32767;

export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// 256 colours on straight lines between evenly spaced stops.
export function ramp(stops) {
  const corners = stops.map(rgb);
  const colours = [];
  for (let level = 0; level < 256; level++) {
    const at = (level * (stops.length - 1)) / 255;
    const low = Math.min(Math.floor(at), stops.length - 2);
    colours.push(corners[low].map((c, k) => Math.floor(c + (corners[low + 1][k] - c) * (at - low) + 0.5)));
  }
  return colours;
}

export function luminance(colour) {
  const linear = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

// Black or white, whichever reads better; the contrast is never below 4.5.
export function ink(colour) {
  return (luminance(colour) + 0.05) ** 2 >= 1.05 * 0.05 ? "#000000" : "#ffffff";
}

export function contrast(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

// Everything painting needs for one set of stops: CSS colours, inks, and pixels as 32-bit words.
export function palette(stops) {
  const colours = ramp(stops);
  const words = new Uint32Array(256);
  colours.forEach(([r, g, b], level) => (words[level] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0));
  return { css: colours.map((c) => `rgb(${c.join(",")})`), light: colours.map((c) => ink(c) === "#ffffff"), words };
}

// What is painted of a stored place: its high byte, 0..255. `sign` -1 turns it round.
export function level(stored, sign = 1) {
  return ((sign * stored) >> 8) + 128;
}

function symlog(value) {
  const size = Math.abs(value);
  return Math.sign(value) * (size <= 1 ? size : 1 + Math.log(size));
}

// The value that a stored place stands for.
export function valueOf(stored, scale) {
  const fraction = (stored / STEPS + 1) / 2;
  if (scale.kind !== "symlog") return scale.low + fraction * (scale.high - scale.low);
  const bent = (2 * fraction - 1) * symlog(scale.high);
  const size = Math.abs(bent);
  return Math.sign(bent) * (size <= 1 ? size : Math.exp(size - 1));
}

// Mark of a stored place: 1 a bar above (clearly positive, or a gate nearly open), -1 below, 0 none.
export function mark(stored, scale, sign = 1) {
  if (scale.kind !== "sequential") return Math.abs(stored) < 0.1 * STEPS ? 0 : Math.sign(stored) * sign;
  return stored > 0.8 * STEPS ? 1 : stored < -0.8 * STEPS ? -1 : 0;
}

export function readTheme(root, figure, looks) {
  const style = getComputedStyle(root);
  const of = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const ground = of("background-color", "#ffffff");
  const dark = ground.startsWith("#") && ground.length === 7 && luminance(rgb(ground)) < 0.2;
  const lecture = looks.includes("lecture");
  const name = `${dark ? "dark" : "light"}${lecture ? " lecture" : ""}`;
  return {
    name, ground,
    palette: palette(figure.scale.stops[name]),
    likely: palette(figure.scale.likely[name]),
    text: of("text-color", "#1b1b20"),
    primary: of("primary-color", "#08519c"),
    edge: of("border-color", "#d5d8de"),
    select: dark ? "rgba(125,184,232,.25)" : "rgba(8,81,156,.16)",
    veil: dark ? "rgba(20,20,24,.55)" : "rgba(255,255,255,.55)",
    font: of("code-font", "monospace"),
    sans: of("font", "sans-serif"),
    quiet: dark ? "#a5a5b0" : "#5b5b66",
  };
}
