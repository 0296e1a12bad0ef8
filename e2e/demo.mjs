// Starts `crier demo` on free ports and reads what it prints, as a person would.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const START_MS = 180_000;
const STOP_MS = 60_000;

/** What a command printed, and how it ended. */
export const run = (command, { cwd = root, input = "" } = {}) =>
  new Promise((done) => {
    const child = spawn("/bin/sh", ["-c", command], { cwd });
    // A command that does not read may have closed its side already.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => (out += part));
    child.stderr.on("data", (part) => (err += part));
    child.on("close", (status) => done({ out, err, status }));
  });

/** A command of the demo's own binary on its data folder, given this input; its JSON line. */
export const administer = async (demo, words, input = "") => {
  const binary = demo.send.split(" call liveMessage.send ")[0];
  const data = dirname(demo.send.match(/--profiles (\S+)/)[1]);
  const { out, err, status } = await run(`${binary} ${words} --data ${data} --json`, { input });
  if (status) throw new Error(out + err);
  return JSON.parse(out.split("\n")[0]);
};

/** Starts the printed `listen` command; `until` waits for a frame that fits, then ends it. */
export const listen = async (demo) => {
  const child = spawn("/bin/sh", ["-c", `exec ${demo.listen}`], { cwd: root });
  const frames = [];
  let changed = () => undefined;
  let said = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    frames.push(JSON.parse(line));
    changed();
  });
  child.stderr.on("data", (part) => {
    said += part;
    changed();
  });
  const closed = new Promise((done) => child.on("close", done));
  const when = (holds) =>
    new Promise((done, fail) => {
      changed = () => holds() && done();
      void closed.then(() => fail(new Error(`listen ended: ${said}`)));
      changed();
    });
  await when(() => said.includes("listening"));
  return {
    until: async (fits) => {
      await when(() => frames.some(fits));
      child.kill("SIGTERM");
      await closed;
    },
  };
};

const only = (text, pattern) => {
  const found = text.match(pattern);
  if (!found) throw new Error(`the demo's text has no ${pattern}:\n${text}`);
  return found[1];
};

const read = (text) => ({
  text,
  url: only(text, /^crier ready on (http:\S+)$/m),
  game: only(text, /^ {2}The game +(http:\S+)$/m),
  links: { ada: only(text, /^ {4}ada +(http:\S+)$/m), bo: only(text, /^ {4}bo +(http:\S+)$/m) },
  uids: { ada: only(text, /^ {2}ada +uid (\d+)/m), bo: only(text, /^ {2}bo +uid (\d+)/m), cy: only(text, /^ {2}cy +uid (\d+)/m) },
  passwords: { ada: only(text, /^ {2}ada .*password (\S+)$/m), bo: only(text, /^ {2}bo .*password (\S+)$/m), cy: only(text, /^ {2}cy .*password (\S+)$/m) },
  apiKey: only(text, /^ {2}api_key +(\S+)$/m),
  secret: only(text, /^ {2}secret +(\S+)$/m),
  send: only(text, /^ {2}(\S.* call liveMessage\.send .*)$/m),
  publish: only(text, /^ {2}(\S.* call feed\.publishStoryToUser .*)$/m),
  listen: only(text, /^ {2}([^#\s].* listen .*)$/m),
});

/** `settings` are variables that the binary reads as configuration. */
export const startDemo = async (settings = {}) => {
  const binary = process.env.CRIER_BIN || join(root, "target/debug/crier");
  const child = spawn(binary, ["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], { cwd: root, env: { ...process.env, ...settings }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let log = "";
  child.stderr.on("data", (part) => (log += part));
  const ended = new Promise((done) => child.on("close", done));
  const ready = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the demo is not ready after ${START_MS} ms:\n${text}${log}`)), START_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      text += `${line}\n`;
      if (!line.startsWith("crier ready on ")) return;
      clearTimeout(timer);
      done();
    });
    child.on("close", (status) => fail(new Error(`the demo ended with status ${status}:\n${text}${log}`)));
    child.on("error", fail);
  });
  try {
    await ready;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    ...read(text),
    log: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
};
