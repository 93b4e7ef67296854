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
import * as received from "./received.js";
import * as send from "./send.js";

const RETRY = 3_000; // ms
const TOLD = ["received", "result", "call", "broadcast", "ussd"];
// Each in the order of the page: start(access), then reload(), status(document), received(entry), result(result),
// call(call), broadcast(broadcast), ussd(reply).
const VIEWS = [modems, messages, send, queue, panel];

function head() {
  by("unstarted").remove();
  document.documentElement.lang = language;
  translate(document);
  by("language").append(...languageOptions());
  by("language").addEventListener("change", (event) => {
    choose(event.target.value);
    location.reload();
  });
  by("reload").addEventListener("click", () => location.reload());
  by("logout").addEventListener("click", async () => {
    await logout().catch(() => {});
    send.forgetDraft();
    location.reload();
  });
}

// What one of them makes of it keeps nothing from the others.
function all(what, ...given) {
  for (const view of VIEWS) {
    try {
      view[what]?.(...given);
    } catch (error) {
      reportError(error);
    }
  }
}

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
  received.start(allowed, send.answer);
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
      } else if (TOLD.includes(name)) {
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
