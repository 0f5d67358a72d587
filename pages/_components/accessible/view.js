// What Streamlit leaves out of its own parts: checked by axe on every panel.

const MISSING = [
  // A region that scrolls must be reached by keyboard.
  ["[data-testid=stCode] pre:not([tabindex])", (part) => part.setAttribute("tabindex", "0")],
  // It has a name and can be focused, so it is no decoration.
  ["[data-testid=stFileUploaderDropzone][role=presentation]", (part) => part.setAttribute("role", "group")],
  // The column of the boxes that select a row.
  ["[data-testid=stDataFrame] th:empty:not([aria-label])", (part) => part.setAttribute("aria-label", "selected")],
  // A figure that is read from its end opens there, as soon as it is drawn; from then on the visitor scrolls it.
  ["[class*=st-key-scrolling-end-]:not([data-opened])", (part) => {
    if (!part.querySelector("svg.marks, canvas.marks") || part.scrollWidth <= part.clientWidth) return;
    part.scrollLeft = part.scrollWidth;
    part.setAttribute("data-opened", "");
  }],
];

// An address that names a panel opens at that panel, not at the top of its page: the figure above it may fill the screen. Until the page
// has been drawn its parts move, so it is followed for a while, but never against a visitor who scrolls, touches or types.
const PANEL = [...new URLSearchParams(window.location.search).keys()].find((name) => name.endsWith(".panel"));
const FOLLOWED = 8000; // milliseconds from the first sight of the panels
let arriving = Boolean(PANEL);
let firstSeen = 0;
for (const act of ["wheel", "touchstart", "pointerdown", "keydown"]) {
  window.addEventListener(act, () => { arriving = false; }, { capture: true, passive: true, once: true });
}

function follow() {
  const bar = arriving && document.querySelector(`.st-key-${CSS.escape(PANEL.replaceAll(".", "-"))}`);
  if (!bar) return;
  firstSeen = firstSeen || performance.now();
  arriving = performance.now() - firstSeen < FOLLOWED;
  bar.style.scrollMarginTop = "76px"; // the bar of pages lies over the top
  bar.scrollIntoView({ block: "start" });
}

export default function component() {
  const mend = () => {
    for (const [where, how] of MISSING) document.querySelectorAll(where).forEach(how);
    follow();
  };
  mend();
  document.documentElement.setAttribute("data-mended", ""); // for a reader of the page who looks before this has been loaded
  const watch = new MutationObserver(mend);
  watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ["role"] });
  return () => watch.disconnect();
}
