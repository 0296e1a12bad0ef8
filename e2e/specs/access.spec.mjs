// Accessibility by axe-core: no serious or critical finding on any page of the site and the game, in light and dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { logIn } from "../people.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const findings = async (page) => {
  // By the debugger's way in: the pages' own policy lets no foreign script in.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document).then((found) => JSON.stringify(found.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => one.id + ": " + one.nodes.map((node) => node.html + " " + node.failureSummary).join("; "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  return JSON.parse(result.value);
};

const clean = async (page, what) => assert.deepEqual(await findings(page), [], what);

const pages = (colorScheme) => async ({ demo, person, shot }) => {
  const stranger = await (await person({ colorScheme })).newPage();
  await stranger.goto(`${demo.url}/login`);
  await clean(stranger, "login");
  await shot(stranger, `login-${colorScheme}`);
  const context = await person({ colorScheme });
  const page = await logIn(context, demo, "cy");
  for (const path of ["/feed", "/settings", "/"]) {
    await page.goto(demo.url + path);
    await clean(page, path);
    await shot(page, `site${path.replaceAll("/", "-")}-${colorScheme}`);
  }
  const game = await context.newPage();
  await game.goto(demo.game);
  await game.waitForSelector("#mine");
  await clean(game, "game");
  await shot(game, `game-${colorScheme}`);
};

const size = (page) => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);

export const tests = {
  "at 320 pixels no page of the site scrolls sideways": async ({ demo, person, shot }) => {
    const page = await logIn(await person({ viewport: { width: 320, height: 640 } }), demo, "cy");
    for (const path of ["/feed", "/settings", "/logout", "/nothing-here", `/login.php?skipcookie=1&api_key=${demo.apiKey}`]) {
      await page.goto(demo.url + path);
      assert.equal((await size(page))[0], 320, path);
    }
    await page.goto(`${demo.url}/settings`);
    await page.click("a[href*=withdraw]");
    assert.equal((await size(page))[0], 320, "withdraw");
    await shot(page, "withdraw-320");
  },
  "a page asked for as a popup fits 646 by 436 pixels": async ({ demo, person, shot }) => {
    const page = await (await person({ viewport: { width: 646, height: 436 } })).newPage();
    await page.goto(`${demo.url}/login.php?popup=1&api_key=${demo.apiKey}`);
    assert.deepEqual(await size(page), [646, 436]);
    await shot(page, "popup");
  },
  "feed, login, settings, front page and game have no serious finding in light": pages("light"),
  "feed, login, settings, front page and game have no serious finding in dark": pages("dark"),
};
