// Runs every specs/*.spec.mjs against the built binary, one browser for all of them and one demo server for most.
//
// CRIER_BIN names the binary (default: target/debug/crier of this tree), CRIER_CHROMIUM the browser (default: Debian's). Ends
// only what it started. Last line, alone: `N passed, N failed`; exit status 1 if one failed.
// `node run.mjs feed` runs only the specs whose file name holds that word.
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBrowser } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { startOrigin } from "./origin.mjs";

const here = dirname(fileURLToPath(import.meta.url));
// Nothing here is a measurement: these end what will never come, on the slowest machine that is worth a try.
const TEST_MS = 900_000;
const STEP_MS = 240_000;
const wanted = process.argv[2] ?? "";

const within = (promise, ms, what) => {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`${what}: not done after ${ms} ms`)), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

let passed = 0;
let failed = 0;
rmSync(join(here, "shots"), { recursive: true, force: true });
const origin = await startOrigin();
// One person plays in many tests: a minute's reads of hers are those of many people.
const reads = { CRIER__FEED__READS_PER_USER: "100000" };
// A machine that is busy with something else fetches and draws late; what comes late is still a picture.
const slow = Object.fromEntries(["CONNECT", "FIRST_BYTE", "FETCH", "DECODE"].map((what) => [`CRIER__MEDIA__${what}_TIMEOUT`, "60s"]));
const common = { ...reads, ...slow };
// Pictures may be fetched from the tests' own web server, and from nothing else of this machine.
const demo = await startDemo({ CRIER__MEDIA__DIAL_ALLOW: origin.dial, ...common });
let browser;
try {
  browser = await startBrowser();
  const names = readdirSync(join(here, "specs")).filter((name) => name.endsWith(".spec.mjs") && name.includes(wanted));
  for (const name of names.sort()) {
    const { tests } = await import(`./specs/${name}`);
    for (const [title, run] of Object.entries(tests)) {
      const opened = [];
      const started = [];
      const stage = {
        demo,
        origin,
        /** A demo of the test's own with few slots to a page, so that stories are left out and nobody else has touched any. */
        narrow: async () => {
          const own = await startDemo({ CRIER__FEED__RANKING__SLOTS: "4", CRIER__FEED__RANKING__SLOTS_GUARANTEED: "1", ...common });
          started.push(own);
          return own;
        },
        shot: (page, file) => page.screenshot({ path: join(here, "shots", `${file}.png`), fullPage: true }),
        /** A browser of its own: no cookie is shared. */
        person: async (options) => {
          const context = await browser.newContext(options);
          context.setDefaultTimeout(STEP_MS);
          opened.push(context);
          return context;
        },
      };
      try {
        await within(run(stage), TEST_MS, title);
        passed += 1;
        console.log(`✔ ${name}: ${title}`);
      } catch (error) {
        failed += 1;
        console.log(`✖ ${name}: ${title}\n  ${String(error.stack ?? error).replaceAll("\n", "\n  ")}`);
        for (const [at, context] of opened.entries()) {
          for (const page of context.pages()) await page.screenshot({ path: join(here, "shots", `failed-${failed}-${at}.png`) }).catch(() => undefined);
        }
      }
      for (const context of opened) await context.close();
      for (const own of started) await own.stop();
    }
  }
} finally {
  await browser?.close();
  await demo.stop();
  await origin.stop();
}
console.log(`${passed} passed, ${failed} failed`);
// A test that was given up may still hold a server or a timer; nothing of it is waited for.
process.exit(failed || !passed ? 1 : 0);
