// The address of the page and the browser.
// One entry of the history for each gesture: Streamlit adds one for every parameter that a page writes into its link, and one
// more before it leaves a page, so that Back would open half a view.
// A chart refers to its own colour bar and clipping by the address at which it was drawn: at another one it would lose them.

const GESTURES = ["pointerdown", "keydown", "change"];
const REFERRING = ["fill", "stroke", "clip-path"];

// A pushState that adds an entry in the first call after a gesture and replaces it in the calls that follow.
export function oncePerGesture(history, target) {
  const push = history.pushState.bind(history);
  let isFirst = false;
  for (const name of GESTURES) target.addEventListener(name, () => (isFirst = true), true);
  target.addEventListener("popstate", () => (isFirst = false), true);
  return (...entry) => {
    if (isFirst) push(...entry);
    else history.replaceState(...entry);
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
  history.pushState = oncePerGesture(history, window);
  for (const name of ["pushState", "replaceState"]) {
    const change = history[name].bind(history);
    history[name] = (...entry) => {
      change(...entry);
      referToThemselves();
    };
  }
  window.addEventListener("popstate", referToThemselves);
}

let isWatching = false;

export default function component() {
  if (!isWatching) watch(window.history);
  isWatching = true;
}
