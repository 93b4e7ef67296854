// The life of one received message: who, when, what, what became of it, and its PDUs row by row.

import { atMostEvery, element, show, theirs } from "./dom.js";
import { number, say, tell } from "./words.js";
import { encodingWords, facts, moment, stateBadge, text } from "./format.js";
import { get } from "./server.js";
import { ask, close, place } from "./panel.js";

const INTERVAL = 10_000; // ms between two looks at a message that waits for the broker

let allowed = null;
let answer = null;

// `onAnswer(to)` begins a message to them.
export function start(access, onAnswer) {
  [allowed, answer] = [access, onAnswer];
}

export async function openReceived(id) {
  const body = place();
  let isOpen = true;
  let waits = true;
  const load = async () => {
    if (!isOpen) return;
    try {
      const life = await get(`api/received/${encodeURIComponent(id)}`);
      if (!isOpen) return;
      // Its PDUs do not change, and are left open as they are.
      if (!body.querySelector(".received")) body.replaceChildren(...whole(life));
      // null: it never will be.
      waits = life.published === false;
      const words = waits ? "not_published" : life.published === null ? "never_published" : "published";
      show(body.querySelector(".published"), say(words));
    } catch (error) {
      if (isOpen && !body.querySelector(".received")) body.replaceChildren(words(error));
    }
    body.removeAttribute("aria-busy");
  };
  const look = atMostEvery(INTERVAL, load);
  ask(say("received_title"), body, {
    close: () => {
      isOpen = false;
    },
    status: () => {
      if (waits) look();
    },
    reload: load,
  });
  await look();
}

const words = (error) =>
  element(
    "p",
    { class: "error" },
    error.status === 404 ? say("gone") : [tell("not_loaded"), " ", theirs(error.message)],
  );

function whole({ message, pdus }) {
  const canAnswer =
    allowed.send &&
    ["international", "national", "unknown", "network", "subscriber"].includes(message.from_type) &&
    /^\+?\d{3,}$/.test(message.from);
  return [
    element(
      "div",
      { class: "received" },
      message.error ? element("p", { class: "error", lang: "en" }, theirs(message.error)) : text(message.text),
      canAnswer
        ? element(
            "p",
            {},
            element(
              "button",
              {
                type: "button",
                onclick: () => {
                  close();
                  answer(message.from);
                },
              },
              say("answer"),
            ),
          )
        : null,
      facts([
        [
          "from",
          message.contact
            ? [theirs(message.contact), " · ", theirs(message.from)]
            : message.from
              ? theirs(message.from)
              : null,
        ],
        ["from_type", message.from_type === "alphanumeric" ? say("alphanumeric") : null],
        ["sent_by_them", message.sent_at ? moment(message.sent_at, true) : null],
        ["received_at", moment(message.received_at, true)],
        ["published_label", element("span", { class: "published" })],
        ["by_modem", theirs(message.modem)],
        [
          "parts",
          message.parts === undefined
            ? null
            : [
                number(message.parts),
                message.complete === false
                  ? [" ", stateBadge("incomplete"), " ", tell("missing", { parts: (message.missing ?? []).join(", ") })]
                  : "",
              ],
        ],
        ["encoding", message.encoding ? encodingWords(message.encoding) : null],
        ["class", message.class ?? null],
        ["kind", message.kind ? say(`kind_${message.kind}`) : null],
        ["rule", message.rule ? theirs(message.rule) : null],
        [
          "fields",
          message.fields && Object.keys(message.fields).length > 0
            ? element(
                "dl",
                { class: "fields-list" },
                Object.entries(message.fields).map(([key, value]) =>
                  element("div", {}, element("dt", {}, theirs(key)), element("dd", {}, theirs(value, { lines: true }))),
                ),
              )
            : null,
        ],
        ["service_center", message.service_center ? theirs(message.service_center) : null],
        ["port", message.destination_port === undefined ? null : String(message.destination_port)],
        [
          "mms",
          message.mms
            ? element(
                "div",
                {},
                Object.entries(message.mms).map(([key, value]) =>
                  element("div", {}, element("span", { class: "quiet" }, theirs(key), " "), theirs(value)),
                ),
              )
            : null,
        ],
        ["data", message.data ? element("code", { class: "hex" }, theirs(message.data)) : null],
        ["id", element("code", {}, theirs(message.id))],
      ]),
    ),
    pdus.map((pdu, n) => pduDetails(pdu, n, pdus.length)),
  ].flat();
}

function pduDetails({ pdu, rows, error }, n, total) {
  return element(
    "details",
    { class: "pdu" },
    element("summary", {}, tell("pdu_of", { part: n + 1, total })),
    element("code", { class: "hex" }, theirs(pdu)),
    error ? element("p", { class: "error", lang: "en" }, theirs(error)) : null,
    element(
      "div",
      { class: "scrolls", tabindex: "0", role: "region", "aria-label": say("pdu_rows", { part: n + 1 }) },
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ["pdu_field", "pdu_octets", "pdu_meaning"].map((key) => element("th", { scope: "col" }, say(key))),
          ),
        ),
        element(
          "tbody",
          {},
          rows.map((row) =>
            element(
              "tr",
              {},
              element("th", { scope: "row" }, theirs(row.name)),
              element("td", {}, element("code", {}, theirs(row.octets))),
              element("td", {}, theirs(row.meaning)),
            ),
          ),
        ),
      ),
    ),
  );
}
