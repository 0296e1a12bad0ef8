// Checks the types of sources and tests, bundles each test file and runs it with Node's own test runner, a process each.
import { build } from "esbuild";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OWN } from "../build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", here], { stdio: "inherit" });
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  absWorkingDir: root,
  entryPoints: names.map((name) => `test/${name}`),
  outdir: ".test",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  mangleProps: OWN,
  logLevel: "warning",
});
const files = names.map((name) => join(root, ".test", name.replace(/ts$/, "mjs")));
// The bound is for a test that hangs: it counts for a whole file, which a loaded machine may run fifty times slower than an idle one.
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=spec", "--test-timeout=300000", ...files], { stdio: "inherit" });
process.exit(run.status ?? 1);
