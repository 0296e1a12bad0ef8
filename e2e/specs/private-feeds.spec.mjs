// Private feeds as feed readers take them: read by feedsmith, and their XML by Chromium's own strict parser, neither of them ours.
import assert from "node:assert/strict";
import { parseAtomFeed, parseJsonFeed, parseRssFeed } from "feedsmith";
import { drawn, uploaded } from "../images.mjs";
import { called, led, logIn, signed } from "../people.mjs";

const FILES = { "atom.xml": "application/atom+xml; charset=utf-8", "rss.xml": "application/rss+xml; charset=utf-8", "feed.json": "application/feed+json" };

/** Makes an address on the page, and reads the three of it there. */
const addressed = async (page, demo, label) => {
  await page.goto(`${demo.url}/feed/preferences`);
  await page.fill("#label", label);
  await led(page, () => page.click("form[action$='/addresses'] button"));
  return page.locator(".shownonce code").allTextContents();
};

/** What the strict parser of a browser says against a document; it must be well-formed with its namespaces. */
const strictly = (page, text) => page.evaluate((text) => new DOMParser().parseFromString(text, "application/xml").querySelector("parsererror")?.textContent ?? "", text);

/** One entry as any reader sees it, whatever the format called its parts. */
const entries = {
  "atom.xml": (text) => parseAtomFeed(text).entries.map((one) => [one.id, one.title.value, one.links?.[0].href, one.content.value, one.published, one.authors[0].name]),
  "rss.xml": (text) => parseRssFeed(text).items.map((one) => [one.guid.value, one.title, one.link, one.description, one.pubDate, one.dc.creators[0]]),
  "feed.json": (text) => parseJsonFeed(JSON.parse(text)).items.map((one) => [one.id, one.title, one.url, one.content_html, one.date_published, one.authors[0].name]),
};

export const tests = {
  "feed readers that are not ours see the page's stories in its order, alike in Atom, RSS and JSON Feed": async ({ demo, person }) => {
    const page = await logIn(await person(), demo, "ada");
    const before = Math.floor(Date.now() / 1000) * 1000;
    const parameters = {
      title: `Maps &amp; <a href="http://maps.example/?a=1&amp;b=2">charts</a> 🗺️ 𝒳 &lt;3`,
      body: `<b>Bold</b> and <i>slanted</i> &lt;tag&gt; ]]&gt; 👩‍👩‍👧‍👦 <a href="https://b.example/x?y=1&amp;z=2">on</a>`,
      image_1: await uploaded(demo, "photo.png", await drawn(page, "image/png", 200, 100, [["#0a0", 0, 0, 200, 100]])),
      image_1_link: "http://pictures.example/?p=1&q=2",
      format: "json",
    };
    assert.equal(await called(signed(demo, "feed.publishStoryToUser", parameters)), true);
    const after = Date.now();
    const addresses = await addressed(page, demo, "Newsreader");
    const read = {};
    for (const [at, [file, type]] of Object.entries(FILES).entries()) {
      const answer = await fetch(addresses[at]);
      assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, type]);
      const text = await answer.text();
      if (file.endsWith(".xml")) assert.equal(await strictly(page, text), "", file);
      read[file] = entries[file](text);
      if (file === "feed.json") {
        const { version, title, home_page_url: home, feed_url: own } = JSON.parse(text);
        assert.deepEqual([version, title, home, own], ["https://jsonfeed.org/version/1.1", "ada: News Feed", `${demo.url}/feed`, addresses[at]]);
      }
    }
    // Nobody has seen them yet: reading there was no view.
    await page.goto(`${demo.url}/feed`);
    const stories = page.locator(".feed > li");
    assert.equal(await stories.first().locator(".new").count(), 1);
    const shown = await stories.evaluateAll((items) => items.map((item) => [`tag:127.0.0.1,2026:story/${item.id.slice(1)}`, item.querySelector("h2").textContent]));
    for (const [file, list] of Object.entries(read)) assert.deepEqual(list.map(([id, title]) => [id, title]), shown, file);
    assert.equal(new Set(shown.map(([id]) => id)).size, shown.length);
    const [image] = await stories.first().locator("img").evaluateAll((images) => images.map((one) => one.src));
    for (const [file, [[, title, link, content, published, app]]] of Object.entries(read)) {
      assert.deepEqual([title, link, app], ["Maps & charts 🗺️ 𝒳 <3", "http://maps.example/?a=1&b=2", "Rochambeau"], file);
      assert.equal(
        content,
        `<b>Bold</b> and <i>slanted</i> &lt;tag&gt; ]]&gt; 👩‍👩‍👧‍👦 <a href="https://b.example/x?y=1&amp;z=2">on</a><br><a href="http://pictures.example/?p=1&amp;q=2"><img src="${image}" width="75" height="38" alt="picture 1 of 1"></a>`,
        file,
      );
      const at = Date.parse(published);
      assert.ok(before <= at && at <= after, `${file}: ${published}`);
    }
    assert.deepEqual(read["rss.xml"].map((one) => Date.parse(one[4])), read["atom.xml"].map((one) => Date.parse(one[4])));
  },

  "a reader that has a feed is told so, a new story is told at once, and a revoked address is gone like one that never was": async ({ demo, person }) => {
    const page = await logIn(await person(), demo, "ada");
    const [atom, ...others] = await addressed(page, demo, "Soon revoked");
    const first = await fetch(atom);
    const etag = first.headers.get("etag");
    const again = await fetch(atom, { headers: { "if-none-match": `"other", ${etag}` } });
    assert.deepEqual([again.status, await again.text(), again.headers.get("etag")], [304, "", etag]);
    for (const [name, value] of [["cache-control", "private, max-age=300"], ["x-robots-tag", "noindex"]]) {
      assert.deepEqual([first.headers.get(name), again.headers.get(name)], [value, value]);
    }
    await called(signed(demo, "feed.publishStoryToUser", { title: `After ${Date.now()}`, format: "json" }));
    const fresh = await fetch(atom, { headers: { "if-none-match": etag } });
    assert.equal(fresh.status, 200);
    assert.notEqual(fresh.headers.get("etag"), etag);
    await page.goto(`${demo.url}/feed/preferences`);
    await led(page, () => page.getByRole("button", { name: "Revoke “Soon revoked”" }).click());
    const unknown = await fetch(atom.replace(/[0-9a-f]{40}/, "0".repeat(40)));
    const gone = await unknown.text();
    assert.equal(unknown.status, 404);
    for (const address of [atom, ...others]) {
      const answer = await fetch(address, { headers: { "if-none-match": fresh.headers.get("etag") } });
      assert.deepEqual([answer.status, await answer.text()], [404, gone]);
    }
  },
};
