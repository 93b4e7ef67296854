// Whom a message goes to: numbers and names of contacts, one after the other.

import { by, element, theirs } from "./dom.js";
import { say } from "./words.js";
import { plain } from "./hidden.js";

let chosen = [];
let names = [];
let changed = () => {};

export function start(contacts, onChange) {
  [names, changed] = [contacts, onChange];
  by("contacts").replaceChildren(...contacts.map((name) => element("option", { value: name })));
  const input = by("to");
  const take = () => {
    add(input.value);
    changed();
  };
  by("add").addEventListener("click", () => {
    take();
    input.focus();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim() !== "") {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && input.value === "" && chosen.length > 0) {
      remove(chosen.at(-1));
      changed();
    }
  });
  input.addEventListener("input", (event) => {
    // One of the list was chosen, or the next one begins.
    const isChosen = event.inputType === "insertReplacementText" || event.inputType === undefined;
    if ((isChosen && names.includes(input.value)) || /[,;]$/.test(input.value)) take();
    else changed();
  });
}

// With what is still in the field.
export function all() {
  return unique([...chosen, ...split(by("to").value)]);
}

export function set(recipients) {
  chosen = unique(recipients);
  by("to").value = "";
  draw();
}

function add(text) {
  set([...chosen, ...split(text)]);
}

function remove(one) {
  chosen = chosen.filter((other) => other !== one);
  draw();
}

const unique = (list) => [...new Set(list)];

// No name of a contact has a comma.
const split = (text) =>
  text
    .split(/[,;\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== "");

function draw() {
  by("recipients").replaceChildren(
    ...chosen.map((one) =>
      element(
        "li",
        {},
        theirs(one),
        element(
          "button",
          {
            type: "button",
            class: "plain",
            "aria-label": say("remove", { name: plain(one) }),
            onclick: () => {
              remove(one);
              changed();
              by("to").focus();
            },
          },
          "✕",
        ),
      ),
    ),
  );
}
