// Messages: as they come, as they go, and what became of them.

import assert from "node:assert/strict";
import { row, until, write } from "./world.mjs";

const ANNA = "+4915100000002";
const BEN = "+4915100000003";

export async function a_received_sms_appears_without_a_reload(world) {
  const page = await world.visit({ login: false });
  await world.loaded(page);
  await page.evaluate(() => {
    window.isTheSame = true;
  });
  assert.equal(
    await page.locator("#message-note").innerText(),
    "No messages yet. What comes in appears here by itself.",
  );
  await world.ask({ do: "deliver", from: ANNA, text: "The boiler is cold." });
  await row(page, "The boiler is cold.").waitFor();
  assert.match(await row(page, "The boiler is cold.").innerText(), /Anna[\s\S]*\+4915100000002/);
  await until("an announcement", async () => (await page.locator("#announced").textContent()) !== "");
  assert.match(await page.locator("#announced").textContent(), /New message from \W*Anna/);
  await until("one that was received", async () => /1 received/.test(await page.locator(".modem").innerText()));
  assert.match(await page.locator(".modem").innerText(), /main[\s\S]*online[\s\S]*dBm[\s\S]*Number/);
  assert.equal(await page.evaluate(() => window.isTheSame), true);
  assert.equal(await page.locator("#message-list > li").count(), 1);
}

export async function one_that_is_sent_is_followed_to_delivered(world) {
  const page = await world.visit();
  const text = "Grüße! ".repeat(30).trim(); // two parts
  await page.locator("#send-button").click();
  await page.locator("#send-error").getByText("Say whom it goes to.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "to");
  await world.judge(page, "nobody to send to");
  await world.ask({ do: "delay_submits", ms: 700 });
  await write(page, ["anna", "no number"], text);
  await page.locator("#send-button").click();
  const sent = page.locator("#sent > li");
  await sent.filter({ hasText: "no number" }).filter({ hasText: "rejected" }).waitFor();
  await sent.filter({ hasText: "Anna" }).locator("button").click();
  const steps = page.locator("#panel .life").filter({ hasText: "Anna" }).locator(".step");
  const seen = new Set();
  await until("the end of its life", async () => {
    for (const step of await steps.allInnerTexts()) seen.add(step.split("\n")[0]);
    return (await steps.allInnerTexts()).some((step) => /^Delivered/i.test(step));
  });
  const life = (await steps.allInnerTexts()).join("\n");
  assert.match(
    life,
    new RegExp(
      [
        "Accepted and stored", "Part 1 of 2: taken by the network, by main", "Part 2 of 2: taken", "sent",
        "Part 1 of 2: delivered", "Part 2 of 2: delivered", "delivered",
      ].join("[\\s\\S]*"),
      "i",
    ),
  );
  assert.ok(
    [...seen].some((step) => /being (handed|sent)/.test(step)),
    `it was live: ${[...seen].join(" | ")}`,
  );
  await page.keyboard.press("Escape");
  await sent.filter({ hasText: "Anna" }).filter({ hasText: "delivered" }).waitFor();
  await row(page, "Grüße!").filter({ hasText: "Anna" }).filter({ hasText: "delivered" }).waitFor();
  assert.equal(await page.locator("#text").inputValue(), "", "the form is ready for the next one");
  const { submits } = await world.ask({ do: "submits" });
  assert.deepEqual(
    submits.map((submit) => submit.to),
    [ANNA, ANNA],
    "two parts, each once",
  );
}

export async function a_gateway_that_was_killed_is_found_again_with_nothing_missing(world) {
  world.expect(/Failed to load resource|ERR_|CONNECTION/);
  const page = await world.visit();
  await world.ask({ do: "deliver", from: ANNA, text: "before" });
  await row(page, "before").waitFor();
  await page.locator("#text").fill("a draft");
  await world.ask({ do: "kill_gateway" });
  await page.locator("#lost").getByText("The connection to the gateway is lost").waitFor();
  await world.judge(page, "lost");
  await world.ask({ do: "deliver", from: ANNA, text: "meanwhile one" });
  await world.ask({ do: "deliver", from: BEN, text: "meanwhile two" });
  await world.ask({ do: "start_gateway" });
  await row(page, "meanwhile one").waitFor();
  await row(page, "meanwhile two").waitFor();
  await page.locator("#lost").waitFor({ state: "hidden" });
  await world.ask({ do: "deliver", from: ANNA, text: "afterwards" });
  await row(page, "afterwards").waitFor();
  const texts = await page.locator("#message-list .what").allInnerTexts();
  assert.deepEqual([...texts].sort(), ["afterwards", "before", "meanwhile one", "meanwhile two"], "each once");
  assert.equal(await page.locator("#text").inputValue(), "a draft");
}

export async function a_hidden_tab_lets_go_and_catches_up(world) {
  const page = await world.visit({ login: false });
  await world.loaded(page);
  const hide = (isHidden) =>
    page.evaluate((is) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);
  const ended = page.waitForEvent("requestfailed", (request) => request.url().endsWith("api/events"));
  const asked = [];
  await hide(true);
  await ended;
  page.on("request", (request) => asked.push(request.url()));
  await world.ask({ do: "deliver", from: ANNA, text: "unseen" });
  await world.ask({ do: "received", text: "unseen", count: 1 });
  assert.deepEqual(asked, [], "it asks for nothing");
  assert.ok(await page.locator("#lost").isHidden(), "nothing is lost");
  await hide(false);
  await row(page, "unseen").waitFor();
  assert.equal(await page.locator("#message-list > li").count(), 1);
  assert.ok(
    asked.every((url) => !url.includes("api/messages")),
    `what was missed came by the stream: ${asked}`,
  );
}

export async function the_life_of_a_received_message_has_its_rule_its_parts_and_its_pdus(world) {
  const page = await world.visit();
  const text = "meter 20001 reads 678. " + "And a long story, with no end. ".repeat(8);
  await world.ask({ do: "deliver", from: ANNA, text });
  await row(page, "meter 20001").filter({ hasText: "rule meter" }).locator("button").click();
  const panel = page.locator("#panel");
  await panel.locator(".text").waitFor();
  assert.equal(await panel.locator(".text").innerText(), text);
  const facts = await panel.locator(".received").innerText();
  assert.match(
    facts,
    new RegExp(
      [
        "From\\s+Anna · \\+4915100000002", "Sent\\s", "Received\\s", "Parts\\s+2", "GSM 7-bit", "Rule\\s+meter",
        "account\\s*20001", "reading\\s*678",
      ].join("[\\s\\S]*"),
    ),
  );
  await panel
    .locator(".published")
    .filter({ hasText: /^published$/ })
    .waitFor();
  await panel
    .locator("summary")
    .filter({ hasText: /PDU \W*2\W* of \W*2/ })
    .click();
  const rows = panel.locator("details").nth(1).locator("tbody tr");
  assert.ok((await rows.count()) > 5);
  assert.ok((await rows.allInnerTexts()).some((one) => one.includes("TP-OA") && one.includes(ANNA)));
  await world.judge(page, "life of a received message");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.className), "row", "the focus is where it was");
}

export async function search_finds_cyrillic_in_any_case_and_what_is_further_back(world) {
  const page = await world.visit();
  await world.ask({ do: "deliver", from: BEN, text: "Привет из Москвы" });
  await world.ask({ do: "deliver_many", from: ANNA, text: "number", count: 70 });
  await world.ask({ do: "received", text: "number", count: 70 });
  await world.ask({ do: "publish", json: { id: "out-1", to: BEN, text: "ПРИВЕТ обратно" } });
  await row(page, "ПРИВЕТ обратно").filter({ hasText: "delivered" }).waitFor();
  await until("all of them", async () => (await page.locator("#message-list > li").count()) >= 70);
  await page.reload();
  await world.loaded(page);
  assert.equal(await page.locator("#message-list > li").count(), 30, "a page of the list");
  assert.equal(await row(page, "из Москвы").count(), 0);
  await page.locator("#older").click();
  await until("older ones", async () => (await page.locator("#message-list > li").count()) === 60);
  await page.locator("#older").click();
  await row(page, "из Москвы").waitFor();
  assert.equal(await page.locator("#message-list > li").count(), 72);
  assert.ok(await page.locator("#older").isHidden(), "there is nothing further back");
  await world.ask({ do: "publish", json: { id: "out-2", to: BEN, text: "one more" } });
  await row(page, "one more").filter({ hasText: "delivered" }).waitFor();
  assert.equal(await page.locator("#message-list > li").count(), 72, "whoever reads older ones keeps them");
  await page.locator("#search-text").fill("пРИВЕТ");
  await until("both of them", async () => (await page.locator("#message-list > li").count()) === 2);
  await world.ask({ do: "deliver", from: ANNA, text: "и вам привет" });
  await until("what matches as it comes", async () => (await page.locator("#message-list > li").count()) === 3);
  await page.locator("#direction").selectOption("out");
  await until("the one that went out", async () => (await page.locator("#message-list > li").count()) === 1);
  assert.match(await page.locator("#message-list").innerText(), /ПРИВЕТ обратно/);
  await page.locator("#search-text").fill("nothing has this");
  await page.locator("#message-note").getByText("Nothing was found.").waitFor();
}

export async function what_waits_is_cancelled_after_one_question(world) {
  const page = await world.visit();
  await write(page, [ANNA], "The meeting is at ten.");
  await page.locator("#more summary").click();
  await page.locator("#send-at").fill("2099-01-01T10:00");
  await page.locator("#priority").selectOption("5");
  await page.locator("#send-button").click();
  const waiting = page.locator("#queue-list > li");
  await waiting
    .filter({ hasText: "The meeting is at ten." })
    .filter({ hasText: /priority 5/ })
    .waitFor();
  await waiting.getByRole("button", { name: /^Cancel/ }).click();
  const question = page.locator("#question");
  await question.getByText("Cancel this message?").waitFor();
  await question.getByText("No, keep it").click();
  assert.equal(await waiting.count(), 1);
  await waiting.getByRole("button", { name: /^Cancel/ }).click();
  await question.getByText("Yes, cancel it").click();
  await page.locator("#queue-note").getByText("Nothing waits to be sent.").waitFor();
  await row(page, "The meeting is at ten.").filter({ hasText: "cancelled" }).waitFor();
  assert.deepEqual((await world.ask({ do: "submits" })).submits, []);
}

export async function characters_and_parts_are_counted_while_one_types(world) {
  world.expect(/status of 400/);
  const page = await world.visit();
  const counts = async (text, words) => {
    await page.locator("#text").fill(text);
    await until(`${words} of ${text.slice(0, 20)}`, async () => words.test(await page.locator("#count").innerText()));
  };
  await counts("Hello", /^5 characters · 1 part · GSM 7-bit · 155 left/);
  await counts("a", /^1 character · /);
  await counts("Hello €", /GSM 7-bit · 152 left/);
  await counts("Привет", /^6 characters · 1 part · UCS-2 · 64 left/);
  await counts("x".repeat(161), /^161 characters · 2 parts · GSM 7-bit · 145 left/);
  await counts("x".repeat(9000), /parts/);
  await counts("", /counted as you type/);
}

export async function a_text_of_more_parts_than_are_allowed_is_told_before_it_is_sent(world) {
  const page = await world.visit();
  const warning = page.locator("#count .error");
  await page.locator("#text").fill("x".repeat(4 * 153));
  await until("four parts", async () => (await page.locator("#count").innerText()).includes("4 parts"));
  assert.equal(await warning.count(), 0, "as many as are allowed");
  await page.locator("#text").fill("x".repeat(4 * 153 + 1));
  await warning.getByText("5 parts are more than the 4 that are allowed").waitFor();
  await world.judge(page, "too many parts");
  await page.locator("#text").fill("x");
  await until("one part", async () => (await page.locator("#count").innerText()).includes("1 part"));
  assert.equal(await warning.count(), 0);
}

export async function a_pdu_that_cannot_be_decoded_says_why(world) {
  const page = await world.visit();
  await world.ask({ do: "deliver_pdu", hex: "07919471060040340408A1" });
  const broken = row(page, "cannot be decoded");
  await broken.locator("button").click();
  await page.locator("#panel .pdu summary").click();
  const why = page.locator("#panel .pdu .error");
  await why.waitFor();
  assert.ok((await why.innerText()).length > 10, await why.innerText());
  await world.judge(page, "an undecodable PDU");
}

export async function older_ones_asked_for_during_a_reload_lose_nothing(world) {
  let hold = null; // what holds the next answer of the newest messages
  const prepare = (page) =>
    page.route("**/api/messages?*", async (route) => {
      const held = hold;
      if (held === null || route.request().url().includes("after=")) return route.continue();
      hold = null;
      const answer = await route.fetch();
      held.came();
      await held.until;
      await route.fulfill({ response: answer });
    });
  await world.ask({ do: "deliver_many", from: ANNA, text: "number", count: 40 });
  await world.ask({ do: "received", text: "number", count: 40 });
  const page = await world.visit({ prepare });
  await row(page, "number 39").waitFor();
  await until("a page of the list", async () => (await page.locator("#message-list > li").count()) === 30);
  let release;
  const came = new Promise((go) => {
    hold = { came: go, until: new Promise((free) => (release = free)) };
  });
  await world.ask({ do: "publish", json: { id: "one", to: BEN, text: "one that went out" } });
  await came;
  await page.locator("#older").click();
  await world.ask({ do: "deliver", from: ANNA, text: "meanwhile" });
  await row(page, "meanwhile").waitFor();
  release();
  await row(page, "one that went out").filter({ hasText: "delivered" }).waitFor();
  await until("all of them", async () => (await page.locator("#message-list > li").count()) === 42);
  // Another load finds nothing that is left of the one before.
  await world.ask({ do: "publish", json: { id: "two", to: BEN, text: "another one" } });
  await row(page, "another one").filter({ hasText: "delivered" }).waitFor();
  await world.ask({ do: "deliver", from: ANNA, text: "at last" });
  await row(page, "at last").waitFor();
  const texts = await page.locator("#message-list .what").allInnerTexts();
  const inStore = await page.evaluate(async () => (await (await fetch("api/messages?limit=100")).json()).messages);
  assert.deepEqual(texts.slice(0, 4), ["at last", "another one", "meanwhile", "one that went out"]);
  // As many as were shown before are loaded again: the oldest ones may be further back.
  assert.ok(texts.length >= 42, `${texts.length}`);
  assert.deepEqual(
    texts,
    inStore.slice(0, texts.length).map((message) => message.text),
    "in the order of the store",
  );
}

// Those who look at a message that waits do not make the gateway read its store all the time.
export async function a_panel_asks_seldom_and_not_when_it_is_closed(world) {
  const asked = [];
  let published = false;
  const prepare = (page) =>
    page.route("**/api/received/*", async (route) => {
      asked.push(Date.now());
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), published } });
    });
  const page = await world.visit({ prepare });
  await world.ask({ do: "deliver", from: ANNA, text: "looked at" });
  await row(page, "looked at").locator("button").click();
  await page.locator("#panel .published").getByText("waits for the broker").waitFor();
  // Each is a change of the status, which is told each second.
  const begun = Date.now();
  for (let n = 0; Date.now() < begun + 8_000; n += 1) {
    await world.ask({ do: "deliver", from: BEN, text: `another ${n}` });
    await row(page, `another ${n}`).waitFor();
    await new Promise((go) => setTimeout(go, 1_200));
  }
  const most = Math.ceil((Date.now() - asked[0]) / 10_000) + 1;
  assert.ok(asked.length <= most, `at most each 10 s: ${asked.map((at) => at - asked[0])} ms`);
  await page.keyboard.press("Escape");
  const before = asked.length;
  await world.ask({ do: "deliver", from: BEN, text: "closed" });
  await row(page, "closed").waitFor();
  await new Promise((go) => setTimeout(go, 11_000)); // longer than what may have been put off
  assert.equal(asked.length, before, "nobody looks any more");
  published = null;
  await row(page, "looked at").locator("button").click();
  await page.locator("#panel .published").getByText("not published: the sender is on the deny list").waitFor();
}

export async function calls_broadcasts_and_ussd_answers_stand_among_the_messages(world) {
  const page = await world.visit();
  await world.ask({ do: "deliver", from: ANNA, text: "the first" });
  await row(page, "the first").waitFor();
  await world.ask({ do: "ring", from: ANNA });
  await row(page, "calls").filter({ hasText: "Anna" }).waitFor();
  await world.ask({ do: "stop_ringing" });
  await row(page, "missed call").filter({ hasText: "Anna" }).waitFor();
  // "Test" on channel 50, page 1 of 1.
  const head = "001000320111D4F29C0E1A8D46A3D168";
  await world.ask({ do: "broadcast", page: head.padEnd(176, "0") });
  await row(page, "channel 50").filter({ hasText: "Test" }).waitFor();
  await world.ask({ do: "ussd", json: { id: "a", code: "*100#" } });
  await row(page, "USSD answer").filter({ hasText: "Balance: 12.34" }).waitFor();
  await world.ask({ do: "deliver", from: ANNA, text: "the last" });
  await row(page, "the last").waitFor();
  await world.judge(page, "calls and the like");
  const heights = page.locator("#message-list > .beside").evaluateAll((all) => all.map((li) => li.clientHeight));
  assert.ok(
    (await heights).every((height) => height < 36),
    `one line each: ${await heights}`,
  );
  await page.setViewportSize({ width: 320, height: 640 });
  await world.judge(page, "calls and the like at 320");
  await page.setViewportSize({ width: 1280, height: 900 });
  const inOrder = async () => {
    const rows = await page.locator("#message-list > li").allInnerTexts();
    const words = ["the last", "USSD answer", "channel 50", "missed call", "the first"];
    assert.equal(rows.length, words.length, rows.join("\n"));
    words.forEach((one, n) => assert.ok(rows[n].includes(one), `${one} in ${rows[n]}`));
  };
  await inOrder();
  // They are no messages: a search has none of them, and they are back behind it.
  await page.locator("#search-text").fill("the");
  await until("what was searched for", async () => (await page.locator("#message-list > li").count()) === 2);
  await page.locator("#search-text").fill("");
  await until("all of them", async () => (await page.locator("#message-list > li").count()) === 5);
  await inOrder();
}

export async function what_comes_and_goes_all_the_time_is_asked_for_now_and_then(world) {
  const page = await world.visit();
  const asked = { "api/queue": [], "api/messages": [] };
  page.on("request", (request) => {
    for (const [path, times] of Object.entries(asked)) if (request.url().includes(path)) times.push(Date.now());
  });
  const begun = Date.now();
  for (let n = 0; Date.now() < begun + 9_000; n += 1) {
    await world.ask({ do: "publish", json: { id: `n${n}`, to: BEN, text: `out ${n}` } });
    await row(page, `out ${n}`).waitFor();
    await new Promise((go) => setTimeout(go, 300));
  }
  for (const [path, times] of Object.entries(asked)) {
    const most = Math.ceil((Date.now() - begun) / 3_000) + 1;
    assert.ok(times.length >= 2 && times.length <= most, `${path} at ${times.map((at) => at - begun)} ms`);
  }
}
