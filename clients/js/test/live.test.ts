import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { connect, LiveError } from "../src/index.js";
import type { Gap, Info, Live, Options, State, Ticket } from "../src/index.js";
import { EPOCH, FakeSocket, install, message, page, reported, settle, ticket, turn } from "./fake.js";

beforeEach(install);

/** An open connection with a handler for "rochambeau". */
const opened = async (options: Partial<Options> = {}): Promise<{ live: Live; socket: FakeSocket; got: unknown[]; infos: Info[] }> => {
  const got: unknown[] = [];
  const infos: Info[] = [];
  const live = connect({ ticket: ticket(), ...options });
  live.on("rochambeau", (value, info) => void (got.push(value), infos.push(info)));
  await settle();
  const socket = FakeSocket.last.welcome();
  await settle();
  return { live, socket, got, infos };
};

test("the socket stands at the ticket's url and names the application", async () => {
  await opened();
  assert.equal(FakeSocket.last.url, "ws://127.0.0.1:8420/live/ws?app=0123456789abcdef0123456789abcdef");
});

test("the hello carries the ticket, its cursor and what is registered, and the page id is long enough", async () => {
  const { socket } = await opened();
  const { pages, ...hello } = socket.frames[0]!;
  assert.deepEqual(hello, { type: "hello", v: 1, epoch: EPOCH, client: "crier-client/1", ticket: "t".repeat(43) });
  const [page, ...others] = pages as { page: string }[];
  assert.match(page!.page, /^[A-Za-z0-9_-]{24}$/);
  assert.deepEqual([page, others], [{ page: page!.page, seq: 5, events: ["rochambeau"], focus: false }, []]);
});

test("inherit false is said in the hello", async () => {
  const { socket } = await opened({ inherit: false });
  assert.equal(socket.frames[0]!.inherit, false);
});

test("a ticket function is asked once and ready resolves at the welcome", async () => {
  let asked = 0;
  const live = connect({ ticket: async () => (asked++, ticket()) });
  await settle();
  FakeSocket.last.welcome();
  await live.ready;
  assert.equal(asked, 1);
});

test("a handler gets data and info, and is acked with the messages of 20 ms", async () => {
  const { socket, got, infos } = await opened();
  const [first, second] = [message(6), message(7, { raw: "not json", data: undefined })];
  socket.say([first, second]);
  assert.deepEqual(got, [{ a: 1 }, "not json"]);
  const { id } = first as unknown as { id: string };
  assert.deepEqual(infos[0], { id, seq: 6, event: "rochambeau", from: "3", via: "app", app: "1", sentAt: 1_000, raw: '{"a":1}', redelivered: false });
  assert.equal(socket.ofType("ack").length, 0);
  await turn(20);
  assert.deepEqual(socket.ofType("ack"), [{ type: "ack", page: socket.page, ids: [first.id, second.id] }]);
});

test("a message for other pages is not started", async () => {
  const { socket, got } = await opened();
  socket.say(message(6, { pages: ["another-page-0000"] }));
  await turn(20);
  assert.deepEqual([got, socket.ofType("ack")], [[], []]);
});

test("an id is started once however often it comes, and acked again", async () => {
  const { socket, got } = await opened();
  const frame = message(6);
  socket.say(frame);
  await turn(20);
  socket.say({ ...frame, redelivered: true });
  await turn(20);
  assert.equal(got.length, 1);
  assert.deepEqual(socket.ofType("ack").map((ack) => ack.ids), [[frame.id], [frame.id]]);
});

test("the id window holds 2,048 ids", async () => {
  const { socket, got } = await opened();
  const frames = Array.from({ length: 2049 }, (_, at) => message(6 + at));
  socket.say(frames);
  socket.say([frames[1], frames[2048], frames[0]]);
  assert.equal(got.length, 2050);
});

test("a promise is acked when it settles, a throw and a rejection as failed, and both are reported", async () => {
  const { live, socket } = await opened();
  let finish: () => void = () => undefined;
  live.on("slow", () => new Promise<void>((done) => (finish = done)));
  live.on("throws", () => {
    throw new Error("thrown");
  });
  live.on("rejects", () => Promise.reject(new Error("rejected")));
  const [slow, throws, rejects, unknown] = ["slow", "throws", "rejects", "gone"].map((event, at) => message(6 + at, { event }));
  socket.say([slow, throws, rejects, unknown]);
  await turn(20);
  const ids = [unknown!.id, throws!.id, rejects!.id];
  assert.deepEqual(socket.ofType("ack"), [{ type: "ack", page: socket.page, ids, failed: ids }]);
  assert.deepEqual(reported.map(String), ["Error: thrown", "Error: rejected"]);
  finish();
  await turn(20);
  assert.deepEqual(socket.ofType("ack")[1]!.ids, [slow!.id]);
});

test("the cursor stays below a message whose promise is open", async () => {
  const { live, socket } = await opened();
  live.on("slow", () => new Promise(() => undefined));
  socket.say([message(6), message(7, { event: "slow" }), message(8)]);
  await turn(20);
  socket.say({ type: "ping", at: 1, seq: 9 });
  socket.cut();
  await turn(2_000);
  assert.equal((FakeSocket.last.accept().frames[0]!.pages as { seq: number }[])[0]!.seq, 6);
});

test("a ping is answered and moves the cursor of a page that has settled everything", async () => {
  const { socket } = await opened();
  socket.say({ type: "ping", at: 77, seq: 40 });
  assert.deepEqual(socket.ofType("pong"), [{ type: "pong", at: 77 }]);
  socket.cut();
  await turn(2_000);
  const hello = FakeSocket.last.accept().frames[0]!;
  assert.deepEqual([hello.resume, hello.ticket, (hello.pages as { seq: number }[])[0]!.seq], ["resume-1", undefined, 40]);
});

test("acks of a connection that died are repeated on the next, until a ping has passed them", async () => {
  const { socket } = await opened();
  const [first, second] = [message(6), message(7)];
  socket.say(first);
  await turn(20);
  socket.say([{ type: "ping", at: 1, seq: 6 }, { type: "ping", at: 2, seq: 6 }]);
  socket.say(second);
  await turn(20);
  socket.cut();
  await turn(2_000);
  FakeSocket.last.welcome();
  await settle();
  assert.deepEqual(FakeSocket.last.ofType("ack").map((ack) => ack.ids), [[second.id]]);
});

test("a gap sets the cursor and is told", async () => {
  const { live, socket } = await opened();
  const gaps: Gap[] = [];
  live.onGap((gap) => gaps.push(gap));
  socket.say({ type: "gap", from: 6, to: 20, reason: "overflow", epoch: EPOCH, pages: [socket.page] });
  socket.say({ type: "gap", from: 6, to: 90, reason: "overflow", epoch: EPOCH, pages: ["another-page-0000"] });
  await turn(0);
  assert.deepEqual(gaps, [{ from: 6, to: 20, reason: "overflow" }]);
  socket.say({ type: "gap", from: 21, to: null, reason: "epoch", epoch: "00000000000000bb", pages: [socket.page] });
  socket.cut();
  await turn(2_000);
  const hello = FakeSocket.last.accept().frames[0]!;
  assert.deepEqual([hello.epoch, (hello.pages as { seq: number }[])[0]!.seq], ["00000000000000bb", 0]);
});

test("registrations after the hello are said, in one message, and removals too", async () => {
  const { live, socket } = await opened();
  const before = socket.texts.length;
  const remove = live.on("a", () => undefined);
  live.on("b", () => undefined);
  await settle();
  assert.equal(socket.texts.length, before + 1);
  remove();
  remove();
  await settle();
  const { page } = socket;
  assert.deepEqual(socket.frames.slice(-3), [
    { type: "register", page, events: ["a"] },
    { type: "register", page, events: ["b"] },
    { type: "unregister", page, events: ["a"] },
  ]);
});

test("registrations between hello and welcome are made up for", async () => {
  const live = connect({ ticket: ticket() });
  const remove = live.on("early", () => undefined);
  await settle();
  const socket = FakeSocket.last.accept();
  live.on("later", () => undefined);
  remove();
  socket.welcome();
  await settle();
  const { page } = socket;
  assert.deepEqual(socket.frames.slice(-2), [
    { type: "register", page, events: ["later"] },
    { type: "unregister", page, events: ["early"] },
  ]);
});

test("a hello holds 64 events of at most 128 bytes, the others are registered after it", async () => {
  const live = connect({ ticket: ticket() });
  live.on("é".repeat(65), () => undefined);
  for (let at = 0; at < 66; at++) live.on("e" + at, () => undefined);
  await settle();
  const socket = FakeSocket.last.welcome();
  await settle();
  assert.equal((socket.frames[0]!.pages as { events: string[] }[])[0]!.events.length, 64);
  assert.deepEqual(socket.ofType("register")[0]!.events, ["é".repeat(65), "e64", "e65"]);
});

test("a send is answered by its ref with the outcome", async () => {
  const { live, socket } = await opened();
  const sent = live.send("563683308", "rochambeau", { a: [1] }, { ttl: 5, collapseKey: "k", fanout: "one" });
  await settle();
  const { ref, ...frame } = socket.ofType("send")[0]!;
  assert.match(ref as string, /^[A-Za-z0-9_-]{8,64}$/);
  assert.deepEqual(frame, { type: "send", page: socket.page, recipient: "563683308", event: "rochambeau", message: '{"a":[1]}', ttl: 5, collapse_key: "k", fanout: "one" });
  const outcome = { id: "f".repeat(32), seq: 9, epoch: EPOCH, state: "queued", pages: 1, handlers: 1, written: 0, acked: 0, expires_at: 7 };
  socket.say({ type: "sent", ref, ...outcome });
  assert.deepEqual(await sent, outcome);
});

test("a refused send rejects with the server's code and text", async () => {
  const { live, socket } = await opened();
  const sent = live.send("1", "rochambeau", 1);
  await settle();
  socket.say({ type: "error", code: 292, text: "no", ref: socket.ofType("send")[0]!.ref });
  await assert.rejects(sent, (error: LiveError) => error instanceof LiveError && error.code === 292 && error.text === "no");
});

test("a send without a handler for its event is 1100 and is not written", async () => {
  const { live, socket } = await opened();
  const sent = live.send("1", "other", 1);
  const refused = assert.rejects(sent, { code: 1100 });
  await turn(0);
  await refused;
  assert.equal(socket.ofType("send").length, 0);
});

test("a text that would break the connection is refused in the page with 1102", async () => {
  const { live, socket } = await opened();
  const refused = assert.rejects(live.send("1", "rochambeau", "x".repeat(30_000)), { code: 1102 });
  await turn(0);
  await refused;
  assert.equal(socket.ofType("send").length, 0);
});

test("send_queue: 64 sends wait for the first welcome, the 65th is refused with 4", async () => {
  const live = connect({ ticket: ticket() });
  live.on("e", () => undefined);
  for (let at = 0; at < 64; at++) void live.send("1", "e", at);
  const refused = assert.rejects(live.send("1", "e", 64), { code: 4 });
  await turn(0);
  await refused;
  const socket = FakeSocket.last.welcome();
  await settle();
  assert.deepEqual(socket.ofType("send").map((frame) => frame.message), Array.from({ length: 64 }, (_, at) => String(at)));
});

test("on a welcome connection 256 sends wait for their answers, the next is refused with 4 and is not written", async () => {
  const { live, socket } = await opened();
  for (let at = 0; at < 256; at++) void live.send("1", "rochambeau", at).catch(() => undefined);
  const refused = assert.rejects(live.send("1", "rochambeau", 256), { code: 4 });
  await turn(0);
  await refused;
  assert.equal(socket.ofType("send").length, 256);
  socket.say({ type: "sent", ref: socket.ofType("send")[0]!.ref });
  void live.send("1", "rochambeau", 257).catch(() => undefined);
  await settle();
  assert.equal(socket.ofType("send").length, 257);
});

test("a page that came online while it might not try again is not forgotten", async () => {
  const { socket } = await opened();
  page.onLine = false;
  socket.cut();
  await turn(2_000);
  page.onLine = true;
  await page.happens("online");
  FakeSocket.last.cut();
  page.onLine = false;
  await turn(2_000);
  page.onLine = true;
  await page.happens("online");
  assert.equal(FakeSocket.all.length, 2);
  await turn(5_000);
  assert.equal(FakeSocket.all.length, 3);
});

test("a send whose answer was lost is repeated with its ref on the next connection", async () => {
  const { live, socket } = await opened();
  const sent = live.send("1", "rochambeau", 1);
  await settle();
  socket.cut();
  await turn(2_000);
  FakeSocket.last.welcome();
  await settle();
  assert.deepEqual(FakeSocket.last.ofType("send"), socket.ofType("send"));
  FakeSocket.last.say({ type: "sent", ref: socket.ofType("send")[0]!.ref, id: "i" });
  assert.equal((await sent).id, "i");
});

test("no answer in 30 s is error 2", async () => {
  const { live } = await opened();
  const refused = assert.rejects(live.send("1", "rochambeau", 1), { code: 2 });
  await turn(30_000);
  await refused;
});

test("a frame is never over the bounds of the wire however much is sent at once", async () => {
  const { live, socket } = await opened();
  for (let at = 0; at < 100; at++) void live.send("1", "rochambeau", "é".repeat(500)).catch(() => undefined);
  await settle();
  assert.equal(socket.ofType("send").length, 100);
  for (const text of socket.texts) assert.ok(Buffer.byteLength(text) <= 65_536 && (text[0] === "{" || JSON.parse(text).length <= 64));
});

test("a silence of 40 s makes the page resume at once", async () => {
  const { socket } = await opened();
  await turn(39_999);
  assert.equal(FakeSocket.all.length, 1);
  await turn(1);
  assert.equal(FakeSocket.all.length, 2);
  assert.equal(socket.readyState, 3);
  assert.equal(FakeSocket.last.accept().frames[0]!.resume, "resume-1");
});

test("frames keep a connection: silence counts from the last one", async () => {
  const { socket } = await opened();
  await turn(30_000);
  socket.say({ type: "ping", at: 1, seq: 5 });
  await turn(39_000);
  assert.equal(FakeSocket.all.length, 1);
  await turn(1_000);
  assert.equal(FakeSocket.all.length, 2);
});

for (const [code, range] of [[4300, "4300"], [4302, "4302"], [4303, "4303"], [4306, "4306"], [4399, "unknown 43xx"]] as const) {
  test(`bye ${range} stops for good`, async () => {
    const { live, socket } = await opened();
    const states: (State | number | undefined)[][] = [];
    live.onState((...state) => states.push(state));
    socket.say({ type: "bye", code, reason: "r" });
    await turn(0);
    assert.deepEqual(states, [["closed", code]]);
    await turn(100_000);
    assert.equal(FakeSocket.all.length, 1);
    const refused = assert.rejects(live.send("1", "rochambeau", 1), { code: 2 });
    await turn(0);
    await refused;
  });
}

for (const [closing, acts] of [[1002, 4300], [1003, 4300], [1007, 4300], [1009, 4300]] as const) {
  test(`close code ${closing} acts as ${acts}`, async () => {
    const { socket } = await opened();
    socket.cut(closing);
    await turn(100_000);
    assert.equal(FakeSocket.all.length, 1);
  });
}

for (const closing of [1000, 1001, 1006, 1011, 4100, 4104]) {
  test(`close code ${closing} comes back with the resume token`, async () => {
    const { socket } = await opened();
    socket.cut(closing);
    await turn(1_001);
    assert.equal(FakeSocket.last.accept().frames[0]!.resume, "resume-1");
  });
}

test("bye 4001 comes back exactly after its retry_after", async () => {
  const { socket } = await opened();
  await turn(39_000);
  socket.say({ type: "bye", code: 4001, reason: "restarting", retry_after: 7_000 });
  await turn(6_999);
  assert.equal(FakeSocket.all.length, 1);
  await turn(1);
  assert.equal(FakeSocket.all.length, 2);
});

test("bye 42xx brings a new ticket and keeps the cursor", async () => {
  let asked = 0;
  const { socket } = await opened({ renew: async () => (asked++, ticket({ ticket: "n".repeat(43), epoch: "00000000000000cc", seq: 99 })) });
  socket.say(message(6));
  await turn(20);
  socket.say({ type: "bye", code: 4202, reason: "r" });
  await turn(2_000);
  const hello = FakeSocket.last.accept().frames[0]!;
  assert.deepEqual([asked, hello.ticket, hello.resume, hello.epoch, (hello.pages as { seq: number }[])[0]!.seq], [1, "n".repeat(43), undefined, EPOCH, 6]);
});

test("bye 42xx without a way to a new ticket ends the connection", async () => {
  const { live, socket } = await opened();
  const states: (State | number | undefined)[][] = [];
  live.onState((...state) => states.push(state));
  socket.say({ type: "bye", code: 4201, reason: "r" });
  await turn(2_000);
  await turn(0);
  assert.deepEqual(states.at(-1), ["closed", 4200]);
});

test("a failing renew is a failed attempt and is tried again", async () => {
  let asked = 0;
  const live = connect({ ticket: () => (asked++ < 2 ? Promise.reject(new Error("down")) : Promise.resolve(ticket())) });
  await turn(1_001);
  await turn(2_001);
  await settle();
  FakeSocket.last.welcome();
  await live.ready;
  assert.equal(asked, 3);
});

test("the ticket is renewed between 70 and 90 % of the span, and the new token is used", async () => {
  const { socket } = await opened({ renew: async () => ticket({ ticket: "n".repeat(43) }) });
  const beat = async (ms: number): Promise<void> => {
    for (let past = 0; past < ms; past += 20_000) {
      await turn(20_000);
      socket.say({ type: "ping", at: 1, seq: 5 });
    }
  };
  await beat(2_500_000);
  assert.equal(socket.ofType("renew").length, 0);
  await beat(760_000);
  assert.deepEqual(socket.ofType("renew"), [{ type: "renew", ticket: "n".repeat(43) }]);
  socket.say({ type: "renewed", resume: "resume-2", until: Date.now() + 3_600_000 });
  socket.cut();
  await turn(2_000);
  assert.equal(FakeSocket.last.accept().frames[0]!.resume, "resume-2");
});

test("drain opens the new connection before it lets go of the old", async () => {
  const { socket, got } = await opened();
  const frame = message(6);
  socket.say({ type: "drain", retry_after: 3_000 });
  await turn(3_000);
  const next = FakeSocket.last;
  assert.notEqual(next, socket);
  assert.equal(socket.readyState, 1);
  socket.say(frame);
  await settle();
  socket.say({ type: "bye", code: 4303, reason: "superseded" });
  next.welcome();
  await settle();
  next.say(frame);
  await turn(20);
  assert.equal(got.length, 1);
  assert.deepEqual(next.ofType("ack").map((ack) => ack.ids), [[frame.id], [frame.id]]);
  assert.equal(FakeSocket.all.length, 2);
});

test("an attempt that is never welcome is given up after 5 s and tried again", async () => {
  connect({ ticket: ticket() });
  await settle();
  FakeSocket.last.accept();
  await turn(5_000);
  assert.equal(FakeSocket.last.readyState, 3);
  await turn(1_001);
  assert.equal(FakeSocket.all.length, 2);
});

test("failures double the wait up to 30 s, and a connection of 30 s forgives them", async () => {
  const random = mock.method(Math, "random", () => 0.999999);
  const { socket } = await opened({ transports: ["ws"] });
  const waits: number[] = [];
  const waited = async (): Promise<void> => {
    const before = FakeSocket.all.length;
    let ms = 0;
    while (FakeSocket.all.length === before && ms < 60_000) {
      await turn(250);
      ms += 250;
    }
    waits.push(ms);
  };
  await turn(30_000);
  socket.cut();
  await waited();
  for (let at = 0; at < 7; at++) {
    FakeSocket.last.cut();
    await waited();
  }
  random.mock.restore();
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("close says leave, with the acks owed, and rejects what waits", async () => {
  const { live, socket } = await opened();
  const frame = message(6);
  socket.say(frame);
  const refused = assert.rejects(live.send("1", "rochambeau", 1), { code: 2 });
  await settle();
  live.close();
  await turn(0);
  await refused;
  const { page } = socket;
  assert.deepEqual(socket.frames.slice(-3), [{ type: "ack", page, ids: [frame.id] }, { type: "unregister", page }, { type: "leave" }]);
  assert.equal(socket.readyState, 3);
});

test("ready rejects when the first connection is refused for good", async () => {
  const live = connect({ ticket: ticket() });
  await settle();
  FakeSocket.last.accept().say({ type: "bye", code: 4302, reason: "origin" });
  await assert.rejects(live.ready, { code: 4302 });
});

test("what is not JSON ends the connection for good", async () => {
  const { socket } = await opened();
  socket.say("{");
  await turn(100_000);
  assert.equal(FakeSocket.all.length, 1);
});

test("what is cancelled before it came is neither started nor acked, what has started is left alone", async () => {
  const { socket, got } = await opened();
  const [started, cancelled] = [message(6), message(7)];
  socket.say([started, { type: "cancel", ids: [started.id, cancelled.id] }, cancelled]);
  await turn(20);
  assert.equal(got.length, 1);
  assert.deepEqual(socket.ofType("ack").map((ack) => ack.ids), [[started.id]]);
  socket.cut();
  await turn(2_000);
  assert.equal((FakeSocket.last.accept().frames[0]!.pages as { seq: number }[])[0]!.seq, 7);
});

test("a claimed message runs in the page it names, and says when another may have started it", async () => {
  const { socket, got, infos } = await opened();
  socket.say([message(6, { once: true, pages: [socket.page], redelivered: true }), message(7, { once: true, pages: ["another-page-0000"] })]);
  assert.deepEqual([got.length, infos[0]!.redelivered], [1, true]);
});

test("offline no attempt is made; online allows one at once, and a second only after 5 s", async () => {
  const { socket } = await opened();
  page.onLine = false;
  socket.cut();
  await turn(60_000);
  assert.equal(FakeSocket.all.length, 1);
  page.onLine = true;
  await page.happens("online");
  assert.equal(FakeSocket.all.length, 2);
  mock.method(Math, "random", () => 0.999999);
  FakeSocket.last.accept().say({ type: "bye", code: 4100, reason: "overloaded", retry_after: 20_000 });
  await page.happens("online");
  await turn(4_999);
  await page.happens("pageshow");
  assert.equal(FakeSocket.all.length, 2);
  await turn(1);
  await page.happens("visibilitychange");
  mock.restoreAll();
  assert.equal(FakeSocket.all.length, 3);
});

test("a page that wakes with its last frame older than 30 s resumes at once, with a younger one it stays", async () => {
  const { socket } = await opened();
  await turn(30_000);
  for (const sign of ["online", "pageshow", "visibilitychange"]) await page.happens(sign);
  assert.equal(FakeSocket.all.length, 1);
  await turn(1);
  await page.happens("visibilitychange");
  assert.deepEqual([FakeSocket.all.length, socket.readyState], [2, 3]);
  assert.equal(FakeSocket.last.accept().frames[0]!.resume, "resume-1");
});

test("the focus is said in the hello and when it changes", async () => {
  page.focused = true;
  const { socket } = await opened();
  assert.equal((socket.frames[0]!.pages as { focus: boolean }[])[0]!.focus, true);
  await page.happens("blur");
  await page.happens("focus");
  assert.deepEqual(socket.ofType("focus").map((frame) => frame.focus), [false, true]);
});

test("a ticket address that answers an error is a failed attempt", async () => {
  let asked = 0;
  const live = connect({ ticket: async () => (asked++ ? ticket() : ({ error_code: 4 } as unknown as Ticket)) });
  await turn(1_001);
  assert.equal(asked, 2);
  FakeSocket.last.welcome();
  await live.ready;
});

test("a page that is frozen unregisters with its acks and returns with its cursor", async () => {
  const { live, socket, got } = await opened();
  const frames = [message(6), message(7)];
  socket.say(frames[0]);
  await settle();
  const late = assert.rejects(live.send("1", "rochambeau", 1), { code: 2 });
  await page.happens("freeze");
  const { page: id } = socket;
  assert.deepEqual(socket.frames.slice(-4).map(({ type, page: of }) => [type, of]), [["send", id], ["ack", id], ["unregister", id], ["leave", undefined]]);
  await turn(100_000);
  assert.equal(FakeSocket.all.length, 1);
  await page.happens("resume");
  await late;
  const hello = FakeSocket.last.accept().frames[0]!;
  assert.deepEqual([hello.resume, hello.pages], ["resume-1", [{ page: id, seq: 6, events: ["rochambeau"], focus: false }]]);
  FakeSocket.last.welcome().say([frames[0], frames[1]]);
  assert.equal(got.length, 2);
});

test("a page that is put away and shown again does the same, and the final pagehide leaves", async () => {
  const { socket } = await opened();
  await page.happens("pagehide");
  assert.deepEqual(socket.frames.slice(-2).map((frame) => frame.type), ["unregister", "leave"]);
  assert.equal(socket.readyState, 3);
  await page.happens("pageshow");
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.last.welcome();
  await page.happens("pagehide");
  assert.deepEqual(FakeSocket.last.frames.at(-1), { type: "leave" });
});

test("registrations before DOMContentLoaded go into the hello", async () => {
  mock.method(performance, "getEntriesByType", () => [{ domContentLoadedEventStart: 0 }]);
  const live = connect({ ticket: ticket() });
  await settle();
  assert.equal(FakeSocket.all.length, 0);
  live.on("late", () => undefined);
  await page.happens("DOMContentLoaded");
  mock.restoreAll();
  assert.deepEqual((FakeSocket.last.accept().frames[0]!.pages as { events: string[] }[])[0]!.events, ["late"]);
});

test("acks owed from a connection that died are repeated however many there are", async () => {
  const { socket } = await opened();
  const frames = Array.from({ length: 600 }, (_, at) => message(6 + at));
  socket.say(frames);
  await turn(20);
  assert.deepEqual(socket.ofType("ack").map((ack) => (ack.ids as string[]).length), [256, 256, 88]);
  socket.cut();
  await turn(2_000);
  FakeSocket.last.welcome();
  await settle();
  assert.deepEqual(FakeSocket.last.ofType("ack").flatMap((ack) => ack.ids), frames.map((frame) => frame.id));
});

test("unknown types and unknown fields are ignored", async () => {
  const { socket, got } = await opened();
  socket.say([{ type: "novelty", at: 1 }, message(6, { novelty: true })]);
  assert.equal(got.length, 1);
});
