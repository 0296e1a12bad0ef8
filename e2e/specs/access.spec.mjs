// Every page of the site, and the game, looked at by tools that are not ours: the HTML by a validator, what is shown by axe-core, in
// light and dark and at 320 pixels.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { misspelt } from "../markup.mjs";
import { walks } from "../pages.mjs";
import { openGame, shownAs } from "../people.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Serious and critical findings, of all rules or of this one. */
const findings = async (page, rule) => {
  // By the debugger's way in: the pages' own policy lets no foreign script in.
  const session = await page.context().newCDPSession(page);
  const evaluate = (expression) => session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  const { result } = await evaluate("typeof axe");
  if (result.value === "undefined") await evaluate(axe);
  const asked = rule ? { runOnly: [rule] } : {};
  const found = await evaluate(
    `axe.run(document, ${JSON.stringify(asked)}).then((found) => JSON.stringify(found.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => one.id + ": " + one.nodes.map((node) => node.html + " " + node.failureSummary).join("; "))))`,
  );
  await session.detach();
  return JSON.parse(found.result.value);
};

/** All rules in light, contrast again in dark, and the width at 320 pixels. */
const looked = async (page, name, shot) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await shownAs(page, { colorScheme: "light", width: 1280, height: 800 });
  assert.deepEqual(await findings(page), [], name);
  await shot(page, `${name}-1280-light`);
  await shownAs(page, { colorScheme: "dark", width: 320, height: 800 });
  assert.deepEqual(await findings(page, "color-contrast"), [], `${name} in dark`);
  assert.equal((await size(page))[0], 320, `${name} scrolls sideways`);
  await shot(page, `${name}-320-dark`);
};

const size = (page) => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);

export const tests = {
  ...Object.fromEntries(
    Object.entries(walks).map(([who, walk]) => [
      `every page that ${who} meets is HTML without a finding, has no serious one in light or dark, and does not scroll sideways at 320 pixels`,
      ({ narrow, person, shot }) =>
        walk({ narrow, person }, async (page, name, html) => {
          assert.deepEqual(await misspelt(name, html), []);
          await looked(page, name, shot);
        }),
    ]),
  ),
  "the game has no serious finding in light or dark": async ({ demo, person, shot }) => {
    const page = await openGame(await person(), demo, "cy");
    await looked(page, "game", shot);
  },
  "a page asked for as a popup fits 646 by 436 pixels": async ({ demo, person, shot }) => {
    const page = await (await person({ viewport: { width: 646, height: 436 } })).newPage();
    await page.goto(`${demo.url}/login.php?popup=1&api_key=${demo.apiKey}`);
    assert.deepEqual(await size(page), [646, 436]);
    await shot(page, "popup");
  },
};
