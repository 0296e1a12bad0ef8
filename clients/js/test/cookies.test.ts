import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { cookieTicket, forgetSession, keepSession } from "../src/canvas.js";
import { sign } from "../src/signature.js";
import { install, settle } from "./fake.js";

const KEY = "0123456789abcdef0123456789abcdef";
const SESSION = "acacbdbd010123237878dede-1240077";
const SECRET = "00112233445566778899aabbccddeeff";
type Vector = { id: string; params: Record<string, string>; sig: string };
const vectors = JSON.parse(readFileSync(new URL("../../../fixtures/period/vectors.json", import.meta.url), "utf8")) as { v1: Vector[] };

/** Cookies as a browser keeps them: the last of each name, gone once their time is over. */
let jar: Map<string, string>;
let written: string[];
let address: string;

const openAt = (href: string): void => {
  install();
  [jar, written, address] = [new Map(), [], href];
  Object.defineProperty(document, "cookie", {
    get: () => [...jar].map((pair) => pair.join("=")).join("; "),
    set: (text: string) => {
      written.push(text);
      const [pair, ...rest] = text.split("; ");
      const [name, value] = [pair!.slice(0, pair!.indexOf("=")), pair!.slice(pair!.indexOf("=") + 1)];
      const until = rest.find((part) => part.startsWith("expires="));
      if (until && Date.parse(until.slice(8)) <= 1_200_000_000_000) jar.delete(name);
      else jar.set(name, value);
    },
    configurable: true,
  });
  const { search, protocol } = new URL(href);
  Object.defineProperty(globalThis, "location", { value: { href, search, protocol }, configurable: true });
  const history = { state: { kept: true }, replaceState: (state: unknown, _: string, to: string) => (assert.deepEqual(state, { kept: true }), (address = to)) };
  Object.defineProperty(globalThis, "history", { value: history, configurable: true });
};
const { params: set, sig } = vectors.v1.find(({ id }) => id === "V14")!;
const session = (change: object = {}): string =>
  encodeURIComponent(JSON.stringify({ session_key: SESSION, uid: "1240077", expires: Number(set.expires), secret: SECRET, sig, ...change }));

beforeEach(() => openAt("http://game.example/play?level=2"));

test("the five cookies are those of the page, with the signature of V14, and the session leaves the address", () => {
  openAt(`https://game.example/play?level=2&session=${session()}#top`);
  assert.equal(keepSession(KEY), true);
  assert.deepEqual(Object.fromEntries(jar), {
    [KEY + "_user"]: set.user,
    [KEY + "_session_key"]: set.session_key,
    [KEY + "_expires"]: set.expires,
    [KEY + "_ss"]: set.ss,
    [KEY]: sig,
  });
  assert.equal(sig, "42b8639060ba5cb02e562e98475a96c4");
  for (const cookie of written) assert.ok(cookie.endsWith("; path=/; samesite=lax; secure; expires=Sat, 02 Aug 2008 17:20:00 GMT"), cookie);
  assert.equal(address, "https://game.example/play?level=2#top");
});

test("a session that never ends lasts as long as the browser, and only its own parameter leaves the address", () => {
  for (const [query, rest] of [
    [`?session=${session({ expires: 0 })}`, ""],
    [`?session=${session({ expires: 0 })}&a=1&my_session=2`, "?a=1&my_session=2"],
    [`?a=1&session=${session({ expires: 0 })}&b=2`, "?a=1&b=2"],
  ]) {
    openAt(`http://game.example/${query}`);
    assert.equal(keepSession(KEY), true);
    for (const cookie of written) assert.ok(cookie.endsWith("; path=/; samesite=lax"), cookie);
    assert.equal(jar.get(KEY + "_expires"), "0");
    assert.equal(address, `http://game.example/${rest}`);
  }
});

test("what is not a session leaves cookies and address alone", () => {
  for (const bad of [
    "",
    "mine",
    "%7B%7D",
    "null",
    session({ uid: "1240078" }),
    session({ uid: 1240077 }),
    session({ session_key: "x; domain=example" }),
    session({ expires: "1217697600" }),
    session({ expires: -1 }),
    session({ secret: null }),
    session({ sig: sig + ";" }),
  ]) {
    openAt(`http://game.example/?session=${bad}`);
    assert.equal(keepSession(KEY), false, bad);
    assert.deepEqual([written, address], [[], `http://game.example/?session=${bad}`]);
  }
  openAt("http://game.example/");
  assert.equal(keepSession(KEY), false);
});

test("a ticket is asked for with the session of the cookies, until they are forgotten", async () => {
  assert.equal(cookieTicket("http://crier.example", KEY), undefined);
  const scripts: { src: string }[] = [];
  openAt(`http://game.example/?session=${session({ expires: 1_300_000_000 })}`);
  Object.assign(document, { createElement: () => ({ src: "", remove: () => undefined }), head: { append: (script: { src: string }) => scripts.push(script) } });
  keepSession(KEY);
  void cookieTicket("http://crier.example", KEY, "ms")!();
  await settle();
  const { sig: signed, ...rest } = Object.fromEntries(new URL(scripts[0]!.src).searchParams);
  assert.deepEqual([rest.api_key, rest.session_key, rest.ss, rest.call_id], [KEY, SESSION, "1", "1200000000000"]);
  assert.equal(signed, sign(rest, SECRET));
  assert.ok(!scripts[0]!.src.includes(SECRET));
  forgetSession(KEY);
  assert.deepEqual([...jar], []);
  assert.equal(cookieTicket("http://crier.example", KEY), undefined);
});
