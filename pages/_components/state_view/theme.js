// Colours of the page around, light or dark, as Streamlit's variables tell them.

import { luminance, palette, rgb } from "./colour.js";

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
    likely: palette(likely(dark, lecture)),
    text: of("text-color", "#1b1b20"),
    primary: of("primary-color", "#08519c"),
    edge: of("border-color", "#d5d8de"),
    select: dark ? "rgba(125,184,232,.25)" : "rgba(8,81,156,.16)",
    veil: dark ? "rgba(20,20,24,.55)" : "rgba(255,255,255,.55)",
    font: of("code-font", "monospace"),
  };
}

// The likely next characters: from nothing to plain ink; in lecture colours to red, as in Karpathy's figure.
function likely(dark, lecture) {
  if (lecture) return dark ? ["#141418", "#a51d1d", "#ff5a4a"] : ["#ffffff", "#ff9d8a", "#d7191c"];
  return dark ? ["#141418", "#777783", "#ececf1"] : ["#ffffff", "#9a9aa3", "#2b2b33"];
}
