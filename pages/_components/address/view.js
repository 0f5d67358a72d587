// The address of the page and the browser, and the colours of the page.
// One entry of the history for each gesture. Streamlit adds one for every parameter that a page writes into its link, and one
// more before it leaves a page, so that Back would open half a view; and it adds none for a widget that is bound to the link, so
// that Back would leave the page instead of opening the panel before.
// A chart refers to its own colour bar and clipping by the address at which it was drawn: at another one it would lose them.

const GESTURES = ["pointerdown", "keydown", "change"];
const REFERRING = ["fill", "stroke", "clip-path"];
const FIELDS = "input, textarea, [role=slider], [contenteditable=true]";

// Whether an event begins a gesture: typing in one field is one until Enter, and so are the arrow keys on one slider.
export function gestures() {
  let field = null;
  return (event) => {
    const target = event.composedPath()[0];
    const isMore = event.type !== "pointerdown" && event.key !== "Enter" && field !== null && target === field;
    field = target?.matches?.(FIELDS) ? target : null;
    return !isMore;
  };
}

// pushState and replaceState that add an entry in the first change of the address after a gesture and replace it in those that follow.
export function oncePerGesture(history, target, address) {
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  const begins = gestures();
  let isFirst = false;
  const note = (event) => (isFirst = begins(event) || isFirst);
  for (const name of GESTURES) target.addEventListener(name, note, true);
  target.addEventListener("popstate", () => (isFirst = false), true);
  return (state, title, url) => {
    if (url === undefined || url === null || new URL(url, address()).href === address()) return replace(state, title, url);
    (isFirst ? push : replace)(state, title, url);
    isFirst = false;
  };
}

// "url(http://host/page?unit=3#gradient_0)" -> "url(#gradient_0)"
export function withoutAddress(reference) {
  return reference.replace(/url\((["']?)[^#)]*#/, "url($1#");
}

function referToThemselves() {
  for (const name of REFERRING) {
    for (const part of document.querySelectorAll(`svg [${name}^="url("]`)) part.setAttribute(name, withoutAddress(part.getAttribute(name)));
  }
}

function watch(history) {
  const change = oncePerGesture(history, window, () => location.href);
  for (const name of ["pushState", "replaceState"]) {
    history[name] = (...entry) => {
      change(...entry);
      referToThemselves();
    };
  }
  window.addEventListener("popstate", referToThemselves);
}

// Whether the ground of the page has another colour than at the call before; a page that is only being built has none.
export function recoloured() {
  let before = "";
  return (now) => {
    const isOther = Boolean(before && now && now !== before);
    before = now || before;
    return isOther;
  };
}

let isWatching = false;
const isOther = recoloured();

// Called again when the theme changes: figures have their colours from the server, so it is asked for them again.
export default function component({ parentElement, setTriggerValue }) {
  if (!isWatching) watch(window.history);
  isWatching = true;
  const ground = getComputedStyle(parentElement.host ?? parentElement).getPropertyValue("--st-background-color").trim();
  if (isOther(ground)) setTriggerValue("recoloured", true);
}
