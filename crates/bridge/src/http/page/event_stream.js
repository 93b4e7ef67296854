// The format of server-sent events, read piece by piece as it comes. Pure.
//
// A line ends with \n, \r\n or \r, and with nothing else: U+2028 and its like are characters of a text.

export class Parser {
  // Calls event(id or null, name, data) for each that has data.
  constructor(event) {
    this.event = event;
    this.rest = "";
    this.endsInReturn = false;
    this.clear();
  }

  clear() {
    this.id = null;
    this.name = "message";
    this.data = [];
  }

  take(text) {
    if (text === "") return;
    // The other half of a line's end that was taken for a whole one.
    const more = this.endsInReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.endsInReturn = text.endsWith("\r");
    const lines = (this.rest + more).split(/\r\n|\n|\r/);
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === "") {
      const { id, name, data } = this;
      this.clear();
      if (data.length > 0) this.event(id, name, data.join("\n"));
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id") this.id = value;
  }
}
