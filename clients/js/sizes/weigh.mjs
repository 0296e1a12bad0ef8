// Weighs the browser client against the published browser clients of other servers (live.md goal G16): each bundled by the same
// bundler with the same settings, for browsers, minified, then gzipped at level 9. Prints one line each and the verdict.
//
// Run `npm ci` here and in the folder above first. A published client is weighed twice: with everything that its package exports, and
// with nothing but what a page needs to connect, so that what a bundler can leave out is left out.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipped, OWN, SETTINGS } from "../build.mjs";

const GOAL_BYTES = 6144;
const GOAL_SHARE = 0.5;
const here = dirname(fileURLToPath(import.meta.url));

const weigh = async (contents, more = {}) => {
  const stdin = { contents, resolveDir: here };
  const { outputFiles } = await build({ ...SETTINGS, absWorkingDir: here, stdin, format: "esm", platform: "browser", define: { "process.env.NODE_ENV": '"production"' }, ...more });
  return gzipped(outputFiles[0].text);
};

const version = (name) => JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8")).version;

const PEERS = {
  centrifuge: 'import { Centrifuge } from "centrifuge"; globalThis.kept = Centrifuge;',
  "pusher-js": 'import Pusher from "pusher-js"; globalThis.kept = Pusher;',
  "socket.io-client": 'import { io } from "socket.io-client"; globalThis.kept = io;',
};

const own = await weigh('export * from "../src/index.ts";', { mangleProps: OWN });
console.log(`crier-client ${own}`);
const sizes = [];
for (const [name, needed] of Object.entries(PEERS)) {
  const [all, least] = [await weigh(`export * from "${name}";`), await weigh(needed)];
  sizes.push(all, least);
  console.log(`${name} ${version(name)} ${all} (what connects: ${least})`);
}
const smallest = Math.min(...sizes);
const share = own / smallest;
console.log(`of the smallest: ${share.toFixed(3)} (goal ${GOAL_SHARE}); bytes: ${own} (goal ${GOAL_BYTES})`);
process.exitCode = share <= GOAL_SHARE && own <= GOAL_BYTES ? 0 : 1;
