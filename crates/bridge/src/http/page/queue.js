// What waits to be sent, in the order it would be, and how to take it back.

import { atMostEvery, by, element, show, theirs } from "./dom.js";
import { number, say, tell } from "./words.js";
import { moment, person, stateBadge } from "./format.js";
import { get, post } from "./server.js";
import { confirm } from "./panel.js";
import { openRequest } from "./request.js";

const SHOWN = 160; // characters of a text
let allowed = null;
let waiting = null; // how many, as the last status said

export function start(access) {
  allowed = access;
}

export function status({ gateway }) {
  if (waiting !== gateway.queue.send) reload();
  waiting = gateway.queue.send;
}

export const result = () => reload();

export const reload = atMostEvery(1_000, async () => {
  let answer;
  try {
    answer = await get("api/queue");
  } catch (error) {
    show(by("queue-note"), element("span", { class: "error" }, tell("not_loaded"), " ", theirs(error.message)));
    return;
  }
  show(by("queue-list"), answer.messages.map(row));
  show(by("queue-note"), answer.messages.length === 0 ? say("queue_empty") : answer.more ? say("queue_more") : null);
  by("queue-count").hidden = answer.messages.length === 0;
  by("queue-count").textContent = number(answer.messages.length) + (answer.more ? "+" : "");
});

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
          { type: "button", class: "cancel", onclick: () => cancel(message.id, message.text) },
          say("cancel"),
          element("span", { class: "unseen" }, " ", person(message.contact, message.to)),
        )
      : null,
  );
}

// Asks, and takes back what of the request is not sent yet.
export async function cancel(id, text) {
  const words = text === undefined ? "" : theirs(text, { limit: SHOWN });
  if (!(await confirm(say("cancel_question"), words, say("cancel_yes")))) return;
  try {
    const { results } = await post("api/cancel", { id });
    const isDone = results.some((result) => result.state === "cancelled");
    by("announced").textContent = say(isDone ? "cancelled" : "too_late");
    if (!isDone) show(by("queue-note"), element("span", { class: "error" }, say("too_late")));
  } catch (error) {
    show(by("queue-note"), element("span", { class: "error" }, theirs(error.message)));
  }
  reload();
}
