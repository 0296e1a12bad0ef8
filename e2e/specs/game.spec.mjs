// Two people play a match against each other, each in a browser of their own.
import assert from "node:assert/strict";
import { led, logIn, openGame } from "../people.mjs";

const status = (page, text) => page.waitForFunction((wanted) => document.querySelector("#status").textContent.includes(wanted), text);
const finished = (page, count) => page.waitForFunction((wanted) => document.querySelectorAll("#rounds li").length === wanted, count);
const rounds = (page) => page.$$eval("#rounds li", (lines) => lines.map((line) => [...line.children].map((part) => part.textContent)).reverse());

export const tests = {
  "ada and bo play a match to its end, nobody can peek, and a rematch begins for both": async ({ demo, person, shot }) => {
    const [adas, bos] = [await person(), await person({ colorScheme: "dark" })];
    const ada = await openGame(adas, demo, "ada");
    const bo = await openGame(bos, demo, "bo");
    await Promise.all([ada.waitForSelector("#theirs.here"), bo.waitForSelector("#theirs.here")]);
    await shot(ada, "game-begin");

    await ada.click("[data-move=rock]");
    await status(bo, "Ada has thrown");
    await shot(bo, "game-sealed");
    const leaked = await bo.evaluate(() => JSON.stringify(sessionStorage) + document.querySelector("#theirs").outerHTML);
    assert.ok(!leaked.includes("rock"), "bo's page knows ada's throw before it has thrown itself");
    await bo.click("[data-move=scissors]");
    await Promise.all([finished(ada, 1), finished(bo, 1)]);

    // By keyboard, a draw, and both at the same moment.
    const throws = [["paper", "paper"], ["scissors", "rock"], ["paper", "rock"], ["rock", "scissors"]];
    for (const [at, [adasThrow, bosThrow]] of throws.entries()) {
      await Promise.all([ada.keyboard.press(adasThrow[0]), bo.keyboard.press(bosThrow[0])]);
      await Promise.all([finished(ada, at + 2), finished(bo, at + 2)]);
    }
    await status(ada, "You win the match, ada!");
    await status(bo, "Ada wins the match.");
    await shot(ada, "game-won");
    await shot(bo, "game-lost");
    assert.deepEqual(await rounds(ada), [
      ["1. rock – scissors", "ada"],
      ["2. paper – paper", "draw"],
      ["3. scissors – rock", "bo"],
      ["4. paper – rock", "ada"],
      ["5. rock – scissors", "ada"],
    ]);
    assert.deepEqual((await rounds(bo)).map((line) => line[1]), ["ada", "draw", "bo", "ada", "ada"]);

    assert.equal(await bo.evaluate(() => document.activeElement.id), "again");
    await bo.keyboard.press("Enter");
    await Promise.all([finished(ada, 0), finished(bo, 0)]);
    await status(ada, "Rock, paper or scissors?");
  },

  "a page that is loaded again goes on where it was, and one that has gone is shown as away": async ({ demo, person }) => {
    const [ada, bo] = [await openGame(await person(), demo, "ada"), await openGame(await person(), demo, "bo")];
    await Promise.all([ada.waitForSelector("#theirs.here"), bo.waitForSelector("#theirs.here")]);
    await Promise.all([ada.keyboard.press("r"), bo.keyboard.press("p")]);
    await Promise.all([finished(ada, 1), finished(bo, 1)]);
    await ada.keyboard.press("s");
    await status(bo, "Ada has thrown");
    await ada.reload();
    await finished(ada, 1);
    await status(ada, "Sealed.");
    await bo.keyboard.press("p");
    await Promise.all([finished(ada, 2), finished(bo, 2)]);
    assert.deepEqual((await rounds(bo)).map((line) => line[1]), ["bo", "ada"]);
    await ada.close();
    await status(bo, "Ada is away.");
  },

  "the one-time link logs in with one button and then is used up": async ({ demo, person }) => {
    const context = await person();
    const page = await context.newPage();
    await page.goto(demo.links.ada);
    await led(page, () => page.click("form[action$='/login/once'] button"));
    await page.goto(demo.game);
    await page.waitForSelector("#mine.here");
    assert.equal(await page.textContent("#mine .name"), "ada");
    const again = await (await person()).newPage();
    const answer = await again.goto(demo.links.ada);
    assert.equal(answer.status(), 400);
  },

  "at 320 pixels nothing is cut off, and every throw can be reached": async ({ demo, person, shot }) => {
    const page = await openGame(await person({ viewport: { width: 320, height: 640 } }), demo, "cy");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await shot(page, "game-320");
    for (const move of ["rock", "paper", "scissors"]) assert.ok((await page.locator(`[data-move=${move}]`).boundingBox()).width >= 44);
  },

  "the page of another person's session is never shown without logging in": async ({ demo, person }) => {
    const page = await (await person()).newPage();
    await page.goto(demo.game);
    assert.equal(new URL(page.url()).origin, demo.url);
    await (await logIn(await person(), demo, "bo")).close();
  },
};
