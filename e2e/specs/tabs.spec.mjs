// Whatever the network does to a page, and however many tabs there are: each message runs once.
import assert from "node:assert/strict";
import { administer } from "../demo.mjs";
import { until } from "../people.mjs";
import { knocking, more, numbers, startTabs } from "../tabs.mjs";

const upTo = (last) => Array.from({ length: last }, (_, at) => at + 1);

/** Everything sent has run, in order, once, and no gap was told. */
const complete = async (opened, tabs) => {
  await opened.waitForFunction((last) => window.got.includes(last), tabs.sent());
  assert.deepEqual(await opened.evaluate(() => window.missed), []);
  assert.deepEqual(await numbers(opened), upTo(tabs.sent()));
};

/** Runs a test with an application of its own. */
const withTabs = (test) => async (stage) => {
  const tabs = await startTabs(stage.demo);
  try {
    await test({ ...stage, tabs });
  } finally {
    await tabs.stop();
  }
};

/**
 * What ran where, once it holds: for each number the tabs and whether each was told that another may have started it. Tabs see what
 * other tabs have stored a little later.
 */
const runs = (opened, holds) =>
  until(
    () =>
      opened.evaluate(() => {
        const found = {};
        for (const [key, told] of Object.entries(localStorage)) {
          const [what, number, tab] = key.split("/");
          if (what === "ran" && number !== "0") (found[number] ??= []).push([tab, told]);
        }
        return found;
      }),
    holds,
  );

export const tests = {
  "a page whose sockets and then streams are cut off goes on by stream and by poll and comes back, with nothing lost or run twice": withTabs(async ({ tabs, person }) => {
    const { proxy } = tabs;
    const opened = await tabs.open(await person());
    const stop = tabs.keepSending({}, opened);
    await proxy.until({ ws: 1, sse: 0, poll: 0 });
    await more(opened, 30);
    proxy.shut("break", "ws");
    await knocking(opened, proxy.until({ ws: 0, sse: 1 }));
    await more(opened, 30);
    proxy.shut("break", "sse");
    await knocking(opened, proxy.until({ ws: 0, sse: 0, poll: 1 }));
    await more(opened, 30);
    proxy.unshut();
    await knocking(opened, proxy.until({ ws: 1, sse: 0, poll: 0 }));
    await more(opened, 30);
    await stop();
    await complete(opened, tabs);
  }),

  "a page whose sockets are never answered comes by stream, and the next page begins there": withTabs(async ({ tabs, person }) => {
    const { proxy } = tabs;
    const context = await person();
    proxy.shut("hang", "ws");
    const first = await tabs.open(context, "first");
    await proxy.until({ sse: 1 });
    // Had it tried a socket first, it would hang as long as the first did.
    const knocked = [];
    context.on("page", (page) => page.on("websocket", (socket) => knocked.push(socket.url())));
    const second = await tabs.open(context, "second");
    await proxy.until({ sse: 2 });
    assert.deepEqual(knocked, []);
    await tabs.send();
    for (const opened of [first, second]) await complete(opened, tabs);
  }),

  "a network that is gone for a while loses nothing and runs nothing twice": withTabs(async ({ tabs, person }) => {
    const { proxy } = tabs;
    const opened = await tabs.open(await person());
    for (let round = 0; round < 3; round++) {
      const stop = tabs.keepSending({}, opened);
      await knocking(opened, more(opened, 20));
      proxy.shut("break", "ws", "sse", "poll", "frames");
      await stop();
      for (let at = 0; at < 20; at++) await tabs.send();
      proxy.unshut();
    }
    await knocking(opened, complete(opened, tabs));
  }),

  "a page that is away while more comes than a mailbox keeps is told exactly what it missed, and runs the rest": withTabs(async ({ tabs, person }) => {
    const { proxy } = tabs;
    const opened = await tabs.open(await person());
    // Answered when the page has acked: what it had settled is what it is not told of.
    await tabs.send({ outcome: 1, wait: "acked" });
    await complete(opened, tabs);
    proxy.shut("break", "ws", "sse", "poll", "frames");
    for (let at = 0; at < 1_100; at++) await tabs.send();
    proxy.unshut();
    await knocking(opened, opened.waitForFunction((last) => window.got.includes(last) && window.missed.length, tabs.sent()));
    // The page's greeting has the first place, so a number has the place above it; 1,000 are kept.
    assert.deepEqual(await opened.evaluate(() => window.missed), [{ from: 3, to: 102, reason: "overflow" }]);
    assert.deepEqual(await numbers(opened), [1, ...upTo(1_101).slice(101)]);
  }),

  "a page that is put away and frozen leaves, and when it is shown again runs what it missed, once": withTabs(async ({ tabs, person }) => {
    const { proxy } = tabs;
    const opened = await tabs.open(await person());
    await tabs.send();
    for (let round = 0; round < 3; round++) {
      await complete(opened, tabs);
      await opened.evaluate(() => (window.signs = []));
      await opened.evaluate(() => ["freeze", "resume"].forEach((sign) => document.addEventListener(sign, () => window.signs.push(sign), { once: true })));
      await opened.goto(`${tabs.url}/elsewhere`);
      await proxy.until({ ws: 0 });
      for (let at = 0; at < 10; at++) await tabs.send();
      await opened.goBack({ waitUntil: "commit" });
      await proxy.until({ ws: 1 });
      await tabs.send();
      await complete(opened, tabs);
      assert.deepEqual(await opened.evaluate(() => window.signs), ["freeze", "resume"]);
    }
  }),

  "of three tabs each runs what is for all, once, and exactly one runs what is for one": withTabs(async ({ tabs, person }) => {
    const context = await person();
    const opened = [];
    for (const tab of ["a", "b", "c"]) opened.push(await tabs.open(context, tab));
    for (let at = 0; at < 20; at++) await tabs.send({ fanout: "all" });
    for (let at = 0; at < 20; at++) await tabs.send({ fanout: "one" });
    await tabs.send({ fanout: "all" });
    for (const one of opened) await one.waitForFunction(() => window.got.includes(41));
    const found = await runs(opened[0], (found) => upTo(41).every((number) => found[number]?.length >= (number > 20 && number < 41 ? 1 : 3)));
    for (const number of upTo(41)) {
      const where = found[number].map(([tab]) => tab).sort();
      if (number > 20 && number < 41) assert.equal(where.length, 1, `${number}: ${where}`);
      else assert.deepEqual(where, ["a", "b", "c"], String(number));
      assert.ok(found[number].every(([, told]) => told === "first"));
    }
  }),

  "what is for one tab runs in another when that tab is closed at that moment, and in no third": withTabs(async ({ tabs, person }) => {
    const context = await person();
    const opened = {};
    for (const tab of ["a", "b", "c"]) opened[tab] = await tabs.open(context, tab);
    const closed = [];
    const stop = tabs.keepSending({ fanout: "one" });
    while (closed.length < 2) {
      const [from] = Object.values(opened);
      const before = tabs.sent() + 10;
      // The tab that ran the latest one is the one to close.
      const [[tab]] = (await runs(from, (found) => found[before]))[before];
      await opened[tab].close();
      delete opened[tab];
      closed.push(tab);
    }
    const [[last, page]] = Object.entries(opened);
    await more(page, 10);
    await stop();
    await page.waitForFunction((wanted) => window.got.includes(wanted), tabs.sent());
    const found = await runs(page, (found) => upTo(tabs.sent()).every((number) => found[number]));
    for (const number of upTo(tabs.sent())) {
      const where = found[number];
      // Twice only if the first tab went between starting and telling so; then the second is told.
      const [first, second, ...others] = where.sort(([, one], [, other]) => (one < other ? 1 : -1));
      assert.ok(!others.length, `${number}: ${JSON.stringify(where)}`);
      if (second) assert.deepEqual([closed.includes(first[0]), second[1]], [true, "again"], `${number}: ${JSON.stringify(where)}`);
    }
    assert.ok(Object.values(found).some((where) => where.some(([tab]) => tab === last)));
  }),

  "a withdrawal ends the page's connection, and nothing reaches it any more": withTabs(async ({ tabs, person, demo }) => {
    const { proxy } = tabs;
    const opened = await tabs.open(await person());
    await tabs.send();
    await opened.waitForFunction(() => window.got.includes(1));
    await administer(demo, `grant remove --app ${tabs.name} --user bo`);
    await opened.waitForFunction(() => window.down === 1);
    await proxy.until({ ws: 0, sse: 0, poll: 0 });
    await assert.rejects(tabs.send(), /292/);
    await administer(demo, `grant add --app ${tabs.name} --user bo`);
    await tabs.send();
    assert.deepEqual([await numbers(opened), await opened.evaluate(() => window.down), proxy.count("ws")], [[1], 1, 0]);
  }),
};
