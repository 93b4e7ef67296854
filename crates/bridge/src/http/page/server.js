// Asks the gateway. Links are relative: behind a proxy the page is not at the top.

const PATIENCE = 30_000; // ms

// What the gateway did not do, and its words why.
export class Refused extends Error {
  constructor(status, words, code) {
    super(words);
    this.status = status;
    this.code = code;
  }
}

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
  throw new Refused(answer.status, error?.message ?? text.trim() ?? String(answer.status), error?.code);
}

export const get = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return ask(given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`);
};

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const login = (token) => ask("login", { method: "POST", headers: { Authorization: `Bearer ${token}` } });

export const logout = () => ask("logout", { method: "POST" });
