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

export default function component() {
  const mend = () => {
    for (const [where, how] of MISSING) document.querySelectorAll(where).forEach(how);
  };
  mend();
  const watch = new MutationObserver(mend);
  watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ["role"] });
  return () => watch.disconnect();
}
