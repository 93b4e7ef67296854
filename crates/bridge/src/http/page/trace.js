// The AT trace of a modem as it happens, masked by the gateway: a bounded number of lines, which can be held.

import { element, theirs } from "./dom.js";
import { say, tell } from "./words.js";
import { ask } from "./panel.js";
import { Stream } from "./stream.js";

const MOST = 500; // lines

export function openTrace(modem) {
  const log = element("ol");
  const box = element("div", { class: "trace", tabindex: "0", role: "region", "aria-label": say("trace_lines") }, log);
  const note = element("p", { class: "quiet", role: "status" }, say("trace_waits"));
  let held = null; // lines that came while it is held
  const hold = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      onclick: () => {
        if (held === null) {
          held = [];
        } else {
          held.forEach(add);
          held = null;
        }
        hold.setAttribute("aria-pressed", String(held !== null));
        hold.textContent = say(held === null ? "pause" : "resume");
        count();
      },
    },
    say("pause"),
  );
  const clear = element("button", { type: "button", onclick: () => log.replaceChildren() }, say("clear"));

  function add(line) {
    // Whoever reads further up is left there.
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    log.append(row(line));
    while (log.children.length > MOST) log.firstElementChild.remove();
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }

  function count() {
    note.replaceChildren(...(held === null ? [] : tell("trace_held", { n: held.length })));
  }

  const stream = new Stream(`api/trace/${encodeURIComponent(modem)}`, {
    open() {
      // It begins with the last lines there are, those of before among them.
      log.replaceChildren();
      if (held) held = [];
      count();
    },
    lost: () => note.replaceChildren(say("trace_lost")),
    event(name, line) {
      const shown = name === "gap" ? null : line;
      if (held === null) {
        add(shown);
      } else {
        held.push(shown);
        if (held.length > MOST) held.shift();
        count();
      }
    },
  });
  ask(
    element("span", {}, tell("trace_of", { modem })),
    element(
      "div",
      { class: "trace-panel" },
      element("p", { class: "hint" }, say("trace_hint")),
      element("div", { class: "buttons" }, hold, clear),
      note,
      box,
    ),
    { close: () => stream.end() },
  );
}

function row(line) {
  if (line === null) return element("li", { class: "quiet" }, say("trace_gap"));
  const isSent = line.direction === "sent";
  const at = new Date(line.at);
  const time = Number.isNaN(at.getTime())
    ? ""
    : at.toTimeString().slice(0, 8) + "." + String(at.getMilliseconds()).padStart(3, "0");
  return element(
    "li",
    { class: isSent ? "sent-line" : "" },
    element("span", { class: "quiet" }, time),
    " ",
    element("span", { "aria-hidden": "true" }, isSent ? "→" : "←"),
    element("span", { class: "unseen" }, say(isSent ? "trace_sent" : "trace_received")),
    " ",
    theirs(line.text),
  );
}
