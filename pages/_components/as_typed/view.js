// Send what is typed into a text box without Enter: shortly after the last keystroke, the box gets an Enter key event.

const PAUSE = 120; // ms after a letter

export default function component({ data }) {
  let waiting;
  const listen = (event) => {
    if (event.isComposing || !event.target.closest?.(data.box)) return; // an accent is still being composed
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
