// Builds the browser client: dist/index.js and its typings (the npm package), and ../../crates/crier-server/assets/live.js
// (the classic script that the server serves, the only generated file that is committed).
//
// The first line of live.js names the sources it was built from, so that `cargo xtask tidy` can tell a stale build without
// Node: `/*! crier-client sources sha256:<64 lower-case hex> */`. The digest is SHA-256 over, for `clients/js/build.mjs` and
// every file below `clients/js/src/` in byte order of their paths from the root of the repository: the path, NUL, the bytes of
// the file, NUL.
//
// Both outputs must be at most 6,144 bytes gzipped (live.md 11.1); a larger one fails the build.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const GZIPPED_MAX = 6144;
const here = dirname(fileURLToPath(import.meta.url));
const served = join(here, "../../crates/crier-server/assets/live.js");

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

async function bundle(entry, format) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    target: "es2019",
    format,
    charset: "utf8",
    legalComments: "none",
  });
  return result.outputFiles[0].text;
}

function keep(path, text) {
  const gzipped = gzipSync(text, { level: 9 }).length;
  console.log(`${path}: ${Buffer.byteLength(text)} bytes, ${gzipped} gzipped (at most ${GZIPPED_MAX})`);
  if (gzipped > GZIPPED_MAX) throw new Error(`${path} is over its size limit`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  execFileSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "-p", here], { stdio: "inherit" });
  keep(join(here, "dist/index.js"), await bundle("src/index.ts", "esm"));
  keep(served, `/*! crier-client sources sha256:${sourcesDigest()} */\n` + (await bundle("src/classic.ts", "iife")));
}
