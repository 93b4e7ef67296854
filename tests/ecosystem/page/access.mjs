// Who may see and do what, and from where.

import assert from "node:assert/strict";
import { proxy } from "./proxy.mjs";
import { row, until, write } from "./world.mjs";

export async function reading_is_free_on_this_machine_and_the_token_opens_the_rest(world) {
  world.expect(/status of 401/);
  const page = await world.visit({ login: false });
  await world.loaded(page);
  await world.ask({
    do: "publish",
    json: { id: "later", to: "+4915100000002", text: "later", send_at: "2099-01-01T00:00:00Z" },
  });
  await page.locator("#queue-list").getByText("later").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Cancel/ }).count(), 0, "what is not allowed is not offered");
  assert.ok(await page.locator("#send-form").isHidden());
  assert.match(await page.locator("#send-closed").innerText(), /To send or to cancel, log in with the token/);
  await page.locator("#send-closed").getByRole("button", { name: "Log in" }).click();
  const token = page.locator("#panel input[type=password]");
  assert.ok(await token.evaluate((node) => node === document.activeElement));
  await token.fill("0123456789abcdef0123456789abcdeX");
  await page.keyboard.press("Enter");
  await page.locator("#panel .error").getByText("This is not the token.").waitFor();
  await world.judge(page, "a wrong token");
  await token.fill("кириллица");
  await page.keyboard.press("Enter");
  await page.locator("#panel .error").getByText("This is not the token.").waitFor();
  await token.fill(world.token);
  await page.keyboard.press("Enter");
  await page.locator("#send-form").waitFor();
  await page
    .getByRole("button", { name: /^Cancel/ })
    .first()
    .waitFor();
  const cookies = await page.context().cookies();
  assert.ok(
    cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict" && !cookie.value.includes(world.token)),
  );
  assert.equal(
    await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])),
    "[{},{}]",
    "no token is kept",
  );
  await page.locator("#logout").click();
  await page.locator("#send-closed").waitFor();
  await world.loaded(page);
  assert.ok(await page.locator("#send-form").isHidden());
}

export async function by_another_name_nothing_is_shown_before_the_token(world) {
  await world.ask({ do: "deliver", from: "+4915100000002", text: "a secret" });
  const url = world.url.replace("127.0.0.1", "attic.lan");
  const page = await world.visit({ url, login: false });
  await page.locator("#closed").waitFor();
  for (const id of ["modems", "messages", "send", "queue"]) assert.ok(await page.locator(`#${id}`).isHidden(), id);
  assert.ok(!(await page.content()).includes("a secret"));
  await world.judge(page, "closed");
  await world.login(page);
  await row(page, "a secret").waitFor();
  // A token that was changed elsewhere closes what is open.
  await page.context().clearCookies();
  world.expect(/status of 401/);
  await page.reload();
  await page.locator("#closed").waitFor();
}

export async function below_a_path_of_a_reverse_proxy_everything_works(world) {
  const prefix = "/api/hassio_ingress/abc/";
  const target = new URL(world.url);
  // As Home Assistant's ingress does: a path of its own, and the client's address and host in headers.
  const headers = (asked) => ({
    host: target.host,
    "x-forwarded-for": "192.168.1.7",
    "x-forwarded-host": asked.headers.host,
    "x-forwarded-proto": "http",
  });
  const between = await proxy(target, { prefix, headers });
  const page = await world.visit({ url: between.url, login: false });
  await page.locator("#closed").waitFor();
  await world.login(page);
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.path, "/api/hassio_ingress/abc", "the cookie is of the page's own path");
  await write(page, ["+4915100000002"], "through a proxy");
  await page.locator("#send-button").click();
  await row(page, "through a proxy").filter({ hasText: "delivered" }).waitFor();
  await world.ask({ do: "deliver", from: "+4915100000002", text: "and back" });
  await row(page, "and back").locator("button").click();
  await page.locator("#panel .text").waitFor();
  await until("the icon", () => page.locator(".logo").evaluate((image) => image.naturalWidth > 0));
  between.close();
  world.expect(/Failed to load resource|ERR_/);
}

// The form as somebody fills it who does not log in by it.
async function refused(world, page) {
  await page.locator("#login").click();
  await page.locator("#panel input[type=password]").fill(world.token);
  await page.keyboard.press("Enter");
  const words = page.locator("#panel .error");
  await words.filter({ hasText: /./ }).waitFor();
  return words.innerText();
}

export async function without_a_token_configured_the_login_says_what_to_set(world) {
  world.expect(/status of 403/);
  const page = await world.visit({ login: false });
  await world.loaded(page);
  assert.match(await refused(world, page), /^The gateway has no token configured/);
}

export async function behind_a_proxy_that_is_not_trusted_the_login_says_which_setting_is_missing(world) {
  world.expect(/status of 403/);
  const target = new URL(world.url);
  // The proxy's configuration is changed while a page is open.
  let host = (asked) => asked.headers.host;
  const between = await proxy(target, { headers: (asked) => ({ host: host(asked) }) });
  const page = await world.visit({ url: between.url, login: false });
  await world.loaded(page);
  host = () => target.host;
  assert.match(await refused(world, page), /^this was asked by a page of another origin.*trusted_proxy/s);
  await world.judge(page, "a login of another origin");
  between.close();
  world.expect(/Failed to load resource|ERR_/);
}

export async function a_page_whose_script_is_refused_says_what_may_be_wrong(world) {
  world.expect(/status of 403/);
  const target = new URL(world.url);
  const between = await proxy(target, { headers: () => ({ host: target.host }) });
  const page = await world.visit({ url: between.url, login: false });
  await page.getByText("The page cannot start").waitFor();
  assert.match(await page.locator("#unstarted").innerText(), /trusted_proxy/);
  await world.shot(page, "not started");
  between.close();
  world.expect(/Failed to load resource|ERR_/);
  const started = await world.visit({ login: false });
  await world.loaded(started);
  assert.ok((await started.locator("#unstarted").count()) === 0);
}
