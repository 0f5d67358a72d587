// What is typed into a text box is told without Enter: a moment after the last letter the box is given the key that it waits for.

const PAUSE = 120; // ms after a letter

export default function component({ data }) {
  let waiting;
  const listen = (event) => {
    if (event.isComposing || !event.target.closest?.(data.box)) return; // half an accent is no letter yet
    clearTimeout(waiting);
    waiting = setTimeout(() => event.target.dispatchEvent(enter()), PAUSE);
  };
  document.addEventListener("input", listen);
  return () => {
    clearTimeout(waiting);
    document.removeEventListener("input", listen);
  };
}

function enter() {
  return new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true });
}
