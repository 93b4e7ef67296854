// Asks the gateway. Links are relative: behind a proxy the page is not at the top.

const PATIENCE = 30_000; // ms

// An answer that is none to what was asked, and its words why.
export class Refused extends Error {
  // `isCertain`: nothing was done of it. A proxy that gave up waiting, or a store that did, does not prove that.
  constructor(status, words, { code = null, isCertain = false } = {}) {
    super(words);
    this.status = status;
    this.code = code;
    this.isCertain = isCertain;
  }
}

// Said before anything is done: by the guard, or of what is too large.
const BEFORE = [401, 403, 413];

async function ask(path, options = {}) {
  const answer = await fetch(path, {
    ...options,
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE),
  });
  const text = await answer.text();
  if (answer.ok) return text === "" ? null : JSON.parse(text);
  let error = null;
  try {
    error = JSON.parse(text).error;
  } catch {
    // The guard answers with words alone.
  }
  const isText = answer.headers.get("Content-Type")?.startsWith("text/plain");
  const words = error?.message ?? (isText && text.trim() !== "" ? text.trim() : `HTTP ${answer.status}`);
  const isOurs = error !== null && error !== undefined;
  const isCertain = BEFORE.includes(answer.status) || (answer.status === 400 && isOurs);
  throw new Refused(answer.status, words, { code: error?.code, isCertain });
}

export const get = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return ask(given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`);
};

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const login = (token) => ask("login", { method: "POST", headers: { Authorization: `Bearer ${token}` } });

export const logout = () => ask("logout", { method: "POST" });
