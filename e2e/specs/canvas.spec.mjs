// An application's page in the canvas frame: it is told who looks, connects by itself, and cannot leave its place.
import assert from "node:assert/strict";
import { administer } from "../demo.mjs";
import { application, frameOf } from "../framed.mjs";
import { led, logIn, shownAs } from "../people.mjs";

export const tests = {
  "a canvas page connects with the session secret of its address and gets a live message": async ({ demo, person, shot }) => {
    const app = await application(demo);
    try {
      await administer(demo, `app add Framed --owner cy --profile period --callback ${app.origin}/ --canvas framed`);
      await administer(demo, "app set Framed canvas_ss=on");
      const page = await logIn(await person({ viewport: { width: 1280, height: 800 } }), demo, "bo");
      await page.goto(`${demo.url}/apps/framed/`);
      await shot(page, "canvas-not-accepted");
      await page.click("text=accept it");
      await page.waitForSelector("text=Accept Framed?");
      await Promise.all([page.waitForURL(`${demo.url}/apps/framed/`), page.click("form button.primary")]);
      const frame = await frameOf(page);
      await frame.waitForFunction(() => typeof window.message === "object");
      await frame.evaluate((uid) => new Promise((done) => window.message.setSendSuccessHandler(done).send(uid, "from the frame")), demo.uids.bo);
      await frame.waitForFunction(() => window.got.length === 1);
      assert.deepEqual(await frame.evaluate(() => window.got), ["from the frame"]);
      await shot(page, "canvas-1280");
      await shownAs(page, { colorScheme: "dark", width: 320, height: 640 });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
      await shot(page, "canvas-320-dark");
    } finally {
      app.stop();
    }
  },

  "a canvas page that tries to break out stays where it is": async ({ demo, person }) => {
    const app = await application(demo);
    try {
      await administer(demo, `app add Outbreak --owner cy --profile period --callback ${app.origin}/ --canvas outbreak`);
      const page = await logIn(await person(), demo, "bo");
      await page.goto(`${demo.url}/apps/outbreak/out`);
      const frame = await frameOf(page);
      await frame.waitForFunction(() => window.tried?.length === 3);
      assert.deepEqual(await frame.evaluate(() => window.tried), ["SecurityError", "SecurityError", "null"]);
      const refused = page.waitForEvent("console", (said) => /Unsafe attempt to initiate navigation/.test(said.text()));
      await frame.click("#top");
      await refused;
      assert.equal(page.url(), `${demo.url}/apps/outbreak/out`);
      const stopped = page.waitForEvent("console", (said) => /Content Security Policy/.test(said.text()) && said.text().includes("frame-src"));
      await page.goto(`${demo.url}/apps/outbreak/away`);
      await stopped;
      const inside = (await frameOf(page))?.url() ?? "";
      assert.ok(!inside.startsWith(demo.url), inside);
      assert.equal(page.url(), `${demo.url}/apps/outbreak/away`);
    } finally {
      app.stop();
    }
  },

  "the pages on which a person lets an application in fit both widths and both schemes": async ({ demo, person, shot }) => {
    const { api_key: key } = await administer(demo, "app add Doorway --owner cy --callback http://127.0.0.1:9/cb/ --desktop");
    const page = await logIn(await person(), demo, "bo");
    for (const [file, address] of [
      ["add", `/add.php?api_key=${key}`],
      ["tos", `/tos.php?api_key=${key}`],
      ["code-accept", `/code_gen.php?api_key=${key}`],
      ["code", `/code_gen.php?api_key=${key}`],
      ["error-target", `/authorize.php?api_key=${key}&next=http%3A%2F%2Fevil.example%2F`],
      ["error-key", "/login.php?api_key=0"],
    ]) {
      await page.goto(demo.url + address);
      for (const [width, colorScheme] of [[1280, "light"], [320, "dark"]]) {
        await shownAs(page, { colorScheme, width, height: 640 });
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${file} at ${width}`);
        await shot(page, `${file}-${width}-${colorScheme}`);
      }
      if (file === "code-accept") await led(page, () => page.click("form button.primary"));
    }
    await page.goto(`${demo.url}/code_gen.php?api_key=${key}`);
    assert.match(await page.textContent("output"), /^[0-9A-Z]{5}$/);
  },
};
