// The form that sends: it counts while one types, and follows what was sent.

import { after, by, element, show, theirs } from "./dom.js";
import { number, say, tell } from "./words.js";
import { encodingWords, failure, person, stateBadge } from "./format.js";
import { Refused, get, post } from "./server.js";
import { explain } from "./access.js";
import { openRequest } from "./request.js";
import * as recipients from "./recipients.js";

const DRAFT = "smsbridge-draft";
const FOLLOWED = 5; // requests under the form

let allowed = null;
// What was last sent, {id, content}, until an answer says what became of it. The same content goes under the same id
// again, and nothing is sent twice.
let unanswered = null;
let modems = "";
let sending = null; // the id that was last sent under
const followed = new Map(); // by id: results by recipient
let counting = 0;

export async function start(access) {
  allowed = access;
  by("send-form").hidden = !allowed.send;
  by("send-closed").hidden = allowed.send;
  if (!allowed.send) {
    by("send-closed").replaceChildren(...explain("send_closed", allowed).filter(Boolean));
    return;
  }
  by("priority").append(
    element("option", { value: "" }, say("priority_usual")),
    ...Array.from({ length: 9 }, (_, n) => element("option", { value: n + 1 }, number(n + 1))),
  );
  by("send-form").addEventListener("submit", submit);
  by("send-form").addEventListener("input", changed);
  by("text").addEventListener("input", countSoon);
  by("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("send-form").requestSubmit();
  });
  takeDraft();
  window.addEventListener("pagehide", keepDraft);
  count();
  const contacts = await get("api/contacts").catch(() => ({ contacts: [] }));
  recipients.start(contacts.contacts, changed);
}

// What was said of the form is of what it held before.
function changed() {
  by("send-error").replaceChildren();
  for (const id of ["to", "text"]) by(id).removeAttribute("aria-invalid");
}

export function status(document) {
  const names = document.modems.map((modem) => modem.name);
  if (modems === names.join()) return;
  modems = names.join();
  const select = by("modem");
  const before = select.value;
  select.replaceChildren(
    element("option", { value: "" }, say("any_modem")),
    ...names.map((name) => element("option", { value: name }, name)),
  );
  select.value = names.includes(before) ? before : "";
}

// --- counting --------------------------------------------------------------------------------

// What could not be counted is, once the gateway is found again.
export const reload = () => (allowed?.send ? count() : undefined);

const countSoon = after(250, () => count());

async function count() {
  const text = by("text").value;
  const asked = ++counting;
  let words;
  if (text === "") {
    words = say("count_empty");
  } else {
    try {
      const counted = await post("api/count", { text });
      const { parts, max_parts: most } = counted;
      words = tell("count", {
        characters: element("span", {}, say("n_characters", { n: counted.characters })),
        parts: element("span", {}, say("n_parts", { n: counted.parts })),
        encoding: encodingWords(counted.encoding),
        left: element("span", {}, say("n_left", { n: counted.left })),
      });
      if (parts > most) {
        words.push(" ", element("span", { class: "error" }, tell("too_many_parts", { n: parts, most })));
      }
    } catch (error) {
      words =
        error instanceof Refused
          ? element("span", { class: "error", lang: "en" }, theirs(error.message))
          : say("no_answer");
    }
  }
  if (asked === counting) show(by("count"), words);
}

// --- sending ---------------------------------------------------------------------------------

// What the form holds.
function content() {
  const value = (id) => by(id).value;
  const body = { to: recipients.all(), text: value("text") };
  if (value("modem")) body.modem = value("modem");
  if (value("report")) body.delivery_report = value("report") === "yes";
  if (value("send-at")) body.send_at = new Date(value("send-at")).toISOString();
  if (value("priority")) body.priority = Number(value("priority"));
  return JSON.stringify(body);
}

// Not randomUUID: that is only there where the page came by TLS.
function newId() {
  const octets = crypto.getRandomValues(new Uint8Array(12));
  return "page-" + Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

async function submit(event) {
  event.preventDefault();
  const error = by("send-error");
  error.replaceChildren();
  const button = by("send-button");
  if (button.getAttribute("aria-disabled") === "true") return;
  for (const [id, isMissing, words] of [
    ["to", recipients.all().length === 0, "to_missing"],
    ["text", by("text").value === "", "text_missing"],
  ]) {
    if (isMissing) {
      by(id).setAttribute("aria-invalid", "true");
      error.textContent = say(words);
      by(id).focus();
      return;
    }
  }
  const now = content();
  if (unanswered?.content !== now) unanswered = { id: newId(), content: now };
  const { id } = unanswered;
  sending = id;
  // Not disabled, which would take the focus away.
  button.setAttribute("aria-disabled", "true");
  try {
    const { results } = await post("api/send", { id, ...JSON.parse(now) });
    follow(id, results);
    unanswered = null;
    const isTaken = results.length === 0 || results.some((result) => result.state !== "rejected");
    // What was written meanwhile is another message, and stays.
    if (isTaken && content() === now) clear();
  } catch (failed) {
    const isRefused = failed instanceof Refused;
    if (isRefused && failed.isCertain) unanswered = null;
    error.replaceChildren(
      ...(isRefused ? [element("span", { lang: "en" }, theirs(failed.message)), " "] : []),
      ...(unanswered === null ? [] : tell("send_unanswered")),
    );
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function clear() {
  by("text").value = "";
  by("send-at").value = "";
  recipients.set([]);
  count();
}

// --- what was sent ---------------------------------------------------------------------------

function follow(id, results) {
  followed.delete(id);
  // What came by the stream before the answer is newer.
  followed.set(
    id,
    new Map(results.map((result) => [result.to ?? "", early.get(`${id} ${result.to ?? ""}`) ?? result])),
  );
  while (followed.size > FOLLOWED) followed.delete(followed.keys().next().value);
  draw();
}

const early = new Map(); // results that come before the answer to the request

export function result(change) {
  const known = followed.get(change.id);
  if (known) {
    known.set(change.to ?? "", change);
    draw();
  } else if (change.id === sending) {
    early.set(`${change.id} ${change.to ?? ""}`, change);
    while (early.size > 100) early.delete(early.keys().next().value);
  }
}

function draw() {
  show(
    by("sent"),
    [...followed]
      .reverse()
      .flatMap(([id, results]) =>
        [...results].map(([to, one]) =>
          element(
            "li",
            { "data-key": `${id} ${to}` },
            element(
              "button",
              { type: "button", class: "row", onclick: () => openRequest(id, allowed) },
              element("span", { class: "who" }, person(one.contact, one.to)),
              stateBadge(one.state),
              one.error ? element("span", { class: "what error" }, failure(one.error)) : null,
            ),
          ),
        ),
      ),
  );
}

// Begins a message to them.
export function answer(to) {
  recipients.set([to]);
  changed();
  by("send").scrollIntoView({ block: "start" });
  by("text").focus({ preventScroll: true });
}

// --- a draft over a reload -------------------------------------------------------------------

const SETTINGS = ["modem", "report", "send-at", "priority"];

function keepDraft() {
  if (!allowed?.send) return;
  const settings = SETTINGS.map((id) => [id, by(id).value]);
  const draft = { to: recipients.all(), text: by("text").value, settings, unanswered };
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // Forbidden by the browser's settings; then it is typed again.
  }
}

// Whoever logs out leaves nothing behind.
export function forgetDraft() {
  window.removeEventListener("pagehide", keepDraft);
}

function takeDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    sessionStorage.removeItem(DRAFT);
    if (!draft) return;
    recipients.set(draft.to);
    by("text").value = draft.text;
    for (const [id, value] of draft.settings) {
      // Which modems there are is not known yet.
      if (id === "modem") by(id).replaceChildren(element("option", { value }, value === "" ? say("any_modem") : value));
      by(id).value = value;
    }
    by("more").open = draft.settings.some(([, value]) => value !== "");
    unanswered = draft.unanswered ?? null;
  } catch {
    // There is none then.
  }
}
