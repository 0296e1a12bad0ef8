// Signed calls reach open pages, the 2008 object behaves as it did, and nothing is lost or doubled when the line breaks.
import assert from "node:assert/strict";
import { listen, run } from "../demo.mjs";
import { openGame, signed } from "../people.mjs";

/** Registers an event in the page and keeps what comes. */
const collect = (page, event) =>
  page.evaluate((name) => {
    window.got = [];
    window.object = new LiveMessage(name, function (value, info) {
      window.got.push({ value, raw: info.raw, from: info.from, via: info.via, self: this === window.object });
    });
    // Registered when a send of the page itself has been answered.
    return new Promise((done) => window.object.setSendSuccessHandler(done).send(JSON.parse(document.querySelector("#table").textContent).me.uid, null));
  }, event);
const arrived = (page, count) => page.waitForFunction((wanted) => window.got.length >= wanted, count);
const send = async (demo, to, event, message) => {
  const { out, err, status } = await run(signed(demo, "liveMessage.send", { recipient: demo.uids[to], event_name: event, message, format: "json" }));
  assert.equal(status, 0, out + err);
  return out.trim();
};

export const tests = {
  "the three printed commands work as printed": async ({ demo, person }) => {
    const bo = await openGame(await person(), demo, "bo");
    const sent = await run(demo.send);
    assert.equal(sent.status, 0, sent.err + sent.out);
    assert.match(sent.out, />1<\/liveMessage_send_response>/);
    await bo.waitForFunction(() => document.querySelector("#said").textContent === "ada: Let us start a game.");
    const published = await run(demo.publish);
    assert.equal(published.status, 0, published.err + published.out);
    assert.match(published.out, />1<\/feed_publishStoryToUser_response>/);
    const listening = await listen(demo);
    await bo.evaluate((uid) => new LiveMessage("rochambeau", () => undefined).send(uid, { g: "", hello: "ada" }), demo.uids.ada);
    await listening.until((frame) => frame.type === "message" && frame.raw === '{"g":"","hello":"ada"}');
  },

  "a signed call runs the handler with the exact message": async ({ demo, person }) => {
    const bo = await openGame(await person(), demo, "bo");
    await collect(bo, "exact");
    const text = '{ "say" : "Zoë \\u2028 \\"quoted\\" <b>&amp;</b>" , "n":1.50}';
    assert.equal(await send(demo, "bo", "exact", text), "true");
    await arrived(bo, 2);
    assert.deepEqual(await bo.evaluate(() => window.got[1]), { value: { say: 'Zoë \u2028 "quoted" <b>&amp;</b>', n: 1.5 }, raw: text, from: demo.uids.ada, via: "app", self: true });
    await send(demo, "bo", "exact", "{message:'Let\\'s start a game.'}");
    await send(demo, "bo", "exact", "plain words");
    await arrived(bo, 4);
    assert.deepEqual(await bo.evaluate(() => window.got.slice(2).map((one) => one.value)), [{ message: "Let's start a game." }, "plain words"]);
  },

  "the 2008 object throws strings, returns itself and reports each send once": async ({ demo, person }) => {
    const page = await openGame(await person(), demo, "ada");
    const found = await page.evaluate(async (uid) => {
      const thrown = (fn) => {
        try {
          fn();
        } catch (error) {
          return typeof error;
        }
        return "nothing";
      };
      const object = new LiveMessage("self", () => undefined);
      const reports = [];
      const chained = object.setShutdownHandler(null).setRestartHandler(null).setSendSuccessHandler((...args) => reports.push(["sent", ...args])).setSendErrorHandler((code, text, ...args) => reports.push(["failed", code, ...args]));
      const bare = new LiveMessage("nobody").setSendErrorHandler((code) => reports.push(["bare", code]));
      const returned = object.send(uid, { a: 1 });
      object.send("1", "no such person");
      object.send(uid, "x".repeat(2000));
      bare.send(uid, 1);
      const during = reports.length;
      while (reports.length < 4) await new Promise((done) => setTimeout(done, 20));
      await new Promise((done) => setTimeout(done, 200));
      return { chained: chained === object, returned, during, reports: reports.sort((a, b) => String(a).localeCompare(String(b))), thrown: [thrown(() => new LiveMessage("")), thrown(() => new LiveMessage()), thrown(() => object.send("", 1)), thrown(() => object.send())] };
    }, demo.uids.ada);
    assert.deepEqual(found.thrown, ["string", "string", "string", "string"]);
    assert.deepEqual([found.chained, found.returned, found.during], [true, undefined, 0]);
    const short = found.reports.map((report) => report.slice(0, 2));
    assert.deepEqual(short, [["bare", 1100], ["failed", 1102], ["failed", 292], ["sent", demo.uids.ada]]);
  },

  "what is sent while a page is offline arrives once, in order, when it is back": async ({ demo, person }) => {
    const context = await person();
    // Keeps the page's sockets within reach, so that the line can break under them.
    await context.addInitScript(() => {
      window.sockets = [];
      window.WebSocket = class extends WebSocket {
        constructor(...args) {
          super(...args);
          window.sockets.push(this);
        }
      };
    });
    const bo = await openGame(context, demo, "bo");
    await collect(bo, "cut");
    await send(demo, "bo", "cut", "1");
    await arrived(bo, 2);
    await context.setOffline(true);
    await bo.evaluate(() => window.sockets.at(-1).close());
    for (const number of [2, 3, 4]) await send(demo, "bo", "cut", String(number));
    assert.equal(await bo.evaluate(() => window.got.length), 2);
    assert.equal(await bo.evaluate(() => window.sockets.length), 1, "a page without a network knocks in vain");
    await context.setOffline(false);
    await arrived(bo, 5);
    await send(demo, "bo", "cut", "5");
    await arrived(bo, 6);
    assert.deepEqual(await bo.evaluate(() => window.got.slice(1).map((one) => one.value)), [1, 2, 3, 4, 5]);
  },

  "what was sent before anybody had a page open runs in the page that opens next, once": async ({ demo, person }) => {
    const words = `waiting since ${Date.now()}`;
    await send(demo, "cy", "rochambeau", JSON.stringify({ say: words }));
    const cy = await openGame(await person(), demo, "cy");
    await cy.waitForFunction((wanted) => document.querySelector("#said").textContent.includes(wanted), words);
  },

  "two pages of one person both run the handler, each once": async ({ demo, person }) => {
    const context = await person();
    const first = await openGame(context, demo, "bo");
    const second = await context.newPage();
    await second.goto(demo.game);
    await second.waitForSelector("#mine.here");
    await collect(first, "both");
    await collect(second, "both");
    await send(demo, "bo", "both", '"hello"');
    await Promise.all([first.waitForFunction(() => window.got.some((one) => one.value === "hello")), second.waitForFunction(() => window.got.some((one) => one.value === "hello"))]);
    const counts = await Promise.all([first, second].map((page) => page.evaluate(() => window.got.filter((one) => one.value === "hello").length)));
    assert.deepEqual(counts, [1, 1]);
  },
};
