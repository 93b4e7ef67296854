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
// The id of what the form holds. An answer that was lost is asked for under the same, and nothing is sent twice.
let draftId = null;
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
  by("send-form").addEventListener("change", changed);
  by("text").addEventListener("input", () => {
    changed();
    countSoon();
  });
  by("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("send-form").requestSubmit();
  });
  const contacts = await get("api/contacts").catch(() => ({ contacts: [] }));
  recipients.start(contacts.contacts, changed);
  takeDraft();
  count();
}

// What is in the form is another message now.
function changed() {
  draftId = null;
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
      words = tell("count", {
        characters: element("span", {}, say("n_characters", { n: counted.characters })),
        parts: element("span", {}, say("n_parts", { n: counted.parts })),
        encoding: encodingWords(counted.encoding),
        left: element("span", {}, say("n_left", { n: counted.left })),
      });
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

function request() {
  const value = (id) => by(id).value;
  const body = { id: draftId, to: recipients.all(), text: value("text") };
  if (value("modem")) body.modem = value("modem");
  if (value("report")) body.delivery_report = value("report") === "yes";
  if (value("send-at")) body.send_at = new Date(value("send-at")).toISOString();
  if (value("priority")) body.priority = Number(value("priority"));
  return body;
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
  draftId ??= newId();
  const body = request();
  sending = body.id;
  // Not disabled, which would take the focus away.
  button.setAttribute("aria-disabled", "true");
  try {
    const { id, results } = await post("api/send", body);
    follow(id, results);
    // What was written meanwhile is another message, and stays.
    if (draftId === id && results.some((result) => result.state !== "rejected")) clear();
    draftId = null;
  } catch (refused) {
    const isAnswer = refused instanceof Refused;
    error.replaceChildren(...(isAnswer ? [theirs(refused.message)] : tell("send_unanswered")));
    if (isAnswer) draftId = null;
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

export function keepDraft() {
  if (!allowed?.send) return;
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify({ to: recipients.all(), text: by("text").value }));
  } catch {
    // Forbidden by the browser's settings; then it is typed again.
  }
}

function takeDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    sessionStorage.removeItem(DRAFT);
    if (!draft) return;
    recipients.set(draft.to);
    by("text").value = draft.text;
  } catch {
    // There is none then.
  }
}
