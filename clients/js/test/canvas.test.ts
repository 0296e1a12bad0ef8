import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";
import { canvasTicket } from "../src/canvas.js";
import { md5 } from "../src/md5.js";
import { sign } from "../src/signature.js";
import { install, settle, ticket, turn } from "./fake.js";

type Vector = { id: string; params: Record<string, string>; secret: string; sig: string };
type Vectors = { constants: Record<string, { value: string }>; v1: Vector[] };
const vectors = JSON.parse(readFileSync(new URL("../../../fixtures/period/vectors.json", import.meta.url), "utf8")) as Vectors;

for (const { id, params, secret, sig } of vectors.v1) {
  test(`vector ${id} is signed as the server signs it`, () => {
    assert.equal(sign(params, vectors.constants[secret]!.value), sig);
  });
}

test("md5 is right for every length around a block, and for bytes beyond ASCII", () => {
  for (let length = 0; length < 200; length++) {
    const text = "aé😀\0".repeat(50).slice(0, length);
    assert.equal(md5(text), createHash("md5").update(text).digest("hex"));
  }
});

/** A script element that the page has added. */
type Script = { src: string; onload(): void; onerror(): void; remove(): void };
let scripts: Script[] = [];
const SS = "00112233445566778899aabbccddeeff";
const KEY = "0123456789abcdef0123456789abcdef";
const SESSION = "acacbdbd010123237878dede-1240077";

const openAt = (search: string): void => {
  scripts = [];
  install();
  Object.assign(document, {
    createElement: () => ({ src: "", remove: () => undefined }),
    head: { append: (script: Script) => scripts.push(script) },
  });
  Object.defineProperty(globalThis, "location", { value: { search }, configurable: true });
};
const answer = async (script: Script, value: unknown): Promise<void> => {
  const callback = new URL(script.src).searchParams.get("callback")!;
  (window as unknown as Record<string, (value: unknown) => void>)[callback]!(value);
  script.onload();
  assert.ok(!(callback in window));
  await settle();
};
const frame = `?fb_sig_api_key=${KEY}&fb_sig_user=1240077&fb_sig_session_key=${SESSION}&fb_sig_ss=${SS}&fb_sig_time=1217611242.1234`;

beforeEach(() => openAt(frame));

test("the canvas page asks for a ticket with ss=1, signed with the session secret, which is in no address", async () => {
  const asked = canvasTicket("http://crier.example")!();
  await settle();
  const address = new URL(scripts[0]!.src);
  const { sig, callback, ...rest } = Object.fromEntries(address.searchParams);
  assert.equal(address.origin + address.pathname, "http://crier.example/restserver.php");
  assert.deepEqual(rest, { api_key: KEY, call_id: "1200000000.0000", format: "json", method: "liveMessage.createTicket", session_key: SESSION, ss: "1", v: "1.0" });
  assert.equal(sig, sign({ ...rest, callback: callback! }, SS));
  assert.ok(!scripts[0]!.src.includes(SS));
  await answer(scripts[0]!, ticket());
  assert.deepEqual(await asked, ticket());
});

test("103 is repeated up to twice after 50 to 250 ms with a new time in the same unit", async () => {
  mock.method(Math, "random", () => 0.5);
  const refused = assert.rejects(canvasTicket("http://crier.example", "ms")!(), /103/);
  await settle();
  for (const at of [0, 1, 2]) {
    assert.equal(scripts.length, at + 1);
    assert.equal(new URL(scripts[at]!.src).searchParams.get("call_id"), String(1_200_000_000_000 + at * 150));
    await answer(scripts[at]!, { error_code: 103, error_msg: "Call_id must be greater than previous" });
    await turn(149);
    assert.equal(scripts.length, at + 1);
    await turn(1);
  }
  mock.restoreAll();
  await refused;
  assert.equal(scripts.length, 3);
});

test("another error, no answer and a script that cannot be had are failures at once", async () => {
  const ask = canvasTicket("http://crier.example")!;
  const refused = assert.rejects(ask(), /^Error: 292 not accepted$/);
  await settle();
  await answer(scripts[0]!, { error_code: 292, error_msg: "not accepted" });
  await refused;
  for (const event of ["onload", "onerror"] as const) {
    const failed = assert.rejects(ask());
    await settle();
    scripts.at(-1)![event]();
    await failed;
  }
  assert.equal(scripts.length, 3);
});

test("an address without a session secret is left alone", () => {
  openAt(frame.replace(/&fb_sig_ss=\w+/, ""));
  assert.equal(canvasTicket("http://crier.example"), undefined);
});
