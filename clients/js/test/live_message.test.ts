import assert from "node:assert/strict";
import { before, mock, test } from "node:test";
import { LiveMessage } from "../src/index.js";
import { FakeSocket, install, message, reported, settle, ticket, turn } from "./fake.js";

// The objects of a page share one connection, so these tests are one page's life, in order.
before(install);

const thrown = (fn: () => void): unknown => {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
};

const calls: unknown[][] = [];
const log = (name: string) => (...args: unknown[]) => void calls.push([name, ...args]);
const taken = (): unknown[][] => calls.splice(0);
let object: LiveMessage;

test("an empty or absent event throws a string", () => {
  for (const event of ["", undefined, null]) assert.equal(typeof thrown(() => new LiveMessage(event as string)), "string");
});

test("an empty or absent recipient throws a string", () => {
  object = new LiveMessage("rochambeau", log("first"));
  for (const recipient of ["", undefined, null]) assert.equal(typeof thrown(() => object.send(recipient as string, 1)), "string");
});

test("the setters return the object", () => {
  const set = [object.setSendSuccessHandler(log("sent")), object.setSendErrorHandler(log("failed")), object.setShutdownHandler(log("down")), object.setRestartHandler(log("up"))];
  assert.deepEqual(set.map((value) => value === object), [true, true, true, true]);
});

test("what is registered and sent before the connection waits for it", async () => {
  assert.equal(object.send("3", { early: true }), undefined);
  const live = LiveMessage.connect({ ticket: ticket() });
  assert.equal(LiveMessage.connect({ ticket: ticket() }), live);
  await settle();
  assert.equal(FakeSocket.all.length, 1);
  const socket = FakeSocket.last.welcome();
  await settle();
  assert.deepEqual((socket.frames[0]!.pages as { events: string[] }[])[0]!.events, ["rochambeau"]);
  assert.deepEqual(socket.ofType("send").map((frame) => [frame.recipient, frame.message]), [["3", '{"early":true}']]);
});

test("the success handler gets the values given to send, once", () => {
  const socket = FakeSocket.last;
  const { ref } = socket.ofType("send")[0]!;
  socket.say([{ type: "sent", ref, id: "i" }, { type: "sent", ref, id: "i" }]);
  assert.deepEqual(taken(), [["sent", "3", { early: true }]]);
});

test("the error handler gets code, text, recipient and message, later than the call", async () => {
  const bare = new LiveMessage("nobody").setSendErrorHandler(log("refused"));
  bare.send("3", "x");
  assert.deepEqual(taken(), []);
  await turn(0);
  assert.deepEqual(taken(), [["refused", 1100, "this page has no callback for the event", "3", "x"]]);
  object.send("3", 5);
  await settle();
  const { ref } = FakeSocket.last.ofType("send").at(-1)!;
  FakeSocket.last.say({ type: "error", ref, code: 292, text: "not accepted" });
  assert.deepEqual(taken(), [["failed", 292, "not accepted", "3", 5]]);
});

test("undefined is sent as null, and any value as its JSON text", async () => {
  const before = FakeSocket.last.ofType("send").length;
  for (const value of [undefined, "a\u2028\"", [1, null], 0]) object.send("3", value);
  await settle();
  assert.deepEqual(FakeSocket.last.ofType("send").slice(before).map((frame) => frame.message), ["null", '"a\u2028\\""', "[1,null]", "0"]);
  for (const { ref } of FakeSocket.last.ofType("send").slice(before)) FakeSocket.last.say({ type: "sent", ref });
  taken();
});

test("the callback gets value and info with the object as this, and the last object of an event wins", () => {
  let self: unknown;
  const second = new LiveMessage("rochambeau", function (this: unknown, value, info) {
    self = this;
    calls.push(["second", value, info.from]);
  });
  FakeSocket.last.say(message(6));
  assert.equal(self, second);
  assert.deepEqual(taken(), [["second", { a: 1 }, "3"]]);
});

test("a message without data gives the raw text", () => {
  FakeSocket.last.say(message(7, { raw: "{broken", data: undefined }));
  assert.deepEqual(taken(), [["second", "{broken", "3"]]);
});

test("null removes a handler, and an exception in one is reported and stops nothing", async () => {
  object.setSendSuccessHandler(() => {
    throw new Error("mine");
  });
  object.send("3", 1);
  object.send("3", 2);
  await settle();
  const refs = FakeSocket.last.ofType("send").slice(-2).map((frame) => frame.ref);
  FakeSocket.last.say({ type: "sent", ref: refs[0] });
  object.setSendSuccessHandler(null);
  FakeSocket.last.say({ type: "sent", ref: refs[1] });
  assert.deepEqual([taken(), reported.map(String)], [[], ["Error: mine"]]);
});

test("shutdown is told once after 16 s without a connection, restart once when welcome again", async () => {
  FakeSocket.last.cut();
  await turn(15_999);
  for (const socket of FakeSocket.all) socket.onclose?.({ code: 1006 });
  assert.deepEqual(taken(), []);
  await turn(1);
  await turn(0);
  assert.deepEqual(taken(), [["down"]]);
  await turn(60_000);
  assert.deepEqual(taken(), []);
  FakeSocket.last.welcome();
  await turn(0);
  assert.deepEqual(taken(), [["up"]]);
});

test("an interruption under 16 s is silent", async () => {
  mock.method(Math, "random", () => 0);
  FakeSocket.last.cut();
  await turn(2_000);
  mock.restoreAll();
  FakeSocket.last.welcome();
  await turn(20_000);
  assert.deepEqual(taken(), []);
});

test("a 43xx bye is a shutdown at once, without a restart, and open sends end with 2", async () => {
  object.send("3", 1);
  await settle();
  FakeSocket.last.say({ type: "bye", code: 4305, reason: "withdrawn" });
  await turn(0);
  const told = taken();
  assert.deepEqual(told.map((call) => call.slice(0, 2)), [["down"], ["failed", 2]]);
  await turn(120_000);
  assert.deepEqual(taken(), []);
});

test("after the end a page may connect again, and being superseded is silent", async () => {
  const count = FakeSocket.all.length;
  LiveMessage.connect({ ticket: ticket() });
  await settle();
  assert.equal(FakeSocket.all.length, count + 1);
  FakeSocket.last.welcome();
  FakeSocket.last.say({ type: "bye", code: 4303, reason: "superseded" });
  await turn(20_000);
  assert.deepEqual(taken(), []);
});
