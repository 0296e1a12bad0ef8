// The unmodified Perl client of 2008 (WWW::Facebook::API) reaches an open page and a feed in a real browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { administer, run } from "../demo.mjs";
import { application, frameOf } from "../framed.mjs";
import { logIn } from "../people.mjs";

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

/** The frame's page has its connection: it has heard what it sent to its own reader. */
const ready = async (frame, uid) => {
  await frame.waitForFunction(() => typeof window.message === "object");
  await frame.evaluate((uid) => new Promise((done) => window.message.setSendSuccessHandler(done).send(uid, "ready")), uid);
  await frame.waitForFunction(() => window.got.length === 1);
};

export const tests = {
  "the unmodified Perl client runs the handler in an open page, in both formats": async ({ demo, person }) => {
    const app = await application(demo);
    try {
      // In web mode that client sends no call_id: the setting exists for it.
      const { api_key: apiKey, secret } = await administer(demo, `app add PerlWeb --owner cy --profile period --callback ${app.origin}/ --canvas perlweb`);
      await administer(demo, "app set PerlWeb canvas_ss=on call_id=ignored");
      for (const user of ["ada", "bo"]) await administer(demo, `grant add --app PerlWeb --user ${user}`);
      const { session_key: session } = await administer(demo, "session add --app PerlWeb --user ada");
      const page = await logIn(await person(), demo, "bo");
      await page.goto(`${demo.url}/apps/perlweb/`);
      const frame = await frameOf(page);
      await ready(frame, demo.uids.bo);
      await frame.evaluate((uid) => {
        window.heard = [];
        window.object = new LiveMessage("perl", (value, info) => window.heard.push([value, info.raw]));
        return new Promise((done) => window.object.setSendSuccessHandler(done).send(uid, "ready"));
      }, demo.uids.bo);
      for (const [format, count] of [["JSON", 2], ["XML", 3]]) {
        const text = `{"from": "Perl", "in": "${format}"}`;
        const [success] = await perl(demo, { format, secret, session, apiKey }, "liveMessage.send", { recipient: demo.uids.bo, event_name: "perl", message: text });
        assert.equal(success, "ok");
        await frame.waitForFunction((wanted) => window.heard.length >= wanted, count);
        assert.deepEqual(await frame.evaluate(() => window.heard.at(-1)), [{ from: "Perl", in: format }, text]);
      }
    } finally {
      app.stop();
    }
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
    await ready(frame, demo.uids.bo);
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
