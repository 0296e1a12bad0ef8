// Builds the browser client: dist/index.js, dist/canvas.js and their typings (the npm package), and live.js and live-canvas.js in
// ../../crates/crier-server/assets (the classic scripts that the server serves, the only generated files that are committed).
//
// The first line of each script names the sources it was built from, so that `cargo xtask tidy` can tell a stale build without
// Node: `/*! crier-client sources sha256:<64 lower-case hex> */`. The digest is SHA-256 over, for `clients/js/build.mjs` and
// every file below `clients/js/src/` in byte order of their paths from the root of the repository: the path, NUL, the bytes of
// the file, NUL.
//
// The client must be at most 6,144 bytes gzipped and the canvas entry 2,048 (live.md 11.1); a larger one fails the build.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const CLIENT_MAX = 6144;
const CANVAS_MAX = 2048;
/**
 * Members that never leave the bundle and get short names: those that begin with `_`, and these. None of them may be a word of
 * the wire, of the browser or of the package's API. The tests run on the same short names.
 */
export const OWN =
  /^(_.*|answered|attempt|begin|ceded|cursor|delay|giveUp|hide|hush|idle|lost|over|probe|reopened|show|submit|suspend|take|takeAcks|tell|transport|unsuspend|wake|welcomeAt|worked)$/;
const here = dirname(fileURLToPath(import.meta.url));
const assets = join(here, "../../crates/crier-server/assets");

function filesBelow(folder) {
  return readdirSync(join(here, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );
}

export function sourcesDigest() {
  const digest = createHash("sha256");
  const paths = ["build.mjs", ...filesBelow("src")].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const path of paths) {
    digest.update(`clients/js/${path}\0`).update(readFileSync(join(here, path))).update("\0");
  }
  return digest.digest("hex");
}

/** How whatever is measured is bundled. */
export const SETTINGS = { bundle: true, write: false, minify: true, target: "es2019", charset: "utf8", legalComments: "none" };

/** Bytes of the text as a server sends it at best. */
export const gzipped = (text) => gzipSync(text, { level: 9 }).length;

async function bundle(entry, format) {
  const result = await build({ ...SETTINGS, absWorkingDir: here, entryPoints: [entry], format, mangleProps: OWN });
  return result.outputFiles[0].text;
}

function keep(path, text, most) {
  const size = gzipped(text);
  console.log(`${relative(here, path)}: ${Buffer.byteLength(text)} bytes, ${size} gzipped (at most ${most})`);
  if (size > most) throw new Error(`${path} is over its size limit`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  execFileSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "-p", here], { stdio: "inherit" });
  const mark = `/*! crier-client sources sha256:${sourcesDigest()} */\n`;
  keep(join(here, "dist/index.js"), await bundle("src/index.ts", "esm"), CLIENT_MAX);
  keep(join(assets, "live.js"), mark + (await bundle("src/classic.ts", "iife")), CLIENT_MAX);
  keep(join(here, "dist/canvas.js"), await bundle("src/canvas.ts", "esm"), CANVAS_MAX);
  keep(join(assets, "live-canvas.js"), mark + (await bundle("src/classic_canvas.ts", "iife")), CANVAS_MAX);
}
