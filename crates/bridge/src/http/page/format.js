// Times, numbers and states as people read them.

import { element, theirs } from "./dom.js";
import { has, locale, say, tell } from "./words.js";

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const far = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

// A moment: as short as it is clear, exact where the pointer rests.
export function moment(at, isExact = false) {
  const date = new Date(at ?? NaN);
  if (Number.isNaN(date.getTime())) return theirs(at ?? "–");
  const now = new Date();
  const isToday = date.toDateString() === now.toDateString();
  const isNear = Math.abs(now - date) < 180 * 24 * 3600 * 1000;
  const form = isExact ? exact : isToday ? clock : isNear ? day : far;
  return element("time", { datetime: date.toISOString(), title: exact.format(date) }, form.format(date));
}

// A person of a message: the contact's name where there is one.
export const person = (contact, number) => theirs(contact ?? number ?? say("nobody"));

// How far a message has come.
export function stateBadge(state) {
  const words = has(`state_${state}`) ? say(`state_${state}`) : state;
  return element("span", { class: `state state-${tone(state)}` }, theirs(words));
}

function tone(state) {
  if (["delivered", "online"].includes(state)) return "good";
  if (["failed", "rejected", "expired", "offline"].includes(state)) return "bad";
  if (["unknown", "connecting", "incomplete"].includes(state)) return "warning";
  return "plain";
}

// Why something failed: in the reader's language where the code is known, with the gateway's own words.
export function failure(error) {
  if (!error) return null;
  const key = `code_${error.code}`;
  const own = element("span", { lang: "en" }, theirs(error.message));
  return has(key) ? [...tell(key), element("span", { class: "quiet" }, " · ", own)] : own;
}

export const encodingWords = (encoding) => (has(`encoding_${encoding}`) ? say(`encoding_${encoding}`) : encoding);

// Names and values, those without a value left out.
export function facts(pairs) {
  return element(
    "dl",
    { class: "facts-list" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) =>
        element("div", {}, element("dt", {}, typeof key === "string" ? say(key) : key), element("dd", {}, value)),
      ),
  );
}

// A text from outside, whole, in the direction it is written in.
export function text(words) {
  if (words === undefined || words === null || words === "") return element("p", { class: "quiet" }, say("no_text"));
  return element("blockquote", { class: "text", dir: "auto" }, theirs(words, { lines: true }));
}
