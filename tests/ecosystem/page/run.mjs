// Runs one scenario in a real browser: node run.mjs FILE NAME. What only the test can do (an SMS that comes in, a
// gateway that is killed) it asks for, a line of JSON on standard output, and reads the answer on standard input.
//
// PAGE_MODULES is the folder with node_modules, PAGE_URL where the page is, PAGE_TOKEN its token, PAGE_SHOTS, where it
// is set, the folder that screenshots are written to.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { World } from "./world.mjs";

const modules = createRequire(`${process.env.PAGE_MODULES}/package.json`);
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const answers = [];
const waiting = [];
createInterface({ input: process.stdin }).on("line", (line) => {
  const take = waiting.shift();
  if (take) take(JSON.parse(line));
  else answers.push(JSON.parse(line));
});

function ask(request) {
  process.stdout.write(JSON.stringify(request) + "\n");
  return answers.length > 0 ? Promise.resolve(answers.shift()) : new Promise((take) => waiting.push(take));
}

const [file, name] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP attic.lan 127.0.0.1",
  ],
});
const world = new World({
  browser,
  axe,
  ask,
  url: process.env.PAGE_URL,
  token: process.env.PAGE_TOKEN,
  shots: process.env.PAGE_SHOTS,
});
let code = 0;
try {
  const scenarios = await import(`./${file}.mjs`);
  await scenarios[name](world);
  world.assertNoComplaints();
} catch (error) {
  console.error(error.stack ?? error);
  await world.tellWhatIsShown(name);
  code = 1;
}
await browser.close();
process.exit(code);
