// The stream of what happens: read however it is cut, and it goes on behind whatever one event does.

import assert from "node:assert/strict";
import { row } from "./world.mjs";

const SOURCES = new URL("../../../crates/bridge/src/http/page/", import.meta.url);

// What each of these texts says, by the format of server-sent events.
const STREAMS = [
  ["id: 1.2\nevent: received\ndata: {}\n\n", [["1.2", "received", "{}"]]],
  ["id:1\r\nevent:a\r\ndata:x\r\n\r\ndata: y\r\n\r\n", [["1", "a", "x"], [null, "message", "y"]]],
  ["event: a\rdata: x\r\rdata: y\r\r", [[null, "a", "x"], [null, "message", "y"]]],
  ["data: one\ndata: two\r\ndata: three\rdata\n\n", [[null, "message", "one\ntwo\nthree\n"]]],
  [": keep alive\n\nevent: nothing\n\nretry: 3\n: a:b\ndata: a:b: c\n\n", [[null, "message", "a:b: c"]]],
  ["data:  two spaces\n\n", [[null, "message", " two spaces"]]],
  [
    'data: {"text":"\u2028 \u2029 \u0085 \u000b \u000c \u001c \ufeff : \u{1F600}"}\n\n',
    [[null, "message", '{"text":"\u2028 \u2029 \u0085 \u000b \u000c \u001c \ufeff : \u{1F600}"}']],
  ],
  ["\u2028: x\ndata\u2028: x\ndata: y\n\ndata: never ended", [[null, "message", "y"]]],
];

export async function the_stream_is_read_however_it_is_cut() {
  const { Parser } = await import(new URL("event_stream.js", SOURCES));
  for (const [text, events] of STREAMS) {
    const read = (pieces) => {
      const found = [];
      const parser = new Parser((...event) => found.push(event));
      for (const piece of pieces) parser.take(piece);
      return found;
    };
    assert.deepEqual(read([text]), events, JSON.stringify(text));
    assert.deepEqual(read(text.split("")), events, `each character alone: ${JSON.stringify(text)}`);
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        assert.deepEqual(read(pieces), events, JSON.stringify(pieces));
      }
    }
  }
}

// Events of another version, that nobody here knows what to do with.
export async function an_event_that_nobody_understands_does_not_stop_those_behind_it(world) {
  world.expect(/error:/);
  const odd = ["{", "null", "[]", "{}", '{"modem":1}', '"\u2028"'];
  const names = ["status", "received", "result", "gap", "call", "broadcast", "ussd", "unheard-of"];
  const told = names.flatMap((name) => odd.map((data) => `event: ${name}\ndata: ${data}\n\n`)).join("");
  let streams = 0;
  const prepare = async (page) => {
    await page.route("**/api/events", async (route) => {
      streams += 1;
      if (streams > 1) return route.continue();
      const message = { id: "behind", direction: "in", from: "+4915100000002", text: "behind it all", modem: "main" };
      const last = `event: received\ndata: ${JSON.stringify({ ...message, received_at: new Date() })}\n\n`;
      await route.fulfill({ contentType: "text/event-stream", body: told + last });
    });
  };
  const page = await world.visit({ login: false, prepare });
  await row(page, "behind it all").waitFor();
  await page.locator("#lost").waitFor({ state: "visible" });
  // That stream had its end; the next one is the gateway's.
  await world.ask({ do: "deliver", from: "+4915100000002", text: "of the gateway" });
  await row(page, "of the gateway").waitFor();
}
