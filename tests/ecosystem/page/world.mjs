// What scenarios are made of: pages whose every complaint is kept, what the test does for them, and what must hold
// wherever somebody looks.

import assert from "node:assert/strict";

const PATIENCE = 60_000; // ms: of a machine that is busy; what is waited for mostly comes at once

export class World {
  constructor({ browser, axe, ask, url, token, shots }) {
    Object.assign(this, { browser, axe, ask, url, token, shots });
    this.complaints = [];
    this.expected = [];
    this.pages = [];
  }

  // A page in a browser profile of its own. It has logged in where that is asked for.
  async visit({
    width = 1280,
    height = 900,
    scheme = "light",
    locale = "en-GB",
    login = true,
    url = this.url,
    prepare,
  } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale,
      timezoneId: "Europe/Berlin",
    });
    context.setDefaultTimeout(PATIENCE);
    await context.addInitScript(this.axe);
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    const page = await context.newPage();
    this.watch(page, new URL(url).origin);
    await prepare?.(page);
    await page.goto(url);
    if (login) await this.login(page);
    return page;
  }

  watch(page, origin) {
    this.pages.push(page);
    const complain = (words) => this.complaints.push(words);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complain(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => complain(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
      complain(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("popup", () => complain("a window was opened"));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) complain(`asked elsewhere: ${request.url()}`);
    });
    page.on("framenavigated", (frame) => {
      if (new URL(frame.url()).origin !== origin) complain(`led elsewhere: ${frame.url()}`);
    });
  }

  async login(page) {
    await page.locator("#login:visible, #closed .token-form input[type=password]:visible").first().waitFor();
    if (await page.locator("#closed").isHidden()) await page.locator("#login").click();
    await page.locator(".token-form input[type=password]").last().fill(this.token);
    await page.keyboard.press("Enter");
    await page.locator("#send-form").waitFor();
    await this.loaded(page);
  }

  // The gateway's state and its messages are there.
  async loaded(page) {
    await page.locator("#modem-list .state").first().waitFor();
    await page.locator("#message-list > li, #message-note:not(:empty)").first().waitFor();
  }

  // Some complaints are what the scenario is about.
  expect(pattern) {
    this.expected.push(pattern);
  }

  assertNoComplaints() {
    const odd = this.complaints.filter((words) => !this.expected.some((pattern) => pattern.test(words)));
    assert.deepEqual(odd, [], "the browser complains");
  }

  // What must hold of whatever is shown.
  async judge(page, what) {
    const violations = await page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ["violations"] });
      return result.violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map((node) => node.target)
            .join(", ")}`,
      );
    });
    assert.deepEqual(violations, [], `${what}: axe-core`);
    const { wide, small } = await page.evaluate(() => {
      const name = (node) =>
        `${node.tagName}#${node.id}.${node.getAttribute("class")} ${node.textContent.slice(0, 20)}`;
      const boxes = [...document.querySelectorAll("button, a, select, input, textarea, summary")]
        .filter((node) => node.checkVisibility() && !node.classList.contains("skip"))
        .map((node) => [node, node.getBoundingClientRect()]);
      const scrolls = [document.documentElement, ...document.querySelectorAll("dialog[open]")];
      return {
        wide: scrolls.filter((node) => node.scrollWidth > node.clientWidth).map(name),
        small: boxes.filter(([, box]) => box.width < 24 || box.height < 24).map(([node]) => name(node)),
      };
    });
    assert.deepEqual(wide, [], `${what}: it scrolls sideways`);
    assert.deepEqual(small, [], `${what}: targets of less than 24 px`);
    await this.shot(page, what);
  }

  async shot(page, what) {
    if (!this.shots) return;
    await page.screenshot({ path: `${this.shots}/${what.replaceAll(/\W+/g, "-")}.png`, animations: "disabled" });
  }

  async tellWhatIsShown(name) {
    for (const [n, page] of this.pages.entries()) {
      const text = await page.evaluate(() => document.body.innerText).catch(() => "(nothing)");
      console.error(`---- page ${n} shows:\n${text.slice(0, 3000)}`);
      await this.shot(page, `failed ${name} ${n}`).catch(() => {});
    }
    console.error(`---- complaints: ${JSON.stringify(this.complaints, null, 1)}`);
  }
}

// The row of the list that has this text.
export const row = (page, text) => page.locator("#message-list > li").filter({ hasText: text });

// Waits until `look` gives what holds.
export async function until(what, look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

// Fills the form. Nothing is sent yet.
export async function write(page, to, text) {
  for (const one of to) {
    await page.locator("#to").fill(one);
    await page.locator("#to").press("Enter");
  }
  await page.locator("#text").fill(text);
}
