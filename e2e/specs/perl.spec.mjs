// The unmodified Perl client of 2008 (WWW::Facebook::API) reaches an open page and a feed in a real browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { administer, run } from "../demo.mjs";
import { application, frameOf } from "../framed.mjs";
import { logIn, openGame } from "../people.mjs";

const CLIENT = "crates/crier-server/tests/period_clients/client.pl";
const DESKTOP = "crates/crier-server/tests/period_clients/desktop.pl";
const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** One call in web mode: [whether the client took it for a success, its last error, the response]. */
const perl = async (demo, keys, method, parameters) => {
  const words = ["web", keys.format, keys.secret, keys.session, keys.apiKey, method, ...Object.entries(parameters).flat()];
  const { out, err, status } = await run(`perl ${CLIENT} ${demo.url}/restserver.php ${words.map(quote).join(" ")}`);
  assert.equal(status, 0, out + err);
  return out.split("\n");
};

export const tests = {
  "the unmodified Perl client runs the handler in an open page, in both formats": async ({ demo, person }) => {
    // In web mode that client sends no call_id: the setting exists for it.
    await administer(demo, "app set Rochambeau call_id=ignored");
    const { session_key: session } = await administer(demo, "session add --app Rochambeau --user ada");
    const page = await openGame(await person(), demo, "bo");
    await page.evaluate(() => {
      window.got = [];
      window.object = new LiveMessage("perl", (value, info) => window.got.push([value, info.raw]));
      const me = JSON.parse(document.querySelector("#table").textContent).me.uid;
      return new Promise((done) => window.object.setSendSuccessHandler(done).send(me, "ready"));
    });
    for (const [format, count] of [["JSON", 2], ["XML", 3]]) {
      const text = `{"from": "Perl", "in": "${format}"}`;
      const [success] = await perl(demo, { format, secret: demo.secret, session, apiKey: demo.apiKey }, "liveMessage.send", { recipient: demo.uids.bo, event_name: "perl", message: text });
      assert.equal(success, "ok");
      await page.waitForFunction((wanted) => window.got.length >= wanted, count);
      assert.deepEqual(await page.evaluate(() => window.got.at(-1)), [{ from: "Perl", in: format }, text]);
    }
    await administer(demo, "app set Rochambeau call_id=required");
  },

  "the unmodified Perl client puts a story on the recipient's feed page, once in twelve hours": async ({ demo, person }) => {
    const { api_key: apiKey, secret } = await administer(demo, "app add PerlPress --owner cy --profile period");
    await administer(demo, "grant add --app PerlPress --user bo");
    const { session_key: session } = await administer(demo, "session add --app PerlPress --user bo");
    const keys = { format: "JSON", secret, session, apiKey };
    const story = { title: "Printed in Perl", body: "<b>Still</b> running.", image_1: "http://i.example/1.jpg", image_1_link: "http://l.example/1" };
    assert.equal((await perl(demo, keys, "feed.publishStoryToUser", story))[0], "ok");
    const [success, error] = await perl(demo, keys, "feed.publishStoryToUser", { title: "Too early" });
    assert.equal(success, "failed");
    assert.match(error, /340/);
    const page = await logIn(await person(), demo, "bo");
    await page.goto(`${demo.url}/feed`);
    const text = await page.textContent("main");
    assert.ok(text.includes("Printed in Perl") && text.includes("Still running.") && !text.includes("Too early"));
  },

  "the unmodified Perl client logs in as a desktop application, and its message reaches an open page": async ({ demo, person, shot }) => {
    const desk = await application(demo);
    const { api_key: apiKey, secret } = await administer(demo, `app add PerlDesk --owner cy --desktop --profile period --callback ${desk.origin}/ --canvas perldesk`);
    await administer(demo, "app set PerlDesk canvas_ss=on");
    await administer(demo, "grant add --app PerlDesk --user bo");
    const open = await logIn(await person(), demo, "bo");
    await open.goto(`${demo.url}/apps/perldesk/`);
    const frame = await frameOf(open);
    await frame.waitForFunction(() => typeof window.message === "object");
    await frame.evaluate((uid) => new Promise((done) => window.message.setSendSuccessHandler(done).send(uid, "ready")), demo.uids.bo);
    await frame.waitForFunction(() => window.got.length === 1);
    const words = [`${demo.url}/restserver.php`, secret, apiKey, demo.uids.bo, '{"from":"a desk"}'];
    const client = spawn("perl", [new URL(`../../${DESKTOP}`, import.meta.url).pathname, ...words]);
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    const line = async () => (await lines.next()).value;
    const token = await line();
    assert.match(token, /^[0-9a-f]{32}$/);
    const context = await person();
    const page = await context.newPage();
    await page.goto(`${demo.url}/login.php?api_key=${apiKey}&v=1.0&auth_token=${token}&popup=1`);
    await page.fill("#name", "ada");
    await page.fill("#password", demo.passwords.ada);
    await page.click("form button.primary");
    await page.waitForSelector("text=Accept PerlDesk?");
    await shot(page, "terms-desktop");
    await page.click("form button.primary");
    await page.waitForSelector("text=You may close this window now");
    client.stdin.write("\n");
    assert.equal(await line(), demo.uids.ada);
    assert.deepEqual([await line(), await line()], ["ok", ""]);
    const status = await new Promise((done) => client.on("close", done));
    assert.equal(status, 0);
    await frame.waitForFunction(() => window.got.length === 2);
    assert.deepEqual(await frame.evaluate(() => window.got), ["ready", { from: "a desk" }]);
    desk.stop();
    const again = await page.goto(`${demo.url}/login.php?api_key=${apiKey}&v=1.0&auth_token=${token}`);
    assert.equal(again.status(), 400);
    await page.waitForSelector("text=Go back to the application and start again");
  },
};
