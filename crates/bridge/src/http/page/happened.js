// What happens beside messages while the page is open: calls, cell broadcasts, answers to USSD codes. The store has
// none of it, so this remembers the last ones.

import { element, theirs } from "./dom.js";
import { say, tell } from "./words.js";
import { moment, person } from "./format.js";

const KEPT = 50;
// A cell broadcast has no more: 15 pages.
const SHOWN = 1_400; // characters of a text

const known = []; // newest first: {direction, key, at, rings, who(), words(), modem}
let count = 0;

function remember(entry) {
  known.unshift({ direction: "beside", key: `beside ${++count}`, ...entry });
  known.length = Math.min(known.length, KEPT);
  return known[0];
}

// One that rings, and then the same one that was missed.
export function call({ modem, from, contact, at, state }) {
  const words = () => tell(state === "missed" ? "call_missed" : "call_ringing");
  const who = () => person(contact, from);
  const ringing = state === "missed" ? known.find((entry) => entry.rings === modem) : undefined;
  if (ringing) return Object.assign(ringing, { rings: null, who, words });
  const rings = state === "ringing" ? modem : null;
  return remember({ at, rings, who, words, modem });
}

export function broadcast({ modem, at, channel, text, warning, error }) {
  const words = () => {
    if (text) return theirs(text, { limit: SHOWN });
    if (error) return theirs(error, { limit: SHOWN });
    return warning ? theirs(warning.type) : say("kind_data");
  };
  const who = () => (channel === undefined ? say("broadcast") : tell("broadcast_on", { channel: String(channel) }));
  return remember({ at, who, words, modem });
}

export function ussd({ text, state }) {
  const words = () => (text ? theirs(text, { limit: SHOWN }) : say("no_text"));
  const who = () => say(state === "failed" ? "ussd_failed" : "ussd");
  return remember({ at: new Date().toISOString(), who, words });
}

// Messages, newest first, with what happened between them; and before them, where nothing is older.
export function amid(messages, isOldest) {
  const when = (entry) => new Date(entry.direction === "in" ? entry.received_at : entry.at);
  const oldest = messages.length > 0 ? when(messages.at(-1)) : -Infinity;
  const beside = known.filter((entry) => isOldest || when(entry) >= oldest);
  const all = [];
  for (const message of messages) {
    while (beside.length > 0 && when(beside[0]) > when(message)) all.push(beside.shift());
    all.push(message);
  }
  return [...all, ...beside];
}

// One line, with nothing behind it.
export function line({ who, words, at, modem }) {
  return [
    element("span", { class: "who" }, who()),
    element("span", { class: "when" }, moment(at)),
    element("span", { class: "what", dir: "auto" }, words()),
    modem ? element("span", { class: "marks" }, element("span", { class: "quiet by" }, theirs(modem))) : null,
  ];
}
