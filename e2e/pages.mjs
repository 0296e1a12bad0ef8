// Every page of the site as people meet it, full and empty, for the tests that look at all of them alike.
// A walk shows each page to `look(page, name, html)`: the HTML is what the server sent, and `page` has it open.
import { administer, run } from "./demo.mjs";
import { drawn, uploaded } from "./images.mjs";
import { called, led, logIn, signed, until } from "./people.mjs";

const pressed = (page, selector) => led(page, () => page.click(selector));

/** Sends a button's form as a browser without JavaScript does, whatever the page's script would do. */
const sent = (page, selector) =>
  led(page, () =>
    page.locator(selector).first().evaluate((button) => {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
      button.form.append(field);
      button.form.action = button.formAction;
      button.form.submit();
    }),
  );

const below = (address) => {
  const { pathname, search } = new URL(address, "http://any.example");
  return pathname + search;
};

const walker = (demo, page, look) => {
  const seen = async (name, answer) => look(page, name, await answer.text());
  return { seen, visit: async (name, path) => seen(name, await page.goto(demo.url + path)) };
};

/** What somebody sees who is not logged in. */
const stranger = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const page = await (await person()).newPage();
  const { seen, visit } = walker(demo, page, look);
  await visit("front", "/");
  await visit("login", "/login");
  await page.fill("#name", "nobody");
  await page.fill("#password", "wrong");
  await seen("login-wrong", await pressed(page, "main form button"));
  await visit("login-once", below(demo.links.bo));
  await visit("login-app", `/login.php?api_key=${demo.apiKey}`);
  await visit("login-popup", `/login.php?api_key=${demo.apiKey}&popup=1`);
  await visit("error", "/nothing-here");
};

/** What somebody sees whose applications have told stories, one of them her own. Few slots leave some of them out. */
const reader = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const page = await logIn(await person(), demo, "ada");
  const { seen, visit } = walker(demo, page, look);
  await visit("feed", "/feed");
  const [why, own] = await Promise.all(["ol.feed", ".own"].map((list) => page.locator(`${list} a[href*='/feed/why/']`).first().getAttribute("href")));
  await visit("why", below(why));
  await visit("why-own", below(own));
  await page.goto(`${demo.url}/feed`);
  await seen("feed-later", await pressed(page, ".pages a[href*='cursor=']"));
  await page.goto(`${demo.url}/feed`);
  await seen("feed-hidden", await sent(page, "ol.feed .x"));
  await visit("missed", "/feed/missed");
  await seen("why-missed", await pressed(page, ".briefs a[href*='/feed/why/']"));
  await visit("hidden", "/feed/hidden");
  await sent(page, ".briefs button");
};

/** What the same reader sees who sets things: sliders, addresses, applications. */
const setter = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const page = await logIn(await person(), demo, "ada");
  const { seen, visit } = walker(demo, page, look);
  await visit("ranking", "/feed/ranking");
  await page.goto(`${demo.url}/feed/preferences`);
  await page.fill("#label", "At home");
  await seen("address", await pressed(page, "form[action$='/addresses'] button"));
  await visit("preferences", "/feed/preferences");
  await seen("preferences-preview", await sent(page, "[formaction$='/preview']"));
  await page.goto(`${demo.url}/feed/preferences`);
  await pressed(page, "form[action$='/revoke'] button");
  await visit("settings", "/settings");
  await seen("withdraw", await pressed(page, "a[href*=withdraw]"));
  await uploaded(demo, "pear.png", await drawn(page, "image/png", 120, 80, [["#080", 0, 0, 120, 80]]), "A pear of this year");
  await uploaded(demo, "plain.png", await drawn(page, "image/png", 80, 120, [["#00f", 0, 0, 80, 120]]));
  await visit("photos", "/settings/photos");
  await seen("photo-delete", await pressed(page, "a[href*='/photos/delete']"));
  await seen("photos-deleted", await pressed(page, "main form button"));
  await visit("canvas", "/apps/rochambeau/");
  await visit("logout", "/logout");
};

/** What somebody sees who has just come: no application, then one without a story, then a story that is hidden; and the ways in. */
const guest = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const name = "guest";
  demo.passwords[name] = "quite a long password";
  await administer(demo, `user add ${name} --password-stdin`, `${demo.passwords[name]}\n`);
  const page = await logIn(await person(), demo, name);
  const { seen, visit } = walker(demo, page, look);
  for (const title of ["feed", "feed/missed", "feed/hidden", "feed/preferences", "settings", "settings/photos"]) await visit(`${title.split("/").at(-1)}-empty`, `/${title}`);
  await visit("terms", `/authorize.php?api_key=${demo.apiKey}`);
  await visit("terms-add", `/add.php?api_key=${demo.apiKey}`);
  await administer(demo, `grant add --app Rochambeau --user ${name}`);
  await visit("feed-no-story", "/feed");
  await visit("preferences-no-story", "/feed/preferences");
  const { session_key: session } = await administer(demo, `session add --app Rochambeau --user ${name}`);
  await called(`${signed(demo, "feed.publishStoryToUser", { title: "A first story", format: "json" })} --session-key ${session}`);
  await page.goto(`${demo.url}/feed`);
  await sent(page, ".x");
  await visit("feed-none-to-show", "/feed");
  const { api_key: key, secret } = await administer(demo, `app add Desk --owner cy --desktop`);
  const command = demo.send.split(" call ")[0];
  const token = await called(`${command} call auth.createToken --api-key ${key} --secret ${secret} --url ${demo.url} --format json`);
  await visit("terms-desktop", `/login.php?api_key=${key}&auth_token=${token}`);
  await seen("window-closed", await pressed(page, "main form button.primary"));
  await visit("code", `/code_gen.php?api_key=${key}`);
};

/** What a developer sees in the console: nothing yet, a form that is not taken, a new application, its settings and its secrets. */
const developer = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const name = "newcomer";
  demo.passwords[name] = "quite a long password";
  await administer(demo, `user add ${name} --password-stdin`, `${demo.passwords[name]}\n`);
  const page = await logIn(await person(), demo, name);
  const { seen, visit } = walker(demo, page, look);
  await visit("console-empty", "/developers");
  await visit("console-new", "/developers/new");
  await page.fill("#callback", "ftp://nowhere.example");
  await seen("console-new-refused", await pressed(page, "main form button"));
  await page.fill("#name", `Chess of ${name}`);
  await page.fill("#callback", "https://chess.example/");
  await seen("console-made", await pressed(page, "main form button"));
  await seen("console-overview", await pressed(page, "text=I have copied it"));
  const below = new URL(page.url()).pathname;
  await visit("console-insights", `${below}/insights`);
  await visit("console-settings", `${below}/settings`);
  await page.fill("#origins", "https://chess.example/path");
  await seen("console-settings-refused", await pressed(page, "section[aria-labelledby=callers] button"));
  await page.fill("#receipts", "https://chess.example/receipts");
  await seen("console-receipt-secret", await pressed(page, "section[aria-labelledby=hooks] button"));
  await visit("console-secrets", `${below}/secrets`);
  await seen("console-secret", await pressed(page, "section[aria-labelledby=calls] button"));
  await visit("console-secrets-overlap", `${below}/secrets`);
  await visit("console-people-empty", `${below}/people`);
  await visit("console-list", "/developers");
  await visit("console-test-begin", "/developers/test");
  await seen("console-test-keys", await pressed(page, "main form button"));
  await visit("console-test", "/developers/test");
  await seen("console-test-link", await pressed(page, "form[action$='/link'] button"));
  await page.goto(`${demo.url}/developers/test`);
  const test = new URL(await page.locator("section[aria-labelledby=application] a").getAttribute("href"), demo.url).pathname;
  await visit("console-overview-test", test);
  await visit("console-people", `${test}/people`);
  await visit("console-list-test", "/developers");
  await page.goto(`${demo.url}/developers/test`);
  await seen("try-test-form", await pressed(page, "section[aria-labelledby=people] a"));
  await page.fill("#p_recipient", "1");
  await seen("try-test-sent", await pressed(page, "form.trial .button"));
  await page.goto(demo.url + test);
  const key = await page.locator(".facts code").nth(1).textContent();
  await page.goto(`${demo.url}/developers/test`);
  await pressed(page, "form[action$='/link'] button");
  const link = await page.locator(".shownonce code", { hasText: "/login/once" }).textContent();
  const tess = await (await person()).newPage();
  await tess.goto(link);
  await pressed(tess, "main form button");
  await walker(demo, tess, look).visit("barred-test-person", `/authorize.php?api_key=${demo.apiKey}`);
  const stranger = await logIn(await person(), demo, "bo");
  await walker(demo, stranger, look).visit("barred-test-app", `/authorize.php?api_key=${key}`);
};

/** What an administrator sees who looks after the site. */
const administrator = async ({ narrow, person }, look) => {
  const demo = await narrow();
  await administer(demo, "user set cy --admin");
  const page = await logIn(await person(), demo, "cy");
  await until(() => page.goto(`${demo.url}/admin`), (answer) => answer.ok());
  const { seen, visit } = walker(demo, page, look);
  const { uid } = await administer(demo, "user show bo");
  const { uid: owner } = await administer(demo, "user show ada");
  const { app_id: app } = await administer(demo, "app show Rochambeau");
  await visit("admin-people", "/admin");
  await visit("admin-people-none", "/admin/people?q=nobody-at-all");
  await visit("admin-person", `/admin/people/${uid}`);
  await seen("admin-link", await pressed(page, "form[action$='/link'] button"));
  await page.goto(`${demo.url}/admin/people/${uid}`);
  await seen("admin-suspended", await pressed(page, "form[action$='/suspend'] button"));
  await pressed(page, "form[action$='/restore'] button");
  await visit("admin-erase", `/admin/people/${uid}/erase`);
  await visit("admin-erase-owner", `/admin/people/${owner}/erase`);
  await visit("admin-applications", "/admin/applications");
  await visit("admin-applications-none", "/admin/applications?q=nothing-at-all");
  await visit("admin-application", `/admin/applications/${app}`);
  await visit("admin-application-erase", `/admin/applications/${app}/erase`);
  await visit("admin-takedowns", "/admin/takedowns");
  await visit("admin-story", "/admin/takedowns?story=1");
  await visit("admin-picture", `/admin/takedowns?picture=${"0a".repeat(32)}`);
  await visit("admin-picture-unknown", "/admin/takedowns?picture=none");
  await visit("admin-audit", "/admin/audit");
  await visit("admin-audit-verified", "/admin/audit/verify");
  await visit("admin-audit-none", "/admin/audit?actor=nobody");
  // Not of the reader who has just as many stories as her walk needs, and of an application whose owner this administrator is.
  const bo = await logIn(await person(), demo, "bo");
  await bo.goto(`${demo.url}/feed`);
  const story = (await bo.locator("ol.feed > li.slot", { hasNotText: "Rochambeau" }).first().getAttribute("id")).slice(1);
  await sent(bo, `#s${story} .x`);
  await sent(bo, "ol.feed > li.line details button");
  await visit("admin-takedowns-reported", "/admin/takedowns");
  await page.goto(`${demo.url}/admin/takedowns?story=${story}`);
  const publisher = new URL(await page.locator(".ask a[href*='/applications/']").getAttribute("href"), demo.url).pathname;
  await seen("admin-taken-down", await pressed(page, "form[action$='/takedowns/story'] button"));
  const reader = walker(demo, bo, look);
  await reader.visit("story-gone", `/go/${story}/t`);
  await reader.visit("why-gone", `/feed/why/${story}`);
  await visit("admin-story-gone", `/admin/takedowns?story=${story}`);
  await visit("console-insights-taken-down", `${publisher.replace("/admin/applications", "/developers")}/insights`);
};

/** What a developer sees whose application is called: its calls, its messages, a call of her own and a story checked. */
const owner = async ({ narrow, person }, look) => {
  const demo = await narrow();
  const page = await logIn(await person(), demo, "ada");
  await page.goto(`${demo.url}/developers`);
  await pressed(page, "ul.apps a:text-is('Rochambeau')");
  const base = new URL(page.url()).pathname;
  const { seen, visit } = walker(demo, page, look);
  await visit("calls-before", `${base}/calls`);
  await run(signed(demo, "feed.publishStoryToUser", { title: "Été & 9 up", image_2: "", format: "json", sig: "0".repeat(32) }));
  await page.goto(`${demo.url}${base}/try?method=feed.publishStoryToUser`);
  await page.fill("#p_title", "x".repeat(61));
  await seen("try-refused", await pressed(page, "form.trial .button"));
  await page.goto(`${demo.url}${base}/try`);
  await seen("try-form", await page.reload());
  await page.fill("#p_recipient", demo.uids.bo);
  await page.fill("#p_event_name", "rochambeau");
  await page.fill("#p_message", "{message:\"Let's start a game.\"}");
  await page.click("details summary");
  await page.check("input[name=version][value='2']");
  await seen("try-sent", await pressed(page, "form.trial .button"));
  await run(signed(demo, "liveMessage.send", { recipient: demo.uids.bo, event_name: "rochambeau", message: "1", format: "json" }));
  await visit("calls", `${base}/calls`);
  await visit("calls-refused", `${base}/calls?only=refused`);
  await seen("call-104", await pressed(page, ".log li:has(.bad:text-is('104')) a"));
  await page.fill("#text", "api_key=another");
  await seen("call-compared", await pressed(page, "form[action*='/call?'] button"));
  await visit("messages", `${base}/messages`);
  await seen("message", await pressed(page, ".log a"));
  await visit("story-form", `${base}/story`);
  await page.fill("#title", "<a href=\"http://e.example/\">Ada</a> beat Bo at rock, paper, scissors and all the other games of the world");
  await page.fill("#body", "<b>Rock</b> breaks <i>scissors</i>");
  await page.fill("#image_1", "http://e.example/1.png");
  await page.fill("#image_1_link", "http://e.example/1");
  await page.fill("#image_2", "http://e.example/2.png");
  await seen("story-checked", await pressed(page, "form.trial .button"));
};

/** The walks that together meet every page. */
export const walks = {
  "a stranger": stranger,
  "a reader": reader,
  "a reader with preferences": setter,
  "a guest": guest,
  "a developer": developer,
  "an application's owner": owner,
  "an administrator": administrator,
};
