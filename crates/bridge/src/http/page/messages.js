// Messages in and out, newest first, as they happen: the list, its search, and its pages.

import { after, atMostEvery, by, element, show, theirs } from "./dom.js";
import { say, tell } from "./words.js";
import { moment, person, stateBadge } from "./format.js";
import { get } from "./server.js";
import * as beside from "./happened.js";
import { openReceived } from "./received.js";
import { openRequest } from "./request.js";

const PAGE = 30;
// Rows the page holds, so that one which is open for months does not grow.
const MOST = 200;
// Of a text in the list; its own panel has all of it.
const SHOWN = 300; // characters
const FRUITLESS = 10; // pages without a match, before somebody has to ask for more
const INTERVAL = 3_000; // ms between two loads of the list
const ANNOUNCED = 5_000; // ms between two announcements

const rows = new Map(); // by key: {entry, node}
let next = null; // where older ones begin
let isNewest = true; // whether the list begins with the newest there is
let hasOlder = false; // whether older ones were asked for
let unseen = 0; // came while the list begins with older ones
let asked = 0; // the newest question: answers of others come too late
let loading = null; // the newest load of the list, while it is under way
let meanwhile = null; // what happened while the list is loaded, which the answer may be too old for
let isOlderAsked = false; // while older ones are on their way
let allowed = null;

function key(entry) {
  if (entry.direction === "beside") return entry.key;
  return entry.direction === "in" ? `in ${entry.id}` : `out ${entry.id} ${entry.to ?? ""}`;
}

export function start(access) {
  allowed = access;
  const changed = () => load(PAGE);
  by("search").addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
  by("search-text").placeholder = say("search");
  by("search-text").addEventListener("input", after(300, changed));
  by("direction").addEventListener("change", changed);
  by("older").addEventListener("click", older);
  by("newest").addEventListener("click", async () => {
    await load(PAGE);
    by("messages-title").scrollIntoView({ block: "start" });
  });
}

const query = (more) => ({ search: by("search-text").value.trim(), direction: by("direction").value, ...more });

const isFiltered = () => query().search !== "" || query().direction !== "";

// What a page shows: messages, and what happened between them.
const entries = ({ messages, next }) => (isFiltered() ? messages : beside.amid(messages, next === null));

// The pages from `from` on, until there are matches: {messages, next}; null where another question was asked meanwhile.
async function pages(limit, from) {
  const question = ++asked;
  let cursor = from;
  for (let page = 0; page < FRUITLESS; page += 1) {
    let answer;
    try {
      answer = await get("api/messages", query({ limit, after: cursor }));
    } catch (error) {
      if (question !== asked) return null;
      throw error;
    }
    if (question !== asked) return null;
    if (answer.messages.length > 0 || answer.next === null) return answer;
    cursor = answer.next;
  }
  return { messages: [], next: cursor };
}

// As many as are shown: whoever reads older ones keeps them.
export const reload = atMostEvery(INTERVAL, () => (isNewest ? load(Math.max(rows.size, PAGE)) : undefined));

// Another load that is under way is given up for this one.
function load(limit) {
  const mine = takeNewest(limit).finally(() => {
    if (loading === mine) loading = null;
  });
  loading = mine;
  return mine;
}

async function takeNewest(limit) {
  let answer;
  meanwhile ??= [];
  try {
    answer = await pages(limit, null);
  } catch (error) {
    meanwhile = null;
    note(element("span", { class: "error" }, tell("not_loaded"), " ", theirs(error.message)));
    return;
  }
  if (answer === null) return; // the load behind this one has all of it
  rows.clear();
  for (const entry of entries(answer)) add(entry);
  show(
    by("message-list"),
    [...rows.values()].map((row) => row.node),
  );
  // Those that were there before are shown by the elements of before.
  for (const node of by("message-list").children)
    Object.assign(rows.get(node.dataset.key), { node, button: node.firstElementChild });
  [next, isNewest, hasOlder, unseen] = [answer.next, true, hasOlder && limit > PAGE, 0];
  afterChange();
  const late = meanwhile ?? [];
  meanwhile = null;
  for (const again of late) again();
}

async function older() {
  if (isOlderAsked) return;
  isOlderAsked = true;
  try {
    await takeOlder();
  } finally {
    isOlderAsked = false;
  }
}

async function takeOlder() {
  const wanted = JSON.stringify(query());
  let answer = null;
  try {
    // The list that is loaded meanwhile begins anew, and what comes behind it is asked for then.
    while (answer === null) {
      while (loading !== null) await loading;
      if (next === null || JSON.stringify(query()) !== wanted) return;
      answer = await pages(PAGE, next);
    }
  } catch (error) {
    note(element("span", { class: "error" }, tell("not_loaded"), " ", theirs(error.message)));
    return;
  }
  const first = answer.messages.find((entry) => !rows.has(key(entry)));
  for (const entry of entries(answer)) {
    if (!rows.has(key(entry))) by("message-list").append(add(entry).node);
  }
  [next, hasOlder] = [answer.next, true];
  while (rows.size > MOST) {
    remove(rows.keys().next().value);
    isNewest = false;
  }
  afterChange();
  // Where the button is gone, or the reader would have to go back.
  if (first) rows.get(key(first))?.node.querySelector("button").focus({ preventScroll: true });
}

// One that came in.
export function received(entry) {
  announce(entry);
  appear(entry);
}

function appear(entry) {
  meanwhile?.push(() => appear(entry));
  const direction = by("direction").value;
  if (direction === "out" || rows.has(key({ ...entry, direction: "in" }))) return;
  // Whether it is what is searched for, the store knows.
  if (query().search !== "") reload();
  else insert({ ...entry, direction: "in" });
}

// A page that is open over midnight says of what came before which day that was.
let today = new Date().toDateString();
export function status() {
  const now = new Date().toDateString();
  if (now === today) return;
  today = now;
  for (const row of rows.values()) fill(row);
}

// A step of one that goes out.
export function result(change) {
  if (change.dry_run || change.duplicate || change.conflict || change.id === null) return;
  meanwhile?.push(() => result(change));
  const row = rows.get(key({ ...change, direction: "out" }));
  if (row) {
    if (new Date(change.at) < new Date(row.entry.at)) return;
    Object.assign(row.entry, change);
    fill(row);
  } else if (by("direction").value !== "in" && ["accepted", "rejected"].includes(change.state)) {
    // A new one, and what it says is not in a result. A later step is of one further back.
    reload();
  }
}

// What is no message has one line, and no panel.
function happen(entry) {
  const row = rows.get(entry.key);
  if (row) fill(row);
  else if (!isFiltered()) insert(entry);
}

export const call = (told) => happen(beside.call(told));
export const broadcast = (told) => happen(beside.broadcast(told));
export const ussd = (told) => happen(beside.ussd(told));

function insert(entry) {
  if (!isNewest) {
    unseen += 1;
  } else if (rows.size >= MOST && hasOlder) {
    // Somebody reads older ones: nothing moves under their eyes.
    [isNewest, unseen] = [false, 1];
  } else if (rows.size >= MOST) {
    // One that is under way has it, or takes it up behind.
    if (loading === null) load(PAGE);
    return;
  } else {
    const row = add(entry);
    row.node.classList.add("is-new");
    by("message-list").prepend(row.node);
    // The map has the order of the list.
    const others = [...rows].filter(([known]) => known !== key(entry));
    rows.clear();
    rows.set(key(entry), row);
    for (const [known, other] of others) rows.set(known, other);
  }
  afterChange();
}

function remove(known) {
  rows.get(known).node.remove();
  rows.delete(known);
}

function afterChange() {
  by("older").hidden = next === null;
  by("newest").hidden = isNewest;
  by("newest").replaceChildren(say("newest"), unseen > 0 ? ` (${unseen})` : "");
  note(rows.size > 0 ? null : say(next !== null ? "no_match_yet" : isFiltered() ? "no_match" : "no_messages"));
}

const note = (words) => show(by("message-note"), words);

function add(entry) {
  const row = {
    entry,
    node: element("li", { "data-key": key(entry), class: entry.direction }),
  };
  rows.set(key(entry), row);
  row.button =
    entry.direction === "beside"
      ? element("div", { class: "row quiet" })
      : element("button", { type: "button", class: "row", onclick: () => openRow(row.entry) });
  row.node.append(row.button);
  fill(row);
  return row;
}

function openRow(entry) {
  if (entry.direction === "in") openReceived(entry.id);
  else openRequest(entry.id, allowed);
}

function fill({ entry, button }) {
  if (entry.direction === "beside") {
    show(button, beside.line(entry));
    return;
  }
  const isIn = entry.direction === "in";
  show(
    button,
    element("span", { class: "arrow", "aria-hidden": "true" }, isIn ? "↓" : "↑"),
    element(
      "span",
      { class: "who" },
      element("span", { class: "unseen" }, say(isIn ? "from" : "to_whom"), " "),
      person(entry.contact, isIn ? entry.from : entry.to),
      entry.contact ? element("span", { class: "quiet" }, " ", theirs(isIn ? entry.from : (entry.to ?? ""))) : null,
    ),
    element("span", { class: "when" }, moment(isIn ? entry.received_at : entry.at)),
    element("span", { class: "what", dir: "auto" }, summary(entry)),
    element("span", { class: "marks" }, marks(entry)),
  );
}

function summary(entry) {
  if (typeof entry.text === "string" && entry.text !== "") return theirs(entry.text, { limit: SHOWN });
  const words =
    entry.direction === "in" && entry.error
      ? say("undecodable")
      : entry.kind
        ? say(`kind_${entry.kind}`)
        : entry.data !== undefined
          ? say("kind_data")
          : say("no_text");
  return element("span", { class: "quiet" }, words);
}

function marks(entry) {
  if (entry.direction === "out")
    return [
      element("span", { class: "unseen" }, " "),
      stateBadge(entry.state),
      entry.report === "missing" ? element("span", { class: "quiet" }, say("report_missing")) : null,
      entry.modem ? element("span", { class: "quiet by" }, theirs(entry.modem)) : null,
    ];
  return [
    entry.complete === false ? stateBadge("incomplete") : null,
    entry.rule ? element("span", { class: "quiet" }, tell("rule_of", { rule: entry.rule })) : null,
    element("span", { class: "quiet by" }, theirs(entry.modem)),
  ];
}

// Said by a screen reader: one for each, or how many, but no flood.
let news = [];
const speak = atMostEvery(ANNOUNCED, () => {
  const [first, ...others] = news;
  news = [];
  if (first === undefined) return;
  by("announced").textContent =
    others.length > 0
      ? say("many_new", { n: others.length + 1 })
      : say("one_new", { from: first.contact ?? first.from ?? say("nobody") });
});

function announce(entry) {
  news.push(entry);
  speak();
}
