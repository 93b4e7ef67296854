// Follows server-sent events over any break. The browser's own EventSource gives up on an error of HTTP and cannot say
// what it has seen already, so this reads the stream itself.
//
// A hidden tab lets go of its stream, for a browser has six connections a host; seen again, it asks for what it missed.

import { Parser } from "./event_stream.js";

const FIRST_PAUSE = 1_000; // ms, then growing
const LONGEST_PAUSE = 30_000;
const SILENCE = 45_000; // the gateway says something every 15 s

// Calls on.event(name, data), on.open(isNew: nothing was seen before), on.lost(), on.refused(status: 4xx). What one of
// these throws is reported, and the stream goes on.
export class Stream {
  constructor(path, on) {
    this.path = path;
    this.on = on;
    this.lastId = null;
    this.pause = FIRST_PAUSE;
    this.isOver = false;
    this.running = null; // the connection there is, or is tried
    this.timer = 0;
    this.seen = () => this.turn();
    document.addEventListener("visibilitychange", this.seen);
    this.online = () => this.retry();
    window.addEventListener("online", this.online);
    this.turn();
  }

  // Begins or lets go, as the tab is seen or hidden.
  turn() {
    if (document.hidden) this.letGo();
    else if (this.running === null) this.connect();
  }

  // Tries at once instead of after the pause.
  retry() {
    if (!this.isOver && !document.hidden && this.running === null) this.connect();
  }

  end() {
    this.isOver = true;
    this.letGo();
    document.removeEventListener("visibilitychange", this.seen);
    window.removeEventListener("online", this.online);
  }

  letGo() {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  async connect() {
    clearTimeout(this.timer);
    const running = new AbortController();
    this.running = running;
    try {
      await this.read(running);
    } catch {
      // Whatever it was, it is tried again.
    }
    if (this.running !== running) return; // we let go ourselves
    running.abort();
    this.running = null;
    if (this.isOver) return;
    this.call("lost");
    // Many pages that lost the same gateway do not all come back at once.
    this.timer = setTimeout(() => this.turn(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  call(what, ...given) {
    try {
      this.on[what]?.(...given);
    } catch (error) {
      reportError(error);
    }
  }

  async read(running) {
    let watch = 0;
    const heard = () => {
      clearTimeout(watch);
      watch = setTimeout(() => running.abort(), SILENCE);
    };
    heard();
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.lastId !== null) headers["Last-Event-ID"] = this.lastId;
      const answer = await fetch(this.path, {
        headers,
        cache: "no-store",
        credentials: "same-origin",
        signal: running.signal,
      });
      if (!answer.ok) {
        if (answer.status >= 400 && answer.status < 500) this.call("refused", answer.status);
        return;
      }
      this.call("open", this.lastId === null);
      const parser = new Parser((id, name, data) => {
        if (id !== null) this.lastId = id;
        this.pause = FIRST_PAUSE;
        let read;
        try {
          read = JSON.parse(data);
        } catch (error) {
          reportError(error); // and the next one may be well
          return;
        }
        this.call("event", name, read);
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        parser.take(value);
      }
    } finally {
      clearTimeout(watch);
    }
  }
}
