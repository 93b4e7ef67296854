// How it looks and reads: widths, colours, languages, keyboard, strangers' texts, many pages.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { row, until, write } from "./world.mjs";

const ANNA = "+4915100000002";
const SOURCES = new URL("../../../crates/bridge/src/http/page/", import.meta.url);

async function fill(world) {
  await world.ask({ do: "deliver", from: ANNA, text: "Grüße aus Köln! Water is fine, 21 degrees." });
  await world.ask({ do: "deliver", from: "+79211234567", text: "Счёт 12345, показание 678" });
  await world.ask({
    do: "deliver",
    from: "Bank",
    text: "Your code is 123456. " + "Never tell it to anybody. ".repeat(10),
  });
  await world.ask({
    do: "publish",
    json: { id: "a", to: ANNA, text: "On my way, be there in five minutes.", delivery_report: true },
  });
  await world.ask({
    do: "publish",
    json: { id: "b", to: ["anna", "nobody"], text: "Tomorrow at ten.", send_at: "2099-01-01T10:00:00Z" },
  });
}

export async function it_holds_at_320_and_1280_pixels_in_light_and_dark(world) {
  const empty = await world.visit({ width: 320, height: 640 });
  await world.judge(empty, "320 light empty");
  await fill(world);
  for (const [width, height] of [
    [1280, 900],
    [320, 640],
  ]) {
    for (const scheme of ["light", "dark"]) {
      const name = `${width} ${scheme}`;
      const page = await world.visit({ width, height, scheme });
      await row(page, "On my way").filter({ hasText: "delivered" }).waitFor();
      await row(page, "Grüße").waitFor();
      await write(page, ["anna"], "Привет");
      await page.locator("#more summary").click();
      for (const details of await page.locator(".modem summary").all()) await details.click();
      await page.locator("#queue-list > li").first().waitFor();
      await world.judge(page, name);
      await row(page, "On my way").locator("button").click();
      await page.locator("#panel .timeline").waitFor();
      await world.judge(page, `${name} request`);
      await page.keyboard.press("Escape");
      await page.locator("#queue-list .cancel").first().click();
      await world.judge(page, `${name} question`);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^AT trace/ }).click();
      await page.locator("#panel .trace").waitFor();
      await world.judge(page, `${name} trace`);
    }
  }
  const page = await world.visit({ width: 320, height: 640 });
  await world.ask({ do: "unplug" });
  await page.locator("#problem").waitFor();
  await page.locator(".modem .problem").waitFor();
  assert.match(await page.locator("#problem").innerText(), /main: /);
  await world.judge(page, "320 light problem");
  await world.ask({ do: "plug" });
  await page.locator("#problem").waitFor({ state: "hidden" });
}

export async function a_keyboard_is_enough(world) {
  await fill(world);
  const page = await world.visit({ login: false });
  await world.loaded(page);
  const focused = () =>
    page.evaluate(() => {
      const node = document.activeElement;
      const isSeen =
        node === document.body || node.tagName === "HTML" || getComputedStyle(node).outlineStyle !== "none";
      return {
        id: node.id,
        name: node.textContent.trim().slice(0, 40),
        isSeen,
        tag: node.tagName,
        place: node.closest("section, dialog, header")?.id ?? "",
      };
    });
  const tabTo = async (what, is, key = "Tab") => {
    for (let n = 0; n < 60; n += 1) {
      await page.keyboard.press(key);
      const at = await focused();
      assert.ok(at.isSeen, `the focus can be seen at ${JSON.stringify(at)}`);
      if (is(at)) return;
    }
    assert.fail(`Tab does not reach ${what}`);
  };
  await page.keyboard.press("Tab");
  assert.equal((await focused()).name, "Skip to the content");
  await tabTo("the log in", (at) => at.id === "login");
  await page.keyboard.press("Enter");
  await page.locator("#panel input[type=password]").waitFor();
  await page.keyboard.type(world.token);
  await page.keyboard.press("Enter");
  await page.locator("#send-form").waitFor();
  await world.loaded(page);
  await row(page, "Bank").waitFor();

  await tabTo("the search", (at) => at.id === "search-text");
  await page.keyboard.type("bank");
  await until("what was searched for", async () => (await page.locator("#message-list > li").count()) === 1);
  await tabTo("a message", (at) => at.name.includes("Bank"));
  await page.keyboard.press("Enter");
  await page.locator("#panel .text").waitFor();
  // Inside of the panel it goes round, by way of the browser's own controls.
  for (let n = 0; n < 12; n += 1) {
    await page.keyboard.press("Tab");
    const at = await focused();
    assert.ok(
      at.place === "panel" || ["BODY", "HTML"].includes(at.tag),
      `the panel keeps the focus: ${JSON.stringify(at)}`,
    );
  }
  await page.keyboard.press("Escape");
  await page.locator("#panel").waitFor({ state: "hidden" });
  assert.ok((await focused()).name.includes("Bank"), "the focus is back");

  await tabTo("the recipients", (at) => at.id === "to");
  await page.keyboard.type("+4915100000009");
  await page.keyboard.press("Enter");
  await page.keyboard.type("anna,");
  assert.equal(await page.locator("#recipients > li").count(), 2);
  await page.keyboard.press("Backspace");
  assert.equal(await page.locator("#recipients > li").count(), 1);
  await tabTo("the text", (at) => at.id === "text");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Control+Enter");
  await page.locator("#sent > li").filter({ hasText: "delivered" }).waitFor();

  await tabTo("the queue", (at) => at.place === "queue" && at.name.startsWith("Cancel"));
  await page.keyboard.press("Enter");
  await page.locator("#question").waitFor();
  assert.equal((await focused()).id, "question-no", "what changes nothing comes first");
  await tabTo("yes", (at) => at.id === "question-yes");
  await page.keyboard.press("Enter");
  await page.locator("#queue-note").getByText("Nothing waits to be sent.").waitFor();
  await tabTo("the trace", (at) => at.name.startsWith("AT trace"), "Shift+Tab");
  await page.keyboard.press("Space");
  await page.locator("#panel .trace").waitFor();
  await page.keyboard.press("Escape");
  assert.ok((await focused()).name.startsWith("AT trace"));
}

export async function it_speaks_three_languages_with_the_same_words(world) {
  const all = {};
  for (const tag of ["en", "de", "ru"]) all[tag] = (await import(new URL(`words/${tag}.js`, SOURCES))).default;
  for (const [tag, words] of Object.entries(all)) {
    assert.deepEqual(Object.keys(words).sort(), Object.keys(all.en).sort(), `${tag} has the keys of English`);
    const categories = new Intl.PluralRules(tag).resolvedOptions().pluralCategories.sort();
    const holders = (sentence) => [...sentence.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const [key, value] of Object.entries(words)) {
      const isPlural = typeof value === "object";
      assert.equal(isPlural, typeof all.en[key] === "object", `${tag} ${key}`);
      if (isPlural)
        assert.deepEqual(Object.keys(value).sort(), categories, `${tag} ${key}: the plurals of the language`);
      const other = isPlural ? all.en[key].other : all.en[key];
      assert.deepEqual(holders(isPlural ? value.other : value), holders(other), `${tag} ${key}: what is put in`);
    }
  }
  // Nothing is asked for that is not there, and nothing is there that nobody asks for.
  const files = readdirSync(SOURCES).filter((file) => /\.(js|html)$/.test(file));
  const sources = files.map((file) => readFileSync(new URL(file, SOURCES), "utf8")).join("\n");
  const used = new Set(
    [...sources.matchAll(/(?:say|tell|explain)\("([\w-]+)"|data-(?:words|label)="([\w-]+)"/g)].map(
      (found) => found[1] ?? found[2],
    ),
  );
  assert.deepEqual(
    [...used].filter((key) => !(key in all.en)),
    [],
    "words that are missing",
  );
  const isMade = /^(state|kind|code|encoding|registration|step)_/;
  const unused = Object.keys(all.en).filter(
    (key) => !used.has(key) && !isMade.test(key) && !sources.includes(`"${key}"`) && key !== "name",
  );
  assert.deepEqual(unused, [], "words that nobody uses");

  await world.ask({ do: "deliver", from: ANNA, text: "one" });
  for (const [locale, heading, state] of [
    ["de-AT", "Nachrichten", "bereit"],
    ["ru-RU", "Сообщения", "готов"],
    ["fr-FR", "Messages", "online"],
  ]) {
    const page = await world.visit({ locale, width: 320, height: 640 });
    await row(page, "one").waitFor();
    assert.equal(await page.locator("#messages-title").innerText(), heading);
    assert.equal(await page.locator(".modem .state").innerText(), state);
    assert.equal(
      await page.evaluate(() => document.documentElement.lang),
      { "de-AT": "de", "ru-RU": "ru", "fr-FR": "en" }[locale],
    );
    await world.judge(page, `language ${locale}`);
    const text = await page.evaluate(() => document.body.innerText);
    assert.ok(!/\{\w+\}|undefined|null|NaN|\[object/.test(text), text);
  }
  const page = await world.visit({ locale: "en-GB" });
  await page.locator("#text").fill("хорошо и много");
  await page.locator("#language").selectOption("ru");
  await page.getByRole("heading", { name: "Сообщения" }).waitFor();
  assert.equal(await page.locator("#text").inputValue(), "хорошо и много", "what was typed is still there");
  for (const [count, words] of [
    [1, "1 знак ·"],
    [2, "2 знака ·"],
    [5, "5 знаков ·"],
    [21, "21 знак ·"],
  ]) {
    await page.locator("#text").fill("я".repeat(count));
    await until(words, async () => (await page.locator("#count").innerText()).startsWith(words));
  }
  await page.reload();
  await page.getByRole("heading", { name: "Сообщения" }).waitFor();
}

const HOSTILE = [
  "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>",
  "\"><b onmouseover=alert(4)>x</b>' onclick='alert(5)",
  "javascript:alert(6) data:text/html,<script>alert(7)</script> http://127.0.0.1:1/x",
  "{{constructor.constructor('alert(8)')()}} ${alert(9)} <%= 7*7 %> #{7*7} %s%n",
  "pay \u202e001\u202c to \u2066me\u2069 \u200bnow\u200b\u200b\u200b",
  "nul \u0000 bell \u0007 escape \u001b[2J delete \u007f c1 \u009b tag \u{E0041} \ufeff",
  "</textarea></title></style><!-- --><plaintext>",
  "line \u2028 paragraph \u2029 next \u0085 end",
  "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309".repeat(20),
];

export async function what_strangers_write_is_shown_and_does_nothing(world) {
  const names = ["<i>Carl</i>", '"><img src=x onerror=alert(10)>', "\u202eanna"];
  const prepare = (page) => page.route("**/api/contacts", (route) => route.fulfill({ json: { contacts: names } }));
  const page = await world.visit({ width: 320, height: 640, prepare });
  const long = "W".repeat(10_000);
  for (const text of [...HOSTILE, long]) await world.ask({ do: "deliver", from: "<b>\"'&{}", text });
  for (const from of ["<script>", "javascript:", "'onclick='", "{{7*7}}"])
    await world.ask({ do: "deliver", from, text: `from ${from}` });
  await until("all of them", async () => (await page.locator("#message-list > li").count()) === HOSTILE.length + 5);
  const shown = await page.locator("#message-list").innerText();
  for (const words of [
    "<script>alert(1)</script>",
    "onmouseover",
    "javascript:alert(6)",
    "{{constructor",
    "U+202E",
    "U+200B×3",
    "NUL",
    "ESC",
    "U+009B",
    "U+2028",
    "U+2029",
    "U+0085",
    "</textarea>",
    "<b>\"'&{}",
  ])
    assert.ok(shown.includes(words), `${words} is shown`);
  assert.ok(!/[\u202a-\u202e\u200b]/.test(shown), "nothing turns round or hides");
  const made = await page.evaluate(
    () => document.querySelectorAll("#message-list :is(script, img, b, a, svg, style, plaintext, textarea)").length,
  );
  assert.equal(made, 0, "no text became an element");
  assert.ok(
    await page.evaluate(() =>
      [...document.querySelectorAll("#message-list > li")].every((li) => li.getBoundingClientRect().height < 260),
    ),
    "no row is endless",
  );
  await world.judge(page, "hostile list");
  for (const text of ["<script>alert(1)", "pay ", "nul ", "line ", "WWWW"]) {
    await row(page, text).locator("button").click();
    await page.locator("#panel .text").waitFor();
    for (const summary of await page.locator("#panel summary").all()) await summary.click();
    assert.equal(
      await page.evaluate(() => document.querySelectorAll("#panel :is(script, img, b, a, svg, style)").length),
      0,
    );
    await world.judge(page, `hostile ${text.slice(0, 4)}`);
    if (text === "WWWW") assert.equal((await page.locator("#panel .text").innerText()).length, 10_000);
    await page.keyboard.press("Escape");
  }
  // Names of the network and of contacts are no better.
  const offered = await page
    .locator("#contacts option")
    .evaluateAll((options) => options.map((option) => option.value));
  assert.deepEqual(offered, names);
  await write(page, names, "x");
  assert.match(await page.locator("#recipients").innerText(), /<i>Carl<\/i>[\s\S]*onerror[\s\S]*U\+202E/);
  assert.match(await page.locator(".modem .network").innerText(), /<u>Op&/);
  assert.equal(await page.locator("#modems u, #send i, #send img").count(), 0);
  await page.mouse.move(100, 300);
  await page.locator("#search-text").fill("<script>");
  await until("what was searched for", async () => (await page.locator("#message-list > li").count()) <= 3);
}

export async function the_trace_is_live_masked_and_bounded(world) {
  const page = await world.visit();
  await page.getByRole("button", { name: /^AT trace/ }).click();
  const lines = page.locator("#panel .trace li");
  await world.ask({ do: "deliver", from: "+4915177777777", text: "something private" });
  await until("a dialogue", async () => (await lines.allInnerTexts()).some((line) => line.includes("AT+CM")));
  await write_beneath(world);
  await until("a message that is sent", async () =>
    (await lines.allInnerTexts()).some((line) => line.includes("+CMGS=")),
  );
  await world.shot(page, "trace");
  const text = (await lines.allInnerTexts()).join("\n");
  assert.ok(!text.includes("4915177777777") && !text.includes("519471777777"), `no number is in the trace:\n${text}`);
  await page.locator("#panel").getByRole("button", { name: "Pause" }).click();
  const before = await lines.count();
  await world.ask({ do: "deliver", from: "+4915177777777", text: "while it is held" });
  await page
    .locator("#panel")
    .getByText(/Paused: \d+ lines? waits?/)
    .filter({ hasNotText: "Paused: 0" })
    .waitFor();
  assert.equal(await lines.count(), before, "nothing moves");
  await page.locator("#panel").getByRole("button", { name: "Go on" }).click();
  await until("what was held", async () => (await lines.count()) > before);
  await world.ask({ do: "deliver_many", from: ANNA, text: "again", count: 80 });
  await until("the bound", async () => (await lines.count()) === 500);
  await row(page, "again 79").waitFor();
  assert.equal(await lines.count(), 500, "and no more");
  await page.keyboard.press("Escape");
  assert.equal(await lines.count(), 0);
}

// A day of samples would be too long to wait for; all else is the gateway's own. README shows this page.
export async function a_day_of_signal_is_drawn_with_its_gaps(world) {
  const dbm = Array.from({ length: 1440 }, (_, n) =>
    n > 400 && n < 470 ? null : Math.round(-76 + 7 * Math.sin(n / 230) + 3 * Math.sin(n / 31) + ((n * 7919) % 5) - 2),
  );
  const prepare = (page) =>
    page.route("**/api/signal", (route) =>
      route.fulfill({ json: { interval_s: 60, newest_at: new Date().toISOString(), modems: [{ name: "main", dbm }] } }),
    );
  const send = (json) => world.ask({ do: "publish", json });
  await send({ id: "1", to: "Boiler", text: "status" });
  await world.ask({ do: "deliver", from: "+4915100000006", text: "Boiler: 61 °C, pump on, no fault." });
  await world.ask({ do: "received", text: "Boiler:", count: 1 });
  await world.ask({ do: "deliver", from: "+79211234567", text: "meter 12345 reads 678" });
  await world.ask({ do: "received", text: "meter", count: 1 });
  await world.ask({ do: "deliver", from: "Telekom", text: "Ihr Datenvolumen ist zu 80 % verbraucht." });
  await world.ask({ do: "received", text: "Ihr", count: 1 });
  await send({ id: "2", to: "Anna", text: "Freezer in the cellar: -9 °C and rising. Please have a look." });
  await world.ask({ do: "deliver", from: ANNA, text: "Grüße aus Köln! On my way, be there in 20 minutes." });
  await world.ask({ do: "received", text: "Grüße", count: 1 });
  await send({
    id: "3",
    to: "Anna",
    text: "Reminder: the chimney sweep comes tomorrow at ten.",
    send_at: "2099-11-30T08:00:00Z",
  });
  const page = await world.visit({ height: 860, prepare });
  for (const text of ["Freezer", "status"]) await row(page, text).filter({ hasText: "delivered" }).waitFor();
  await page.locator("#queue-list > li").first().waitFor();
  const curve = page.locator(".signal-curve");
  assert.match(await curve.getAttribute("aria-label"), /Last \W*24\W* hours: \W*-8\d\W* to \W*-6\d\W* dBm/);
  assert.equal((await curve.locator("path").getAttribute("d")).split("M").length - 1, 2, "a gap is a gap");
  await write(page, ["Boiler"], "Heat on, 55 degrees until 22:00");
  await until("the count", async () => /1 part/.test(await page.locator("#count").innerText()));
  await page.locator("#messages-title").click();
  await world.judge(page, "a day");
}

const write_beneath = (world) =>
  world.ask({ do: "publish", json: { id: "t", to: "+4915177777777", text: "private too" } });

export async function twenty_open_pages_see_all_and_disturb_nothing(world) {
  const pages = [];
  for (let n = 0; n < 20; n += 1) {
    const page = await world.visit({ login: false, width: 320, height: 480 });
    await world.loaded(page);
    pages.push(page);
  }
  const { memory: before } = await world.ask({ do: "memory" });
  await world.ask({ do: "deliver_many", from: ANNA, text: "burst", count: 240 });
  for (const page of pages) await row(page, "burst 239").waitFor();
  await world.ask({ do: "received", text: "burst", count: 240 });
  for (const page of pages)
    assert.ok((await page.locator("#message-list > li").count()) <= 300, "a page that is open for long does not grow");
  const { memory: after } = await world.ask({ do: "memory" });
  assert.ok(after - before < 8 * 1024 * 1024, `the gateway grew by ${after - before} octets`);
}
