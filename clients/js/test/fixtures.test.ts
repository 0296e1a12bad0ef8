import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";
import { connect } from "../src/index.js";
import type { State } from "../src/index.js";
import { FakeSocket, install, settle, ticket, turn } from "./fake.js";

// The same cases as the server's own tests read: what it writes, this client takes.
type Case = { name: string; text: string; bye?: number; retry_after?: number; then?: string; frame?: Record<string, unknown> };
const cases = (name: string): Case[] => JSON.parse(readFileSync(new URL(`../../../fixtures/frames/${name}.json`, import.meta.url), "utf8"));

beforeEach(install);

for (const { name, text, bye, then, retry_after = 0 } of cases("bye")) {
  test(`fixture ${name}: ${then}`, async () => {
    mock.method(Math, "random", () => 0.5);
    const states: (State | number | undefined)[][] = [];
    let renewed = 0;
    const live = connect({ ticket: ticket(), renew: async () => (renewed++, ticket({ ticket: "n".repeat(43) })) });
    await settle();
    FakeSocket.last.welcome();
    await turn(0);
    live.onState((...state) => states.push(state));
    FakeSocket.last.say(text);
    await turn(0);
    mock.restoreAll();
    if (then === "stop") return assert.deepEqual(states, [["closed", bye]]);
    await turn(retry_after + 1_000);
    assert.equal(FakeSocket.all.length, 2);
    const hello = FakeSocket.last.accept().frames[0]!;
    const expected = then === "new_ticket" ? [1, "n".repeat(43), undefined] : [0, undefined, "resume-1"];
    assert.deepEqual([renewed, hello.ticket, hello.resume], expected);
  });
}

for (const { name, text, frame } of cases("server")) {
  test(`fixture ${name} is taken without a word`, async () => {
    const live = connect({ ticket: ticket() });
    const got: unknown[] = [];
    const event = (frame?.event as string) || "rochambeau";
    live.on(event, (value, info) => void got.push([value, info.raw, info.id, info.seq, info.from]));
    await settle();
    const socket = FakeSocket.last.welcome();
    await settle();
    const sent = JSON.parse(text);
    // Some cases name the page of the fixtures: it is ours.
    socket.say(text.split("page-0123456789ab").join(socket.page));
    await turn(20);
    if (sent.type !== "message") return assert.deepEqual(got, []);
    const mine = !sent.pages || sent.pages.includes("page-0123456789ab");
    assert.deepEqual(got, mine ? [["data" in sent ? sent.data : sent.raw, sent.raw, sent.id, sent.seq, sent.from]] : []);
  });
}
