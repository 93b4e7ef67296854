// Who may see and do what, and from where.

import assert from "node:assert/strict";
import { createServer, request as forward } from "node:http";
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

// As Home Assistant's ingress does: a path of its own, and the client's address and host in headers.
function proxy(target, prefix) {
  const server = createServer((asked, answer) => {
    if (!asked.url.startsWith(prefix)) {
      answer.writeHead(404).end();
      return;
    }
    const headers = {
      ...asked.headers,
      host: target.host,
      "x-forwarded-for": "192.168.1.7",
      "x-forwarded-host": asked.headers.host,
      "x-forwarded-proto": "http",
    };
    const path = asked.url.slice(prefix.length - 1);
    const passed = forward({ host: target.hostname, port: target.port, path, method: asked.method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  return new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(server)));
}

export async function below_a_path_of_a_reverse_proxy_everything_works(world) {
  const prefix = "/api/hassio_ingress/abc/";
  const server = await proxy(new URL(world.url), prefix);
  const page = await world.visit({ url: `http://127.0.0.1:${server.address().port}${prefix}`, login: false });
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
  server.closeAllConnections();
  server.close();
  world.expect(/Failed to load resource|ERR_/);
}
