// The language of the page: chosen once when it is loaded, from what was chosen before or what the browser prefers.

import en from "./words/en.js";
import de from "./words/de.js";
import ru from "./words/ru.js";
import { plain } from "./hidden.js";
import { element, theirs } from "./dom.js";

export const LANGUAGES = { en, de, ru };
const KEPT = "smsbridge-language";

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // forbidden by the browser's settings
  }
}

function chosen() {
  const wanted = [kept(), ...(navigator.languages ?? [navigator.language])].filter(Boolean);
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => Object.hasOwn(LANGUAGES, tag));
  return known ?? "en";
}

export const language = chosen();
// Dates and numbers as in the reader's own country, where that speaks this language.
export const locale =
  (navigator.languages ?? []).find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
const words = LANGUAGES[language];
const plurals = new Intl.PluralRules(language);

export function choose(tag) {
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // It is chosen for as long as nothing is kept.
  }
}

// The sentence of a key. One that counts has a form for each plural of its language, chosen by `values.n`.
function sentence(key, values) {
  const found = words[key];
  if (found === undefined) return key;
  if (typeof found === "string") return found;
  return found[plurals.select(values.n)] ?? found.other;
}

// As a text, for labels. What is put in cannot turn the sentence round.
export function say(key, values = {}) {
  return sentence(key, values).replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : `\u2068${plain(value)}\u2069`;
  });
}

// As nodes, for the page.
export function tell(key, values = {}) {
  return sentence(key, values)
    .split(/(\{\w+\})/)
    .filter(Boolean)
    .map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined) return part;
      const value = values[name];
      if (typeof value === "number") return number(value);
      return value instanceof Node ? value : theirs(value);
    });
}

// Whether there are words for something that a gateway of another version may not know.
export const has = (key) => Object.hasOwn(words, key);

export function number(value) {
  return new Intl.NumberFormat(locale).format(value);
}

// Gives everything below `root` its words.
export function translate(root) {
  for (const node of root.querySelectorAll("[data-words]")) node.textContent = say(node.dataset.words);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
}

export function languageOptions() {
  return Object.entries(LANGUAGES).map(([tag, { name }]) =>
    element("option", { value: tag, lang: tag, selected: tag === language }, name),
  );
}
