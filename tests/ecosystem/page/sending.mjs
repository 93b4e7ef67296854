// The form, through the misfortunes of what it sends: an answer that is lost leaves one SMS, however it is sent again.

import assert from "node:assert/strict";
import { proxy } from "./proxy.mjs";
import { row, until, write } from "./world.mjs";

const BEN = "+4915100000003";

// What comes instead of the gateway's answer, once it took the request.
const LOST = {
  "a connection that is cut": (answer) => answer.destroy(),
  "a proxy that says 502": (answer) =>
    answer.writeHead(502, { "content-type": "text/html" }).end("<html><h1>Bad Gateway</h1></html>"),
  "a proxy that says 504": (answer) =>
    answer.writeHead(504, { "content-type": "text/html" }).end("<html><h1>Gateway Time-out</h1></html>"),
  "a time that is over": (answer) => answer.writeHead(408).end(),
  "a store that does not say whether": (answer) =>
    answer
      .writeHead(503, { "content-type": "application/json" })
      .end('{"error":{"code":"store","message":"no answer of the store","permanent":false}}\n'),
  "a proxy's own page": (answer) =>
    answer.writeHead(200, { "content-type": "text/html" }).end("<html>Log in first</html>"),
  "an answer that is half there": (answer) => {
    answer.writeHead(200, { "content-type": "application/json", "content-length": 100 });
    answer.write('{"id":');
    setTimeout(() => answer.destroy(), 100);
  },
};

async function behindProxy(world) {
  world.expect(/Failed to load resource|ERR_/);
  const between = await proxy(new URL(world.url));
  const page = await world.visit({ url: between.url });
  return { between, page };
}

// As somebody does: a text that is typed tells of its change when it is left.
async function type(page, text) {
  await write(page, [BEN], "");
  await page.locator("#text").focus();
  await page.keyboard.type(text);
}

// The texts that went out, as the store has them, and how many SMS those were.
async function assertSent(world, page, texts) {
  for (const text of texts) await row(page, text).filter({ hasText: "delivered" }).first().waitFor();
  const { submits } = await world.ask({ do: "submits" });
  assert.equal(submits.length, texts.length, `one SMS each: ${texts}`);
}

export async function an_answer_that_is_lost_and_sent_again_is_one_sms(world) {
  const { between, page } = await behindProxy(world);
  const sent = [];
  for (const [what, answer] of Object.entries(LOST)) {
    await type(page, what);
    between.spoil = { path: "api/send", answer };
    await page.keyboard.press("Control+Enter");
    const error = page.locator("#send-error");
    await error.getByText("Sending again unchanged sends nothing twice.").waitFor();
    assert.ok(!(await error.innerText()).includes("<"), `${what}: words, not HTML: ${await error.innerText()}`);
    await world.judge(page, `lost ${what}`);
    between.spoil = null;
    await page.locator("#send-button").click();
    await until(`${what}: it was taken`, async () => (await page.locator("#text").inputValue()) === "");
    assert.equal(await page.locator("#send-error").innerText(), "");
    sent.push(what);
    await assertSent(world, page, sent);
  }
  between.close();
}

export async function a_lost_answer_is_still_known_when_the_page_is_loaded_again(world) {
  const { between, page } = await behindProxy(world);
  const sent = [];
  for (const [text, again] of [
    ["loaded again", () => page.reload()],
    ["in another language", () => page.locator("#language").selectOption("de")],
    ["of another version", () => page.evaluate(() => document.getElementById("reload").click())],
  ]) {
    await type(page, text);
    if (!(await page.locator("#more").evaluate((node) => node.open))) await page.locator("#more summary").click();
    await page.locator("#modem").selectOption("main");
    await page.locator("#report").selectOption("yes");
    await page.locator("#priority").selectOption("5");
    between.spoil = { path: "api/send", answer: LOST["a connection that is cut"] };
    await page.locator("#send-button").click();
    await page.locator("#send-error").filter({ hasText: /./ }).waitFor();
    between.spoil = null;
    const loaded = page.waitForEvent("load");
    await again();
    await loaded;
    await world.loaded(page);
    assert.equal(await page.locator("#text").inputValue(), text, "what was written is still there");
    assert.equal(await page.locator("#modem").inputValue(), "main");
    await page.locator("#send-button").click();
    await until("it was taken", async () => (await page.locator("#text").inputValue()) === "");
    sent.push(text);
    for (const one of sent) await row(page, one).first().waitFor();
    const { submits } = await world.ask({ do: "submits" });
    assert.equal(submits.length, sent.length, `one SMS each: ${sent}`);
  }
  await page.locator("#logout").click();
  await page.locator("#send-closed").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "nothing is left of a text");
  between.close();
}

export async function what_is_changed_behind_a_lost_answer_is_another_message(world) {
  const { between, page } = await behindProxy(world);
  await type(page, "first");
  between.spoil = { path: "api/send", answer: LOST["a proxy that says 504"] };
  await page.keyboard.press("Control+Enter");
  await page.locator("#send-error").filter({ hasText: /./ }).waitFor();
  between.spoil = null;
  await page.keyboard.type(" and second");
  assert.equal(await page.locator("#send-error").innerText(), "", "what was said is of the text before");
  await page.locator("#send-button").click();
  await assertSent(world, page, ["first", "first and second"]);
  // The same words on purpose, after an answer, are two.
  await type(page, "first and second");
  await page.keyboard.press("Control+Enter");
  await until("three of them", async () => (await world.ask({ do: "submits" })).submits.length === 3);
  between.close();
}

export async function whoever_leaves_the_text_before_the_answer_finds_it_sent(world) {
  const { between, page } = await behindProxy(world);
  for (const [text, more] of [
    ["left at once", ""],
    ["written on", " while it waits"],
  ]) {
    let release = null;
    const isHeld = new Promise((held) => {
      between.spoil = {
        path: "api/send",
        answer: (answer) => {
          release = () =>
            answer
              .writeHead(200, { "content-type": "application/json" })
              .end(JSON.stringify({ id: "x", results: [{ id: "x", to: BEN, state: "accepted", at: new Date() }] }));
          held();
        },
      };
    });
    await type(page, text);
    await page.keyboard.press("Control+Enter");
    await isHeld;
    await page.keyboard.type(more);
    await page.locator("#search-text").click(); // the text tells of its change
    release();
    await page.locator("#send-button:not([aria-disabled])").waitFor();
    const left = more === "" ? "" : text + more;
    await until(`${text}: ${left}`, async () => (await page.locator("#text").inputValue()) === left);
  }
  between.close();
}
