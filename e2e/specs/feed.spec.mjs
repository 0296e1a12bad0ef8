// Stories on a person's feed: published by a signed call, read, followed, hidden; with and without JavaScript.
import assert from "node:assert/strict";
import { called, led, logIn, signed, until } from "../people.mjs";

const publish = async (demo, title, body = "") => assert.equal(await called(signed(demo, "feed.publishStoryToUser", { title, body, format: "json" })), true);

/** What has the focus: its name for people, and whether it can be seen that it has it. */
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: one } = document;
    return { name: one.ariaLabel ?? one.textContent.trim(), isVisible: getComputedStyle(one).outlineStyle === "solid", place: one.closest("li")?.id };
  });

/** Goes on with the tab key until what has the focus is called so; how many times it was pressed. */
const tabTo = async (page, name) => {
  for (let presses = 0; presses < 80; presses += 1) {
    const found = await focused(page);
    if (found.name.startsWith(name)) {
      assert.ok(found.isVisible, `the focus on ${name} is not visible`);
      return presses;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`the tab key does not lead to ${name}`);
};

/** The demo's two stories with pictures. */
const pictured = (page) => page.locator(".slot", { hasText: /pears are ripe|Jupiter and four moons/ });

/** Opens the feed when the pictures of the demo's stories have come, since their coming may change its order. */
const openFeed = (page, demo) =>
  until(
    async () => {
      await page.goto(`${demo.url}/feed`);
      return pictured(page).locator(".pictures a:not(:has(img))").count();
    },
    (waiting) => waiting === 0,
  );

const byTabs = (javaScriptEnabled) => async ({ demo, person }) => {
  const page = await logIn(await person({ javaScriptEnabled }), demo, "bo");
  // Without script a page follows, and once it has been drawn the next key is in its place.
  const enter = async () => {
    if (javaScriptEnabled) return page.keyboard.press("Enter");
    await led(page, () => page.keyboard.press("Enter"));
    return page.screenshot();
  };
  await openFeed(page, demo);
  const titles = await page.locator(".feed h2").allTextContents();
  await tabTo(page, `Hide “${titles[0]}`);
  const id = (await focused(page)).place;
  await enter();
  await page.locator(`#${id}.line`).waitFor();
  // The next key is already in the story's place.
  assert.ok((await tabTo(page, "Undo")) <= 1);
  await enter();
  await page.locator(`#${id}.slot`).waitFor();
  assert.deepEqual(await page.locator(".feed h2").allTextContents(), titles);
  await tabTo(page, `Why? “${titles[0]}`);
  assert.equal((await focused(page)).place, id);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/feed/why/${id.slice(1)}[?]v=`));
  assert.match(await page.textContent(".verdict"), /slot 1/);
};

export const tests = {
  "the demo's six applications compete for ada's feed": async ({ demo, person, shot }) => {
    const page = await logIn(await person(), demo, "ada");
    await page.goto(`${demo.url}/feed`);
    const text = await page.textContent("main");
    for (const story of ["a book about maps", "A postcard from bo", "Rivers", "Jupiter and four moons", "pears are ripe", "rock-paper-scissors"]) assert.ok(text.includes(story), story);
    await shot(page, "feed-ada");
  },

  "an image slot is a box of 75 by 75 pixels that leads to its link": async ({ demo, person }) => {
    const page = await logIn(await person(), demo, "ada");
    const slots = pictured(page).locator(".pictures a");
    assert.equal(await slots.count(), 6);
    for (const slot of await slots.all()) {
      assert.deepEqual(await slot.evaluate((box) => [box.offsetWidth, box.offsetHeight]), [75, 75]);
      assert.match(await slot.getAttribute("href"), /\/go\/\d+\/p[1-4](\?|$)/);
    }
  },

  "a published story stands on the feed, its markup shown and nothing of it run, with JavaScript off": async ({ demo, person, shot }) => {
    const words = `Story ${Date.now()}`;
    await publish(demo, `${words} <a href="http://localhost:1/there?a=1&amp;b=2">there</a>`, "<b>bold</b> and <i>slanted</i> &lt;script&gt;");
    const context = await person({ javaScriptEnabled: false });
    const page = await logIn(context, demo, "ada");
    await page.goto(`${demo.url}/feed`);
    const story = page.locator("li", { hasText: words }).first();
    await story.waitFor();
    assert.ok((await story.textContent()).includes("bold and slanted <script>"));
    assert.equal(await story.locator("b", { hasText: "bold" }).count(), 1);
    const href = await story.locator("a", { hasText: "there" }).first().getAttribute("href");
    const answer = await context.request.get(new URL(href, page.url()).href, { maxRedirects: 0 });
    assert.ok([302, 303].includes(answer.status()), String(answer.status()));
    assert.equal(answer.headers().location, "http://localhost:1/there?a=1&b=2");
    await shot(page, "feed-no-script");
    await story.hover();
    await story.getByRole("button", { name: "Hide “" }).click();
    await page.getByText("Hidden.").waitFor();
    assert.equal(await page.getByText(words, { exact: false }).locator("visible=true").count(), 0);
  },

  "by keyboard alone a story is found, hidden and brought back in its place, without the page being left": async ({ demo, person }) => {
    const page = await logIn(await person(), demo, "bo");
    await openFeed(page, demo);
    let navigations = 0;
    page.on("framenavigated", () => (navigations += 1));
    const first = page.locator("ol.feed > li").first();
    const id = await first.getAttribute("id");
    await first.locator("a").first().focus();
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("x");
    const line = page.locator(`#${id}.line`);
    await line.waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Undo");
    await page.keyboard.press("z");
    await page.locator(`#${id}.slot`).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest("li").id), id);
    assert.equal(navigations, 0);
    await page.keyboard.press("w");
    await page.waitForURL(new RegExp(`/feed/why/${id.slice(1)}[?]v=`));
  },

  "the tab key alone leads to hiding, undoing and Why, with JavaScript": byTabs(true),
  "the tab key alone leads to hiding, undoing and Why, without JavaScript": byTabs(false),

  "an open page says how many stories are new, inserts none of them, and its bar leads to them": async ({ demo, person, shot }) => {
    const page = await logIn(await person(), demo, "ada");
    // The stream of the page that the log in led to is not this page's.
    await page.goto("about:blank");
    const streams = [];
    page.on("response", (answer) => answer.url().includes("/feed/live") && streams.push(answer.status()));
    await page.goto(`${demo.url}/feed`);
    const before = await page.locator(".feed > li").count();
    const place = () => page.locator(".feed > li").first().evaluate((item) => item.getBoundingClientRect().top);
    const placed = await place();
    const bar = page.getByRole("status").getByRole("link");
    const words = `News ${Date.now()}`;
    await publish(demo, words, "");
    await bar.getByText("1 new story", { exact: true }).waitFor();
    await publish(demo, `${words} again`, "");
    await bar.getByText("2 new stories", { exact: true }).waitFor();
    assert.equal(await page.locator(".feed > li").count(), before);
    assert.equal(await place(), placed, "the bar moved what is being read");
    assert.deepEqual(streams, [200]);
    await shot(page, "feed-bar");
    await led(page, () => bar.click());
    await page.getByText(`${words} again`).waitFor();
    assert.equal(await page.getByRole("status").getByRole("link").count(), 0);
  },

  "by keyboard a slider is moved, and the preview beside it follows at once and saves nothing": async ({ demo, person, shot }) => {
    const page = await logIn(await person(), demo, "bo");
    await page.goto(`${demo.url}/feed/preferences`);
    let navigations = 0;
    page.on("framenavigated", () => (navigations += 1));
    const preview = page.locator("#preview");
    assert.ok((await preview.textContent()).includes("pears are ripe"));
    const slider = page.getByRole("group", { name: "How much of Orchard" });
    await slider.locator("input:checked").focus();
    for (const word of ["less", "none"]) {
      await page.keyboard.press("ArrowLeft");
      assert.ok(await slider.getByLabel(word, { exact: true }).isChecked());
    }
    await preview.filter({ hasText: "Your feed as it would be" }).filter({ hasNotText: "pears are ripe" }).waitFor();
    await shot(page, "preferences-moved");
    assert.equal(navigations, 0);
    await page.reload();
    assert.ok((await preview.textContent()).includes("pears are ripe"));
  },

  "a story is nobody else's": async ({ demo, person }) => {
    const words = `Secret ${Date.now()}`;
    await publish(demo, words);
    const page = await logIn(await person(), demo, "bo");
    await page.goto(`${demo.url}/feed`);
    assert.ok(!(await page.textContent("body")).includes(words));
  },
};
