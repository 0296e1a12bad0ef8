// The README's own words: its site with logins is run as it is printed, on a port that is bound before its words run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { logIn } from "../people.mjs";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const [printed] = readme.match(/(?<=```python\n)K, A = "…", "…" [^]*?serve_forever\(\)\n(?=```)/);

/** Binds the site's port and says which it is; the words are read when the application's keys are known. */
const HOST = `
import http.server, sys
site = http.server.HTTPServer(("localhost", 0), None)
print(site.server_port, flush=True)
exec(sys.stdin.read())
`;

/** A text of the README with some words in place of others, each of which it has. */
const withWords = (text, words) =>
  Object.entries(words).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), from);
    return changed.replaceAll(from, to);
  }, text);

export const tests = {
  "the site with logins that the README prints takes a person through the terms and back, and a message to its page": async ({ demo, person, shot }) => {
    const page = await logIn(await person(), demo, "cy");
    const site = spawn("python3", ["-c", HOST], { stdio: ["pipe", "pipe", "ignore"] });
    try {
      const [port] = await once(createInterface({ input: site.stdout }), "line");
      await page.goto(`${demo.url}/developers/new`);
      await page.fill("#name", "Hello site");
      await page.fill("#callback", `http://localhost:${port}/`);
      await page.click("text=Make it");
      await page.getByText("I have copied it").waitFor();
      const [key, secret] = (await page.locator("main").innerText()).match(/\b[0-9a-f]{32}\b/g);
      const code = withWords(printed, {
        '"…", "…"': `"${key}", "${secret}"`,
        "http://127.0.0.1:8420": demo.url,
        'http.server.HTTPServer(("localhost", 3000), Site).serve_forever()': "site.RequestHandlerClass = Site; site.serve_forever()",
      });
      site.stdin.end(code);
      await page.goto(`http://localhost:${port}/`);
      assert.match(page.url(), /\/login\.php\?/);
      await shot(page, "readme-terms");
      await page.getByRole("button", { name: "Accept" }).click();
      await page.getByRole("button", { name: "Send to myself" }).click();
      await page.waitForFunction(() => document.body.innerText.trim().endsWith("hi"));
      assert.equal(new URL(page.url()).port, port);
    } finally {
      site.kill();
      await once(site, "close");
    }
  },
};
