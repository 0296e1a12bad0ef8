// Signed sets as a browser brings them to an application's server, judged by the unmodified Perl client of 2008.
import assert from "node:assert/strict";
import { administer, run } from "../demo.mjs";
import { application, frameOf } from "../framed.mjs";
import { logIn } from "../people.mjs";

const RECEIVER = "crates/crier-server/tests/period_clients/receiver.pl";
const now = () => Math.floor(Date.now() / 1000);

/** What the client makes of requests, each a query and a Cookie header: a set, or nothing. */
const judged = async ({ secret, apiKey, at = now() }, requests) => {
  const input = requests.map(({ query = "", cookies = "" }) => `${query}\t${cookies}\n`).join("");
  const { out, err, status } = await run(`perl ${RECEIVER} ${secret} ${apiKey} ${at}`, { input });
  assert.equal(status, 0, err);
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, requests.length);
  return lines.map((line) => (line === "refused" ? undefined : Object.fromEntries(line.split("&").map((pair) => pair.split(/=(.*)/s)))));
};

/** The query with which the frame has asked the application for its page. */
const shown = async (page, demo, app, canvas) => {
  app.asked.length = 0;
  await page.goto(`${demo.url}/apps/${canvas}/plain?x=1`);
  await (await frameOf(page)).waitForSelector("text=plain");
  return app.asked.find((url) => url.startsWith("/plain?")).split("?")[1];
};

export const tests = {
  "the set of every visitor of a canvas page is accepted by the Perl client as it is, and nothing forged, foreign or old": async ({ demo, person }) => {
    const app = await application(demo);
    try {
      const add = (name, more) => administer(demo, `app add ${name} --owner cy --callback ${app.origin}/ ${more}`);
      const { api_key: apiKey, secret } = await add("Sets", "--canvas sets");
      // Before the server has read the application: what it has read may be a second old.
      await administer(demo, "app set Sets canvas_ss=on");
      const keys = { apiKey, secret };
      const page = await (await person()).newPage();
      const out = await shown(page, demo, app, "sets");
      const visitor = await logIn(await person(), demo, "bo");
      const stranger = await shown(visitor, demo, app, "sets");
      await visitor.goto(`${demo.url}/login.php?api_key=${apiKey}&req_perms=offline_access`);
      await visitor.check("input[name=offline]");
      await Promise.all([visitor.waitForURL((url) => url.href.startsWith(app.origin)), visitor.click("form button.primary")]);
      const inside = await shown(visitor, demo, app, "sets");
      const [nobody, known, user] = await judged(keys, [{ query: out }, { query: stranger }, { query: inside }]);
      const common = ["added", "api_key", "app_id", "in_iframe", "in_new_facebook", "locale", "position_fix", "request_method", "time"];
      assert.deepEqual(Object.keys(nobody).sort(), [...common, "logged_out_facebook"].sort());
      assert.deepEqual(Object.keys(known).sort(), [...common, "canvas_user"].sort());
      assert.deepEqual(Object.keys(user).sort(), [...common, "expires", "ext_perms", "profile_update_time", "session_key", "ss", "user"].sort());
      assert.deepEqual([nobody.logged_out_facebook, known.canvas_user, user.user, user.ext_perms], ["1", demo.uids.bo, demo.uids.bo, "offline_access"]);
      assert.match(user.session_key, new RegExp(`^[0-9a-f]{24}-${demo.uids.bo}$`));

      // A desktop application's set is signed with the session secret, and with nothing else.
      const desk = await add("DeskSets", "--canvas desksets --desktop");
      await administer(demo, "app set DeskSets canvas_ss=on");
      await administer(demo, "grant add --app DeskSets --user bo");
      const onDesk = await shown(visitor, demo, app, "desksets");
      const ss = new URLSearchParams(onDesk).get("fb_sig_ss");
      const [signed] = await judged({ apiKey: desk.api_key, secret: ss }, [{ query: onDesk }]);
      assert.equal(signed.user, demo.uids.bo);
      assert.deepEqual(await judged({ apiKey: desk.api_key, secret: desk.secret }, [{ query: onDesk }]), [undefined]);

      const swap = (name, value) => inside.replace(new RegExp(`fb_sig_${name}=[^&]*`), `fb_sig_${name}=${value}`);
      const forged = [
        swap("user", demo.uids.ada),
        swap("added", "1"),
        swap("time", String(now() + 60)),
        swap("session_key", `0123456789abcdef01234567-${demo.uids.bo}`),
        inside.replace(/&?fb_sig_added=\d/, ""),
        `${inside}&fb_sig_friends=1`,
        `${inside}&fb_sig_user=${demo.uids.ada}`,
        inside.replace(/fb_sig=\w+/, `fb_sig=${"0".repeat(32)}`),
        inside.replace(/&?fb_sig=\w+/, ""),
        out.replace("fb_sig_logged_out_facebook=1", `fb_sig_user=${demo.uids.bo}`),
        onDesk,
      ];
      assert.deepEqual(await judged(keys, forged.map((query) => ({ query }))), forged.map(() => undefined));
      assert.deepEqual(await judged({ ...keys, secret: desk.secret }, [{ query: inside }]), [undefined]);
      const made = Number(user.time);
      assert.deepEqual(await judged({ ...keys, at: Math.ceil(made) + 48 * 3600 + 1 }, [{ query: inside }]), [undefined]);
      assert.deepEqual(await judged({ ...keys, at: Math.floor(made) + 48 * 3600 }, [{ query: inside }]), [user]);
      console.log(`  ${forged.length + 3} forged, foreign and old sets refused`);
    } finally {
      app.stop();
    }
  },

  "on an application's own domain the client keeps a session in the five cookies, which the Perl client accepts, and listens": async ({ demo, person }) => {
    const app = await application(demo, "localhost");
    try {
      const { api_key: apiKey, secret } = await administer(demo, `app add Ownground --owner cy --callback ${app.origin}/`);
      const context = await person();
      const page = await logIn(context, demo, "bo");
      const login = `${demo.url}/login.php?api_key=${apiKey}&return_session=1&next=${encodeURIComponent(`own?key=${apiKey}`)}`;
      await page.goto(login);
      await page.click("form button.primary");
      await page.waitForURL(`${app.origin}/own?key=${apiKey}`);
      await page.waitForFunction(() => typeof window.message === "object");
      const say = (text) => page.evaluate(([uid, text]) => new Promise((done) => window.message.setSendSuccessHandler(done).send(uid, text)), [demo.uids.bo, text]);
      await say("from my own page");
      await page.waitForFunction(() => window.got.length === 1);
      assert.deepEqual(await page.evaluate(() => window.got), ["from my own page"]);
      // The session stood in the address of one request alone, and the cookies hold it from then on.
      assert.ok(app.asked.some((url) => url.includes("session=")));
      const cookies = (await context.cookies(app.origin)).map(({ name, value }) => `${name}=${value}`).join("; ");
      const [set] = await judged({ apiKey, secret }, [{ cookies }]);
      assert.deepEqual(Object.keys(set).sort(), ["expires", "session_key", "ss", "user"]);
      assert.equal(set.user, demo.uids.bo);
      const other = cookies.replaceAll(demo.uids.bo, demo.uids.ada);
      assert.notEqual(other, cookies);
      assert.deepEqual(await judged({ apiKey, secret }, [{ cookies: other }, { cookies: cookies.replace(/_ss=\w/, "_ss=x") }]), [undefined, undefined]);
      // A page of its own, without a session in its address: the cookies are enough.
      app.asked.length = 0;
      await page.goto(`${app.origin}/own?key=${apiKey}`);
      await page.waitForFunction(() => typeof window.message === "object");
      await say("again");
      await page.waitForFunction(() => window.got.length === 1);
      assert.ok(!app.asked.some((url) => url.includes("session=")));
    } finally {
      app.stop();
    }
  },
};
