// A reverse proxy between the page and the gateway, which can lose or replace an answer once the gateway gave it.

import { createServer, request as forward } from "node:http";

// Serves `target` (URL) below `prefix`. `headers(asked)` are sent along. Gives {url, spoil, close}: while `spoil` is
// {path, answer(asked, answer)}, that is what a request to `path` is answered, after the gateway has answered it.
export function proxy(target, { prefix = "/", headers = () => ({}) } = {}) {
  const made = { spoil: null };
  const server = createServer((asked, answer) => {
    if (!asked.url.startsWith(prefix)) {
      answer.writeHead(404).end();
      return;
    }
    const options = {
      host: target.hostname,
      port: target.port,
      path: asked.url.slice(prefix.length - 1),
      method: asked.method,
      headers: { ...asked.headers, ...headers(asked) },
    };
    const passed = forward(options, (got) => {
      if (made.spoil !== null && asked.url.endsWith(made.spoil.path)) {
        const { spoil } = made;
        got.resume().on("end", () => spoil.answer(answer));
        return;
      }
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  made.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return new Promise((ready) => {
    server.listen(0, "127.0.0.1", () => {
      made.url = `http://127.0.0.1:${server.address().port}${prefix}`;
      ready(made);
    });
  });
}
