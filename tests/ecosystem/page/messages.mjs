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
