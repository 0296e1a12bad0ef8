// What a person does on the site before a test begins, and how an application calls.
import { run } from "./demo.mjs";

/** The answer with the document to which an act leads, as soon as that is loaded: what is read next is never of the page before. */
export const led = async (page, act) => {
  const answer = page.waitForResponse((one) => one.request().isNavigationRequest() && ![302, 303].includes(one.status()));
  await Promise.all([page.waitForEvent("load"), answer, act()]);
  return answer;
};

/** Logs in with name and password. */
export const logIn = async (context, demo, name) => {
  const page = await context.newPage();
  await page.goto(`${demo.url}/login`);
  await page.fill("#name", name);
  await page.fill("#password", demo.passwords[name]);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/login")), page.click("main button.primary, form button.primary")]);
  return page;
};

/** Shows a page in this scheme and size; the page itself knows of it when this is done. */
export const shownAs = async (page, { colorScheme, width, height }) => {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height });
  await page.waitForFunction(([scheme, width]) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches && innerWidth === width, [colorScheme, width]);
};

/** What is there once it holds, asked again and again: what another process did is seen by a server within a second, not at once. */
export const until = async (look, holds) => {
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
};

/** Logged in, with the game open and connected. */
export const openGame = async (context, demo, name) => {
  const page = await logIn(context, demo, name);
  await page.goto(demo.game);
  await page.waitForSelector("#mine.here");
  return page;
};

/** A call signed with the demo's profile, as the printed commands make it. */
export const signed = (demo, method, parameters) => {
  const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const [before, after] = demo.send.split(/ call liveMessage\.send .*(?= --as demo)/);
  return [before, "call", method, ...Object.entries(parameters).map(([name, value]) => quote(`${name}=${value}`)), after].join(" ");
};

/** What such a command answered, read as JSON; it must have succeeded. */
export const called = async (command) => {
  const { out, err, status } = await run(command);
  if (status) throw new Error(out + err);
  return JSON.parse(out);
};
