// Signal strength: bars for now, a curve for the last day.

import { element, svg } from "./dom.js";
import { number, say, tell } from "./words.js";

const BARS = [-105, -95, -85, -75]; // dBm from which each is lit
const LOWEST = -113; // dBm, as AT+CSQ has it
const HIGHEST = -51;
const WIDTH = 240;
const HEIGHT = 40;
const SHORTEST = 3600; // seconds that the curve is at least wide

export function bars({ dbm, percent }) {
  const lit = dbm === null ? 0 : BARS.filter((least) => dbm >= least).length;
  const shape = svg(
    "svg",
    { class: `bars bars-${lit}`, viewBox: "0 0 22 16", width: 22, height: 16, "aria-hidden": "true" },
    BARS.map((_, n) =>
      svg("rect", { x: n * 6, y: 12 - n * 4, width: 4, height: 4 + n * 4, rx: 1, class: n < lit ? "lit" : "unlit" }),
    ),
  );
  const words = dbm === null ? say("no_signal") : tell("signal_words", { dbm });
  return [
    shape,
    element(
      "span",
      {},
      element("span", { class: "nowrap" }, words),
      percent === null ? null : element("span", { class: "quiet" }, ` ${number(percent)} %`),
    ),
  ];
}

// Of samples, oldest first, null where there was none.
export function curve(samples, interval) {
  const known = samples.filter((sample) => sample !== null);
  if (known.length < 2) return element("p", { class: "quiet hint" }, say("no_curve"));
  const width = Math.max(samples.length, SHORTEST / interval);
  const step = Math.max(1, Math.ceil(width / WIDTH));
  const points = [];
  for (let first = samples.length % step; first < samples.length; first += step) {
    const some = samples.slice(first, first + step).filter((sample) => sample !== null);
    const mean = some.length === 0 ? null : some.reduce((sum, sample) => sum + sample, 0) / some.length;
    points.push([((width - samples.length + first + step / 2) / width) * WIDTH, mean]);
  }
  const y = (dbm) => ((HIGHEST - Math.min(Math.max(dbm, LOWEST), HIGHEST)) / (HIGHEST - LOWEST)) * (HEIGHT - 4) + 2;
  let path = "";
  let isBroken = true;
  for (const [x, dbm] of points) {
    if (dbm !== null) path += `${isBroken ? "M" : "L"}${x.toFixed(1)} ${y(dbm).toFixed(1)}`;
    isBroken = dbm === null;
  }
  const range = { low: Math.min(...known), high: Math.max(...known) };
  const length = samples.length * interval;
  const span =
    length < 3 * 3600
      ? say("last_minutes", { n: Math.round(length / 60) })
      : say("last_hours", { n: Math.round(length / 3600) });
  const drawn = svg(
    "svg",
    {
      class: "signal-curve",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${span}: ${say("signal_range", range)}`,
    },
    [-100, -85, -70].map((dbm) => svg("line", { x1: 0, x2: WIDTH, y1: y(dbm), y2: y(dbm), class: "guide" })),
    svg("path", { d: path, class: "line" }),
  );
  return [
    drawn,
    element(
      "p",
      { class: "hint", "aria-hidden": "true" },
      element("span", {}, span),
      element("span", {}, tell("signal_range", range)),
    ),
  ];
}
