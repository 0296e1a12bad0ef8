// What a person does on the site before a test begins, and how an application calls.
import { run } from "./demo.mjs";

/** Logs in with name and password. */
export const logIn = async (context, demo, name) => {
  const page = await context.newPage();
  await page.goto(`${demo.url}/login`);
  await page.fill("#name", name);
  await page.fill("#password", demo.passwords[name]);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/login")), page.click("main button.primary, form button.primary")]);
  return page;
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
