// Takes back what is not sent yet, after one question.

import { by, theirs } from "./dom.js";
import { say } from "./words.js";
import { post } from "./server.js";
import { confirm } from "./panel.js";

const SHOWN = 160; // characters of a text

// Asks, and takes back what of the request is not sent yet. Why nothing was, as a node or words; null where something
// was, or nothing is to be.
export async function cancel(id, text) {
  const words = text === undefined ? "" : theirs(text, { limit: SHOWN });
  if (!(await confirm(say("cancel_question"), words, say("cancel_yes")))) return null;
  try {
    const { results } = await post("api/cancel", { id });
    const isDone = results.some((result) => result.state === "cancelled");
    by("announced").textContent = say(isDone ? "cancelled" : "too_late");
    return isDone ? null : say("too_late");
  } catch (error) {
    return theirs(error.message);
  }
}
