// The panel at the side, which shows one thing at a time, and the question before something that cannot be undone.
//
// Both are dialogs of the browser's own: Escape closes them, focus stays inside and goes back to where it was.

import { by, element } from "./dom.js";
import { say } from "./words.js";

// What is shown: {received?, result?, status?, reload?, close?}; null while the panel is closed.
let content = null;

export function prepare() {
  const panel = by("panel");
  by("panel-close").addEventListener("click", () => panel.close());
  panel.addEventListener("close", emptied);
  for (const dialog of [panel, by("question")]) {
    // A click beside it, which is on the dialog itself and outside of its box.
    dialog.addEventListener("click", (event) => {
      const box = dialog.getBoundingClientRect();
      const isInside =
        event.clientX >= box.left &&
        event.clientX <= box.right &&
        event.clientY >= box.top &&
        event.clientY <= box.bottom;
      if (event.target === dialog && !isInside && event.detail > 0) dialog.close();
    });
  }
}

function emptied() {
  content?.close?.();
  content = null;
  by("panel-body").replaceChildren();
}

// Opens it with these nodes. What is shown hears of events while it is there.
export function ask(title, node, hears = {}) {
  const panel = by("panel");
  if (panel.open) emptied();
  by("panel-title").replaceChildren(title);
  by("panel-body").replaceChildren(node);
  content = hears;
  if (!panel.open) panel.showModal();
  by("panel-title").focus();
}

export const close = () => by("panel").close();

export const received = (entry) => content?.received?.(entry);
export const result = (change) => content?.result?.(change);
export const status = (document) => content?.status?.(document);
export const reload = () => content?.reload?.();

// Asks once. True where it is to be done.
export function confirm(title, words, yes) {
  const dialog = by("question");
  by("question-title").replaceChildren(title);
  by("question-words").replaceChildren(...[words].flat());
  by("question-yes").textContent = yes;
  by("question-no").textContent = say("keep");
  return new Promise((answer) => {
    let isYes = false;
    by("question-yes").onclick = () => {
      isYes = true;
      dialog.close();
    };
    by("question-no").onclick = () => dialog.close();
    dialog.addEventListener("close", () => answer(isYes), { once: true });
    dialog.showModal();
    by("question-no").focus();
  });
}

// A place for what is asked for, with words where it cannot be had.
export function place() {
  return element("div", { class: "loaded", "aria-busy": "true" }, element("p", { class: "quiet" }, say("loading")));
}
