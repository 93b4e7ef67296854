// What waits to be sent, in the order it would be, and how to take it back.

import { atMostEvery, by, element, show, theirs } from "./dom.js";
import { number, say, tell } from "./words.js";
import { moment, person, stateBadge } from "./format.js";
import { get } from "./server.js";
import { cancel } from "./cancel.js";
import { openRequest } from "./request.js";

const SHOWN = 160; // characters of a text
const INTERVAL = 3_000; // ms between two looks while messages come and go

let allowed = null;
let waiting = null; // how many, as the last status said
let failed = null; // why the last one could not be taken back

export function start(access) {
  allowed = access;
}

export function status({ gateway }) {
  if (waiting !== gateway.queue.send) reload();
  waiting = gateway.queue.send;
}

export const result = () => reload();

export const reload = atMostEvery(INTERVAL, load);

async function load() {
  let answer;
  try {
    answer = await get("api/queue");
  } catch (error) {
    show(by("queue-note"), element("span", { class: "error" }, tell("not_loaded"), " ", theirs(error.message)));
    return;
  }
  show(by("queue-list"), answer.messages.map(row));
  show(
    by("queue-note"),
    failed === null ? null : element("span", { class: "error" }, failed, " "),
    answer.messages.length === 0 ? say("queue_empty") : answer.more ? say("queue_more") : null,
  );
  by("queue-count").hidden = answer.messages.length === 0;
  by("queue-count").textContent = number(answer.messages.length) + (answer.more ? "+" : "");
}

function row(message) {
  return element(
    "li",
    { "data-key": `${message.id} ${message.to}` },
    element(
      "button",
      { type: "button", class: "row", onclick: () => openRequest(message.id, allowed) },
      element("span", { class: "who" }, person(message.contact, message.to)),
      element(
        "span",
        { class: "what", dir: "auto" },
        message.text === undefined
          ? element("span", { class: "quiet" }, say("no_text"))
          : theirs(message.text, { limit: SHOWN }),
      ),
      element(
        "span",
        { class: "marks quiet" },
        message.sending_by
          ? element("span", {}, tell("step_sending", { modem: message.sending_by }))
          : message.modem
            ? element("span", {}, theirs(message.modem))
            : null,
        message.send_at ? element("span", {}, tell("not_before", { at: moment(message.send_at) })) : null,
        message.priority > 0 ? element("span", {}, tell("priority_is", { n: message.priority })) : null,
        message.parts > 1 ? element("span", {}, tell("n_parts", { n: message.parts })) : null,
        message.attempts > 0 ? element("span", {}, tell("step_attempts", { n: message.attempts })) : null,
      ),
    ),
    allowed.send && message.cancellable
      ? element(
          "button",
          { type: "button", class: "cancel", onclick: () => takeBack(message) },
          say("cancel"),
          element("span", { class: "unseen" }, " ", person(message.contact, message.to)),
        )
      : null,
  );
}

async function takeBack(message) {
  failed = await cancel(message.id, message.text);
  await load();
}
