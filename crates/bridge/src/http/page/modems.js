// The modems: a card each, which is made once and then brought up to date.

import { by, element, show, theirs } from "./dom.js";
import { number, say, tell } from "./words.js";
import { facts, stateBadge } from "./format.js";
import { get } from "./server.js";
import { bars, curve } from "./signal.js";
import { openTrace } from "./trace.js";

const SIGNAL_INTERVAL = 5 * 60_000; // ms
const MANY = 8; // more are shown shorter

const cards = new Map(); // by name
let signals = new Map();
let interval = 60;

export function start() {
  setInterval(() => {
    if (!document.hidden) loadSignals();
  }, SIGNAL_INTERVAL);
}

export const reload = () => loadSignals();

async function loadSignals() {
  try {
    const answer = await get("api/signal");
    interval = answer.interval_s;
    signals = new Map(answer.modems.map((modem) => [modem.name, modem.dbm]));
    for (const [name, card] of cards) card.draw(signals.get(name) ?? []);
  } catch {
    // The curve is the older one then; it is asked for again.
  }
}

export function status({ modems }) {
  for (const modem of modems) {
    if (!cards.has(modem.name)) cards.set(modem.name, new Card(modem.name));
    cards.get(modem.name).update(modem);
  }
  for (const name of [...cards.keys()]) {
    if (!modems.some((modem) => modem.name === name)) cards.delete(name);
  }
  const isMany = modems.length > MANY;
  const list = by("modem-list");
  list.classList.toggle("many", isMany);
  // Among many, those that need somebody come first.
  const sorted = isMany ? modems.toSorted((one, other) => Boolean(other.problem) - Boolean(one.problem)) : modems;
  sorted.forEach((modem, n) => {
    const card = cards.get(modem.name);
    card.shorten(isMany);
    if (list.children[n] !== card.root) list.insertBefore(card.root, list.children[n] ?? null);
  });
  while (list.children.length > modems.length) list.lastElementChild.remove();
}

class Card {
  constructor(name) {
    const id = `modem-${name}`;
    this.state = element("span");
    this.network = element("p", { class: "network" });
    this.strength = element("div", { class: "strength" });
    this.curve = element("div", { class: "curve" });
    this.problem = element("p", { class: "problem" });
    this.short = element("div", { class: "short" });
    this.long = element("div");
    const whose = () => element("span", { class: "unseen" }, " ", theirs(name));
    this.foot = element(
      "div",
      { class: "modem-foot" },
      element("details", {}, element("summary", {}, say("details"), whose()), this.long),
      element("button", { type: "button", onclick: () => openTrace(name) }, say("trace"), whose()),
    );
    this.root = element(
      "li",
      { class: "modem" },
      element(
        "article",
        { "aria-labelledby": id },
        element("div", { class: "modem-head" }, element("h3", { id }, theirs(name)), this.state),
        this.problem,
        element("div", { class: "reception" }, this.network, this.strength),
        this.curve,
        this.foot,
      ),
    );
    this.draw(signals.get(name) ?? []);
  }

  draw(samples) {
    show(this.curve, curve(samples, interval));
  }

  // What does not change from hour to hour is among the details then.
  shorten(isShort) {
    if (isShort) this.long.before(this.short);
    else this.foot.before(this.short);
  }

  update(modem) {
    this.root.classList.toggle("has-problem", Boolean(modem.problem));
    show(this.state, stateBadge(modem.state));
    this.problem.hidden = !modem.problem;
    show(this.problem, modem.problem ? element("span", { lang: "en" }, theirs(modem.problem)) : null);
    const network = [
      modem.operator ? theirs(modem.operator) : null,
      modem.technology ? theirs(modem.technology) : null,
      modem.registration ? tell(`registration_${modem.registration.replaceAll(/[, ]+/g, "_")}`) : null,
    ]
      .filter(Boolean)
      .map((part) => element("span", {}, part));
    show(this.network, network.length === 0 ? element("span", { class: "quiet" }, say("no_network")) : network);
    show(this.strength, bars(modem.signal));
    show(
      this.short,
      facts([
        ["number", modem.number ? theirs(modem.number) : null],
        [
          "counted",
          element(
            "span",
            {},
            tell("counted_words", { received: modem.counters.received, sent: modem.counters.sent }),
            modem.counters.not_sent > 0 ? [", ", tell("counted_not_sent", { n: modem.counters.not_sent })] : null,
          ),
        ],
        [
          "storage",
          modem.storage.length === 0
            ? null
            : element(
                "ul",
                { class: "storages" },
                modem.storage.map((storage) => element("li", {}, theirs(storage.name), " ", meter(storage))),
              ),
        ],
      ]),
    );
    const { counters, signal } = modem;
    show(
      this.long,
      facts([
        ["iccid", modem.iccid ? theirs(modem.iccid) : null],
        ["service_center", modem.service_center ? theirs(modem.service_center) : null],
        [
          "device",
          [modem.manufacturer, modem.model].some(Boolean)
            ? theirs([modem.manufacturer, modem.model].filter(Boolean).join(" "))
            : null,
        ],
        ["firmware", modem.firmware ? theirs(modem.firmware) : null],
        ["imei", modem.imei ? theirs(modem.imei) : null],
        ["registration_cause", modem.registration_cause],
        [
          "lte",
          [
            ["RSRP", signal.rsrp_dbm, "dBm"],
            ["RSRQ", signal.rsrq_db, "dB"],
            ["SINR", signal.sinr_db, "dB"],
          ]
            .filter(([, value]) => value !== null)
            .map(([key, value, unit]) => `${key} ${number(value)} ${unit}`)
            .join(", ") || null,
        ],
        [
          "recovered",
          ["sessions", "announced_again", "probed", "resynchronised", "reopened", "radio_restarted", "reset"]
            .filter((step) => counters[step] > (step === "sessions" ? 1 : 0))
            .map((step) => `${say(`step_${step}`)} ${number(counters[step])}`)
            .join(", ") || null,
        ],
      ]),
    );
  }
}

function meter({ used, total }) {
  const isFull = total > 0 && used / total >= 0.8;
  return element("span", { class: isFull ? "bad-words" : null }, tell("used_of", { used, total }));
}
