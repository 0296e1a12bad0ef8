// Pictures of stories: from a stranger's web server and from an upload to the open page, whatever format they came in.
import assert from "node:assert/strict";
import { animated, drawn, turned, uploaded } from "../images.mjs";
import { called, led, logIn, signed, until } from "../people.mjs";

const call = (demo, method, parameters) => called(signed(demo, method, { ...parameters, format: "json" }));

/** Four images that differ in all that matters: turned, half clear, moving, and of a newer kind. */
const four = async (page, origin, folder) => [
  origin.put(`${folder}/turned.jpg`, "image/jpeg", turned(await drawn(page, "image/jpeg", 400, 200, [["#f00", 0, 0, 200, 200], ["#00f", 200, 0, 200, 200]]), 6)),
  origin.put(`${folder}/clear.png`, "image/png", await drawn(page, "image/png", 100, 50, [["#080", 50, 0, 50, 50]])),
  origin.put(`${folder}/moving.gif`, "image/gif", animated(60, 90, [[255, 200, 0], [0, 0, 0]])),
  // Called what it is not, as happens: the bytes decide.
  origin.put(`${folder}/newer.jpg`, "image/jpeg", await drawn(page, "image/webp", 300, 300, [["#808", 0, 0, 300, 300]])),
];

const withImages = (title, sources, link) => {
  const slots = sources.flatMap((source, at) => [[`image_${at + 1}`, source], [`image_${at + 1}_link`, `${link}?picture=${at + 1}`]]);
  return { title, ...Object.fromEntries(slots) };
};

/** Waits until a story's list shows so many pictures, each with its pixels; they are loaded when they come into sight. */
const shown = async (story, count) => {
  const list = story.locator(".pictures");
  await list.scrollIntoViewIfNeeded();
  await until(
    () => list.evaluate((list) => [...list.querySelectorAll("img")].map((image) => image.complete && image.naturalWidth > 0)),
    (loaded) => loaded.length === count && loaded.every(Boolean),
  );
};

/** Of each picture its size in pixels and on the page, its box, and the colours at two places. */
const looks = (story) =>
  story.locator(".pictures img").evaluateAll((images) =>
    images.map((image) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      const at = (x, y) => [...pen.getImageData(x, y, 1, 1).data];
      return {
        pixels: [image.naturalWidth, image.naturalHeight],
        size: [image.offsetWidth, image.offsetHeight],
        box: [image.closest("a").offsetWidth, image.closest("a").offsetHeight],
        first: at(2, 2),
        last: at(image.naturalWidth - 3, image.naturalHeight - 3),
        alt: image.alt,
        source: new URL(image.src).origin,
      };
    }),
  );

const near = (colour, wanted, what) => {
  const far = colour.findIndex((value, at) => Math.abs(value - wanted[at]) > 12);
  assert.equal(far, -1, `${what}: ${colour} instead of ${wanted}`);
};

const open = async (demo, person, options) => {
  const page = await logIn(await person(options), demo, "ada");
  await page.goto(`${demo.url}/feed`);
  return page;
};

export const tests = {
  "four images in four formats come onto the page that is open, turned upright, within 75 by 75 pixels, and lead on": async ({ demo, origin, person, shot }) => {
    const page = await open(demo, person);
    const images = await four(page, origin, "/four");
    const there = origin.put("/four/there", "text/html", "<title>There</title>");
    const title = `Four pictures ${Date.now()}`;
    const bar = page.getByRole("status").getByRole("link");
    assert.equal(await call(demo, "feed.publishStoryToUser", withImages(title, images, there)), true);
    const answered = performance.now();
    await led(page, () => bar.click());
    const story = page.locator(".slot", { hasText: title });
    await story.waitFor();
    await shown(story, 4);
    console.log(`  from the answer to the fourth picture on the page: ${Math.round(performance.now() - answered)} ms`);
    const [jpeg, png, gif, webp] = await looks(story);
    assert.deepEqual([jpeg.pixels, png.pixels, gif.pixels, webp.pixels], [[38, 75], [75, 38], [50, 75], [75, 75]]);
    for (const [at, one] of [jpeg, png, gif, webp].entries()) {
      assert.deepEqual([one.size, one.box], [one.pixels, [75, 75]]);
      assert.equal(one.alt, `${title}, picture ${at + 1} of 4`);
      assert.equal(one.source, demo.url);
    }
    near(jpeg.first, [255, 0, 0, 255], "the left half is above");
    near(jpeg.last, [0, 0, 255, 255], "the right half is below");
    assert.equal(png.first[3], 0);
    near(png.last, [0, 136, 0, 255], "the half that is painted");
    near(gif.first, [255, 200, 0, 255], "the first frame");
    near(webp.first, [136, 0, 136, 255], "WebP");
    for (const [at, link] of (await story.locator(".pictures a").all()).entries()) {
      const answer = await page.context().request.get(new URL(await link.getAttribute("href"), page.url()).href, { maxRedirects: 0 });
      assert.deepEqual([answer.status(), answer.headers().location], [303, `${there}?picture=${at + 1}`]);
    }
    await shot(page, "pictures-four");
    await story.locator(".pictures a").last().click();
    await page.waitForURL(`${there}?picture=4`);
  },

  "an uploaded photo stands on the page as soon as its story does": async ({ demo, person, shot }) => {
    const page = await open(demo, person, { colorScheme: "dark", viewport: { width: 320, height: 640 } });
    const photo = await uploaded(demo, "photo.jpg", turned(await drawn(page, "image/jpeg", 640, 480, [["#0a0", 0, 0, 640, 480]]), 8), "green");
    const title = `A photo ${Date.now()}`;
    assert.equal(await call(demo, "feed.publishStoryToUser", withImages(title, [photo], "http://localhost:1/photo")), true);
    await page.goto(`${demo.url}/feed`);
    const story = page.locator(".slot", { hasText: title });
    await shown(story, 1);
    const [one] = await looks(story);
    assert.deepEqual([one.pixels, one.size, one.box], [[56, 75], [56, 75], [75, 75]]);
    near(one.first, [0, 170, 0, 255], "the photo");
    await shot(page, "pictures-photo");
  },

  "of four images one that is not there closes up, the other three stand, and the developer sees why": async ({ demo, origin, person, shot }) => {
    const page = await open(demo, person);
    const images = await four(page, origin, "/three");
    images[1] = `${origin.url}/three/not-there.png`;
    const title = `Three pictures ${Date.now()}`;
    assert.equal(await call(demo, "feed.publishStoryToUser", withImages(title, images, `${origin.url}/three/there`)), true);
    const story = page.locator(".slot", { hasText: title });
    await page.goto(`${demo.url}/feed`);
    // The box of the one that is not there closes up on the open page; what is served from then on counts three.
    await shown(story, 3);
    await page.waitForFunction((title) => [...document.querySelectorAll(".slot")].find((slot) => slot.innerText.includes(title)).querySelectorAll(".pictures a").length === 3, title);
    await page.goto(`${demo.url}/feed`);
    await shown(story, 3);
    const alts = (await looks(story)).map((one) => one.alt);
    assert.deepEqual(alts, [1, 2, 3].map((at) => `${title}, picture ${at} of 3`));
    const keys = await story.locator(".pictures a").evaluateAll((links) => links.map((link) => link.pathname.split("/").at(-1)));
    assert.deepEqual(keys, ["p1", "p3", "p4"]);
    await shot(page, "pictures-three");
    await page.goto(`${demo.url}/developers`);
    await led(page, () => page.click("ul.apps a:text-is('Rochambeau')"));
    await led(page, () => page.getByRole("navigation", { name: "Application" }).getByRole("link", { name: "Insights" }).click());
    const absent = page.locator(".absent li");
    assert.deepEqual(await absent.locator("code[dir]").allTextContents(), [images[1]]);
    assert.match(await absent.textContent(), /failed · cause status_404 · attempts 1 · places 1/);
    await absent.getByRole("button", { name: `Fetch again ${images[1]}` }).waitFor();
    await shot(page, "pictures-why");
  },
};
