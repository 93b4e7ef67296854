// The token: asked for once where it is needed, and what is not allowed without it, in words.

import { by, element, theirs } from "./dom.js";
import { say, tell } from "./words.js";
import { login } from "./server.js";
import { ask } from "./panel.js";

// Nothing may be read: only the token is asked for.
export function close(allowed) {
  by("closed").hidden = false;
  fill(document.querySelector("#closed .token-form"), allowed);
}

export function open(allowed) {
  for (const id of ["sections", "modems", "messages", "side"]) by(id).hidden = false;
  by("login").hidden = allowed.send;
  by("logout").hidden = !allowed.send;
  by("login").addEventListener("click", () => askForToken(allowed));
}

// In words, why something is not offered, and the way to it.
export function explain(key, allowed) {
  return [
    element("p", {}, tell(key)),
    allowed.reason ? element("p", { class: "hint", lang: "en" }, theirs(allowed.reason)) : null,
    element("button", { type: "button", onclick: () => askForToken(allowed) }, say("login")),
  ];
}

function askForToken(allowed) {
  ask(say("login"), element("form", { class: "token-form" }));
  fill(document.querySelector("#panel .token-form"), allowed);
}

// In the reader's language what is known, and else in the guard's own words.
function whyNot({ status, message }) {
  if (status === 401) return tell("token_wrong");
  if (status === 403 && /none is configured/.test(message)) return tell("token_none");
  if (status >= 400 && status < 500) return [element("span", { lang: "en" }, theirs(message))];
  return tell("no_answer");
}

let forms = 0;

function fill(form, allowed) {
  const id = `token-${forms++}`;
  const input = element("input", {
    id,
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
  });
  const error = element("p", { class: "error", role: "alert" });
  form.replaceChildren(
    // For who keeps passwords: they are kept by a name.
    element("input", { type: "text", autocomplete: "username", value: "smsbridge", hidden: true }),
    element("label", { for: id }, say("token")),
    element("div", { class: "joined" }, input, element("button", { type: "submit", class: "main" }, say("login"))),
    error,
    element("p", { class: "hint" }, tell("token_hint")),
    allowed.reason ? element("p", { class: "hint", lang: "en" }, theirs(allowed.reason)) : "",
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    try {
      // A header takes no others, and no token has them.
      if (!/^[\x21-\x7e]+$/.test(input.value.trim())) throw { status: 401 };
      await login(input.value.trim());
      location.reload();
    } catch (refused) {
      error.replaceChildren(...whyNot(refused));
      input.select();
      input.focus();
    }
  });
  input.focus();
}
