// Makes elements. The only way a text gets into the page is as text: nothing here, or anywhere, parses HTML.

import { pieces } from "./hidden.js";

export const by = (id) => document.getElementById(id);

// element("p", {class: "quiet"}, "words", another): attributes that are null or false are left out, `onclick` listens.
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "onclick") made.onclick = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// What somebody else wrote, within a sentence of ours: it cannot turn the words beside it round.
export function theirs(text, { lines = false, limit = Infinity } = {}) {
  const bdi = element("bdi");
  let left = limit;
  for (const piece of pieces(text, lines)) {
    if (left <= 0) {
      bdi.append("…");
      break;
    }
    if (piece.text !== undefined) {
      const some = left === Infinity ? piece.text : [...piece.text].slice(0, left).join("");
      left -= [...some].length;
      bdi.append(some.length < piece.text.length ? some + "…" : some);
      if (some.length < piece.text.length) break;
    } else {
      const times = piece.count > 1 ? `×${piece.count}` : "";
      bdi.append(element("span", { class: "hidden-character" }, piece.hidden + times));
      left -= 1;
    }
  }
  return bdi;
}

// Gives the element these children by changing what is different: focus, selection and what somebody opened stay. A
// child with data-key is the same one wherever it moved.
export function show(parent, ...children) {
  const wanted = [...element("div", {}, ...children).childNodes];
  const keys = new Set(wanted.map(key).filter(Boolean));
  const keyed = new Map();
  for (const node of [...parent.childNodes]) {
    if (!key(node)) continue;
    if (keys.has(key(node))) keyed.set(key(node), node);
    else node.remove();
  }
  let at = parent.firstChild;
  for (const node of wanted) {
    const same = key(node) ? keyed.get(key(node)) : at && !key(at) && isAlike(at, node) ? at : undefined;
    if (same === undefined) {
      parent.insertBefore(node, at);
    } else {
      if (same === at) at = at.nextSibling;
      else parent.insertBefore(same, at);
      update(same, node);
    }
  }
  while (at) {
    const rest = at;
    at = at.nextSibling;
    rest.remove();
  }
}

const key = (node) => node.dataset?.key;
const isAlike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName;

function update(node, wanted) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== wanted.data) node.data = wanted.data;
    return;
  }
  for (const { name } of [...node.attributes]) {
    if (name !== "open" && !wanted.hasAttribute(name)) node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  node.onclick = wanted.onclick;
  show(node, ...wanted.childNodes);
}

// Runs `what` at most once in `interval` ms: at once, and again after whatever came meanwhile.
export function atMostEvery(interval, what) {
  let waits = false;
  let isAsked = false;
  const run = async () => {
    if (waits) {
      isAsked = true;
      return;
    }
    waits = true;
    isAsked = false;
    try {
      await what();
    } finally {
      setTimeout(() => {
        waits = false;
        if (isAsked) run();
      }, interval);
    }
  };
  return run;
}

// Runs `what` when nothing came for `pause` ms.
export function after(pause, what) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(what, pause);
  };
}
