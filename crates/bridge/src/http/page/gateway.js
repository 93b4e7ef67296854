// The head of the page: which gateway this is, how it is, and whether it can be reached.

import { by, element, show, theirs } from "./dom.js";
import { say, tell } from "./words.js";

let version = null;

export function lost() {
  by("lost").hidden = false;
  show(by("lost"), tell("lost"), " ", element("button", { type: "button" }, say("retry")));
}

export function found() {
  by("lost").hidden = true;
  by("lost").replaceChildren();
}

export function status({ gateway, broker, modems }) {
  show(by("name"), theirs(gateway.name));
  const waits = gateway.queue.publish + gateway.queue.send;
  document.title = say("title", { name: gateway.name });
  show(
    by("facts"),
    element("span", {}, theirs(gateway.version, { limit: 40 })),
    element(
      "span",
      { class: broker.connected_to ? "" : "bad-words" },
      broker.connected_to ? tell("broker_connected", { broker: broker.connected_to }) : tell("broker_away"),
    ),
    element(
      "span",
      {},
      waits === 0 ? say("nothing_waits") : tell("waits", { publish: gateway.queue.publish, send: gateway.queue.send }),
    ),
    gateway.queue.parked > 0
      ? element("span", { class: "bad-words" }, tell("parked", { n: gateway.queue.parked }))
      : null,
  );
  const bad = modems.filter((modem) => modem.problem);
  const words = [
    gateway.problem ? element("span", { lang: "en" }, theirs(gateway.problem)) : null,
    bad.length > 1 ? element("a", { href: "#modems" }, tell("modems_have_problems", { n: bad.length })) : null,
    bad.length === 1 ? element("span", { lang: "en" }, theirs(bad[0].name), ": ", theirs(bad[0].problem)) : null,
  ].filter(Boolean);
  by("problem").hidden = words.length === 0;
  show(by("problem"), words.length === 2 ? [words[0], " · ", words[1]] : words);
  // The page is a part of the program: another version has another page.
  version ??= gateway.version;
  by("updated").hidden = version === gateway.version;
}
