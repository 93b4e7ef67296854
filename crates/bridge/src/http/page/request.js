// The life of one request: accepted, each part on its way, sent, delivered, or why not; live while it is looked at.

import { after, element, show, theirs } from "./dom.js";
import { say, tell } from "./words.js";
import { facts, failure, moment, person, stateBadge, text } from "./format.js";
import { get } from "./server.js";
import { ask, place } from "./panel.js";
import { cancel } from "./cancel.js";

export async function openRequest(id, allowed) {
  const body = place();
  let isOpen = true;
  let isFinal = false;
  let failed = null; // why it could not be taken back
  const takeBack = async (life) => {
    failed = await cancel(life.id, life.text);
    await load();
  };
  const load = async () => {
    try {
      const life = await get(`api/requests/${encodeURIComponent(id)}`);
      if (!isOpen) return;
      isFinal = life.messages.every((message) => message.result.final);
      show(body, whole(life, allowed.send ? takeBack : null, failed));
    } catch (error) {
      if (isOpen)
        show(
          body,
          element(
            "p",
            { class: "error" },
            error.status === 404 ? say("gone") : [tell("not_loaded"), " ", theirs(error.message)],
          ),
        );
    }
    body.removeAttribute("aria-busy");
  };
  const soon = after(200, load);
  ask(say("request_title"), body, {
    close: () => {
      isOpen = false;
    },
    result: (change) => {
      if (change.id === id) soon();
    },
    // A part that was sent changes the counters of its modem.
    status: () => {
      if (!isFinal) soon();
    },
    reload: load,
  });
  await load();
}

function whole(life, takeBack, failed) {
  const canCancel = takeBack !== null && life.messages.some((message) => message.cancellable);
  return [
    text(life.text),
    life.messages.map((message) =>
      element(
        "section",
        { class: "life" },
        element(
          "h3",
          {},
          person(message.contact, message.to),
          " ",
          message.contact ? element("span", { class: "quiet" }, theirs(message.to)) : null,
        ),
        element("p", {}, stateBadge(message.result.state)),
        timeline(life, message),
      ),
    ),
    canCancel
      ? element(
          "p",
          {},
          element(
            "button",
            {
              type: "button",
              onclick: () => takeBack(life),
            },
            say(life.messages.length > 1 ? "cancel_all" : "cancel"),
          ),
        )
      : null,
    failed === null ? null : element("p", { class: "error", role: "alert" }, failed),
    facts([["id", element("code", {}, theirs(life.id))]]),
  ];
}

function timeline(life, message) {
  const { result, parts } = message;
  const steps = [];
  const step = (kind, words, at) =>
    steps.push(
      element(
        "li",
        { class: `step ${kind}` },
        element("span", {}, words),
        at ? element("span", { class: "when" }, moment(at, true)) : null,
      ),
    );
  if (result.state === "rejected") step("bad", [say("state_rejected"), ": ", failure(result.error)], result.at);
  else step("done", say("step_accepted"), life.accepted_at);
  const isWaiting = !result.final && ["accepted"].includes(result.state);
  if (message.send_at && isWaiting) step("waits", say("step_scheduled"), message.send_at);
  if (message.attempts > 1) step("note", tell("step_attempts", { n: message.attempts }));
  for (const part of parts) submission(part, parts.length, message, step);
  if (isWaiting && message.sending_by) step("now", tell("step_sending", { modem: message.sending_by }));
  else if (isWaiting && !parts.some((part) => part.state !== "queued")) step("waits", say("step_waits"));
  if (message.sent_at && parts.length !== 1) step("done", say("state_sent"), message.sent_at);
  if (parts.length > 1) for (const part of parts) delivery(part, parts.length, step);
  if (result.state === "delivered") step("done", say("state_delivered"), result.delivered_at ?? result.at);
  else if (result.report === "missing") step("note", say("report_missing"), result.at);
  else if (result.state === "sent" && message.delivery_report && !result.final) step("waits", say("step_report"));
  if (["failed", "expired", "cancelled", "unknown"].includes(result.state)) {
    step(
      result.state === "cancelled" ? "note" : "bad",
      [say(`state_${result.state}`), result.error ? [": ", failure(result.error)] : ""].flat(),
      result.at,
    );
  }
  if (message.expires_at && isWaiting) step("note", say("step_expires"), message.expires_at);
  return element("ol", { class: "timeline" }, steps);
}

const partWords = (part, total) => (total > 1 ? [...tell("part_of", { part: part.sequence, total }), ": "] : []);

function submission(part, total, message, step) {
  if (part.state === "queued") return;
  const isDone = part.state === "submitted";
  const words = tell(isDone ? "part_submitted" : "part_submitting", { modem: part.modem ?? message.modem ?? "–" });
  const reference = part.reference === null ? "" : element("span", { class: "quiet" }, ` (TP-MR ${part.reference})`);
  step(isDone ? "done" : "now", [...partWords(part, total), ...words, reference], part.submitted_at);
}

function delivery(part, total, step) {
  if (part.delivery === null) return;
  const isGood = part.delivery === "delivered";
  const status =
    isGood || part.status === null
      ? ""
      : element("span", { class: "quiet" }, ` (TP-ST ${part.status.toString(16).padStart(2, "0")})`);
  const words = [...partWords(part, total), say(isGood ? "state_delivered" : "part_not_delivered"), status];
  step(isGood ? "done" : "bad", words, part.discharged_at);
}
