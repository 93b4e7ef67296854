// Starts the page: what may be seen, the stream of what happens, and who shows it.

import { by } from "./dom.js";
import { choose, language, languageOptions, say, translate } from "./words.js";
import { get, logout } from "./server.js";
import { Stream } from "./stream.js";
import * as access from "./access.js";
import * as gateway from "./gateway.js";
import * as messages from "./messages.js";
import * as modems from "./modems.js";
import * as panel from "./panel.js";
import * as queue from "./queue.js";
import * as send from "./send.js";

const RETRY = 3_000; // ms
// Each in the order of the page: start(access), then reload(), status(document), received(entry), result(result).
const VIEWS = [modems, messages, send, queue, panel];

function head() {
  document.documentElement.lang = language;
  translate(document);
  by("language").append(...languageOptions());
  by("language").addEventListener("change", (event) => {
    choose(event.target.value);
    send.keepDraft();
    location.reload();
  });
  by("reload").addEventListener("click", () => {
    send.keepDraft();
    location.reload();
  });
  by("logout").addEventListener("click", async () => {
    await logout().catch(() => {});
    location.reload();
  });
}

const all = (what, ...given) => VIEWS.forEach((view) => view[what]?.(...given));

async function open() {
  let allowed;
  try {
    allowed = await get("api/access");
  } catch {
    gateway.lost();
    setTimeout(open, RETRY);
    return;
  }
  gateway.found();
  if (!allowed.read) {
    access.close(allowed);
    return;
  }
  access.open(allowed);
  all("start", allowed);
  follow();
}

function follow() {
  let startedAt = null;
  const reload = () => all("reload");
  const stream = new Stream("api/events", {
    open(isNew) {
      gateway.found();
      if (isNew) reload();
    },
    lost: () => gateway.lost(),
    // The token was changed, or somebody logged out in another tab.
    async refused(status) {
      const allowed = status === 401 || status === 403 ? await get("api/access").catch(() => null) : null;
      if (allowed && !allowed.read) {
        stream.end();
        location.reload();
      }
    },
    event(name, data) {
      if (name === "status") {
        gateway.status(data);
        all("status", data);
        // Another process counts its events anew.
        if (startedAt !== null && startedAt !== data.gateway.started_at) reload();
        startedAt = data.gateway.started_at;
      } else if (name === "gap") {
        reload();
      } else if (name === "received" || name === "result") {
        all(name, data);
      }
    },
  });
  by("lost").addEventListener("click", () => stream.retry());
}

head();
panel.prepare();
document.title = say("title", { name: "smsbridge" });
open();
