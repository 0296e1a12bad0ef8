import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { connect } from "../src/index.js";
import type { Live, Options, State, TransportName } from "../src/index.js";
import { EPOCH, FakePost, FakeSocket, install, message, page, settle, storage, ticket, turn, welcome } from "./fake.js";

beforeEach(install);

const HOUR = 3_600_000;
/** Attempts so far at each door. */
const tries = (): [ws: number, sse: number, poll: number] => [FakeSocket.all.length, FakePost.to("sse").length, FakePost.to("poll").filter((post) => "hello" in post.body).length];

type Seen = { live: Live; got: unknown[]; states: (State | undefined)[] };
const begin = async (options: Partial<Options> = {}): Promise<Seen> => {
  const got: unknown[] = [];
  const states: State[] = [];
  const live = connect({ ticket: ticket(), ...options });
  live.on("rochambeau", (_, info) => void got.push(info.seq));
  live.onState((state) => states.push(state));
  await settle();
  return { live, got, states };
};

/** A page with an event stream. */
const onSse = async (options: Partial<Options> = {}): Promise<Seen & { post: FakePost }> => {
  const seen = await begin({ transports: ["sse"], ...options });
  const post = await FakePost.last("sse").stream();
  await post.say(welcome());
  return { ...seen, post };
};

/** A page with a long poll: its first poll is answered, the next one is parked. */
const onPoll = async (options: Partial<Options> = {}): Promise<Seen> => {
  const seen = await begin({ transports: ["poll"], ...options });
  await FakePost.last("poll").reply(200, { n: 1, frames: [welcome()] });
  return seen;
};

const KEY = "app=0123456789abcdef0123456789abcdef";

test("sse posts the hello as text, without credentials, and reads frames however the bytes are cut", async () => {
  const { got, post } = await onSse();
  assert.deepEqual([post.url, post.init.method, post.init.credentials], [`http://127.0.0.1:8420/live/sse?${KEY}`, "POST", "omit"]);
  assert.deepEqual([post.body.type, post.body.ticket], ["hello", "t".repeat(43)]);
  const bytes = new TextEncoder().encode(`retry: 3000\n\ndata: ${JSON.stringify(message(6, { raw: "Zoë 😀", data: undefined }))}\r\n\r\n: words\n`);
  for (const byte of bytes) await post.write(Uint8Array.of(byte));
  await post.write(`data:${JSON.stringify([message(7), message(8)])}\n\n`);
  assert.deepEqual(got, [6, 7, 8]);
});

test("an event that was cut off is not taken, and the stream's end comes back with the token", async () => {
  const { got, post } = await onSse();
  await post.write(`data: ${JSON.stringify(message(6)).slice(0, 40)}`);
  await post.end();
  assert.deepEqual(got, []);
  await turn(1_001);
  assert.equal(FakePost.last("sse").body.resume, "resume-1");
});

test("client frames go to /live/frames one body at a time, in order, at most 64 in each", async () => {
  const { live, post } = await onSse();
  for (let at = 0; at < 70; at++) void live.send("1", "rochambeau", at).catch(() => undefined);
  await settle();
  assert.equal(FakePost.to("frames").length, 1);
  const [first] = FakePost.to("frames");
  assert.deepEqual([first!.query, first!.body.connection, first!.frames.length], [KEY, "c", 64]);
  await post.say(message(6));
  await turn(20);
  assert.equal(FakePost.to("frames").length, 1);
  await first!.reply(204);
  const rest = FakePost.to("frames")[1]!.frames;
  assert.deepEqual(first!.frames.concat(rest).map((frame) => frame.message ?? frame.type), [...Array.from({ length: 70 }, (_, at) => String(at)), "ack"]);
});

test("a ping is answered on a socket alone", async () => {
  const { post } = await onSse();
  await post.say({ type: "ping", at: 1, seq: 5 });
  await turn(20);
  assert.equal(FakePost.to("frames").length, 0);
});

test("frames whose answer was lost are posted once more, the second loss ends the connection and they are said on the next", async () => {
  const { live, post } = await onSse();
  void live.send("1", "rochambeau", "x").catch(() => undefined);
  await settle();
  await FakePost.last("frames").cut();
  await turn(1_000);
  assert.deepEqual(FakePost.to("frames")[1]!.body, FakePost.to("frames")[0]!.body);
  await FakePost.last("frames").cut();
  assert.ok(post.dropped);
  await turn(1_001);
  await (await FakePost.last("sse").stream()).say(welcome({ connection: "d" }));
  assert.deepEqual(FakePost.last("frames").frames, FakePost.to("frames")[0]!.frames);
  assert.equal(FakePost.last("frames").body.connection, "d");
});

for (const [status, bye, retry, wait] of [
  [503, { type: "bye", code: 4001, reason: "restarting" }, "7", 7_000],
  [503, { type: "bye", code: 4001, reason: "restarting", retry_after: 2_500 }, "3", 2_500],
  [410, { type: "bye", code: 4002, reason: "connection unknown here" }, "0", 0],
] as const) {
  test(`a refusal ${status} with bye ${bye.code} and Retry-After ${retry} comes back after ${wait} ms`, async () => {
    const { post } = await onSse();
    await turn(30_000);
    await post.say({ type: "ping", at: 1, seq: 5 });
    void (await page.happens("focus"));
    await FakePost.last("frames").reply(status, bye, { "Retry-After": retry });
    if (wait) await turn(wait - 1);
    assert.equal(FakePost.to("sse").length, 1);
    await turn(1);
    assert.equal(FakePost.last("sse").body.resume, "resume-1");
  });
}

test("a refusal with 4302 stops for good, and one with 4200 brings a new ticket", async () => {
  const first = await begin({ transports: ["sse"] });
  await FakePost.last("sse").reply(403, { type: "bye", code: 4302, reason: "origin refused" });
  await turn(100_000);
  assert.deepEqual([first.states.at(-1), FakePost.to("sse").length], ["closed", 1]);
  await begin({ transports: ["sse"], renew: async () => ticket({ ticket: "n".repeat(43) }) });
  await FakePost.last("sse").reply(401, { type: "bye", code: 4200, reason: "ticket invalid" });
  await turn(1_001);
  assert.equal(FakePost.last("sse").body.ticket, "n".repeat(43));
});

test("a long poll says hello, then what it got, and takes an answer once", async () => {
  const { got } = await onPoll();
  const polls = (): FakePost[] => FakePost.to("poll");
  assert.deepEqual([polls()[0]!.url, Object.keys(polls()[0]!.body)], [`http://127.0.0.1:8420/live/poll?${KEY}`, ["hello"]]);
  assert.deepEqual(polls()[1]!.body, { connection: "c", got: 1, frames: [] });
  await polls()[1]!.reply(200, { n: 2, frames: [message(6)] });
  assert.equal(polls()[2]!.body.got, 2);
  await polls()[2]!.reply(200, { n: 2, frames: [message(7)] });
  await polls()[3]!.reply(200, { n: 3, frames: [] });
  assert.deepEqual([got, polls()[4]!.body.got], [[6], 3]);
});

test("a poll that was lost is asked again with the same number; a second loss resumes", async () => {
  await onPoll();
  await FakePost.last("poll").cut();
  await turn(1_000);
  assert.deepEqual(FakePost.last("poll").body, { connection: "c", got: 1, frames: [] });
  assert.equal(FakePost.to("poll").length, 3);
  await FakePost.last("poll").cut();
  await turn(1_001);
  assert.equal((FakePost.last("poll").body.hello as { resume: string }).resume, "resume-1");
});

test("a bye among the frames of a poll ends it", async () => {
  const { got, states } = await onPoll();
  await FakePost.last("poll").reply(200, { n: 2, frames: [message(6), { type: "bye", code: 4305, reason: "user has withdrawn" }, message(7)] });
  await turn(100_000);
  assert.deepEqual([got, states.at(-1), FakePost.to("poll").length], [[6], "closed", 2]);
});

test("an answer that is not the server's ends an attempt without a bye", async () => {
  await begin();
  for (const _ of [1, 2]) {
    FakeSocket.last.cut();
    await turn(4_001);
  }
  await FakePost.last("sse").reply(200, "<html>log in to this network</html>");
  await turn(4_001);
  await FakePost.last("sse").reply(403, "<html>forbidden</html>");
  await turn(10_000);
  assert.deepEqual(tries(), [2, 2, 1]);
});

test("a transport that twice in a row is not welcome within 5 s gives way to the next, and the last to the first", async () => {
  mock.method(Math, "random", () => 0);
  await begin();
  const seen = [tries()];
  for (let at = 0; at < 6; at++) {
    await turn(4_999);
    assert.deepEqual(tries(), seen.at(-1));
    await turn(1);
    await turn(0);
    seen.push(tries());
  }
  mock.restoreAll();
  assert.deepEqual(seen, [[1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 2, 0], [2, 2, 1], [2, 2, 2], [3, 2, 2]]);
});

test("a bye, or a welcome between, keeps the transport", async () => {
  mock.method(Math, "random", () => 0);
  await begin();
  FakeSocket.last.cut();
  await turn(0);
  FakeSocket.last.accept().say({ type: "bye", code: 4100, reason: "overloaded" });
  await turn(0);
  FakeSocket.last.cut();
  await turn(0);
  FakeSocket.last.welcome().cut();
  await turn(0);
  FakeSocket.last.cut();
  await turn(0);
  mock.restoreAll();
  assert.deepEqual(tries(), [6, 0, 0]);
});

test("the order given is the order tried", async () => {
  mock.method(Math, "random", () => 0);
  await begin({ transports: ["poll", "ws"] });
  for (const _ of [1, 2]) {
    await FakePost.last("poll").cut();
    await turn(0);
  }
  mock.restoreAll();
  assert.deepEqual(tries(), [1, 0, 2]);
});

test("the transport that worked is remembered for 24 h", async () => {
  await onPoll({ transports: ["ws", "poll"] }).catch(() => undefined);
  install();
  const worked = async (name: TransportName, since: number): Promise<[number, number, number]> => {
    storage["crier-transport"] = `${name} ${Date.now() - since}`;
    FakeSocket.all = [];
    FakePost.all = [];
    await begin();
    return tries();
  };
  assert.deepEqual(await worked("sse", 24 * HOUR - 1), [0, 1, 0]);
  assert.deepEqual(await worked("poll", 0), [0, 0, 1]);
  assert.deepEqual(await worked("sse", 24 * HOUR), [1, 0, 0]);
  storage["crier-transport"] = "nonsense";
  FakeSocket.all = [];
  await begin();
  FakeSocket.last.welcome();
  assert.equal(storage["crier-transport"], `ws ${Date.now()}`);
});

test("on a lesser transport the first is tried beside it every 60 s, and takes over with token and cursor when welcome", async () => {
  storage["crier-transport"] = `sse ${Date.now()}`;
  const { got, states } = await begin();
  const stream = await FakePost.last("sse").stream();
  await stream.say(welcome(), message(6));
  await turn(20);
  const alive = async (ms: number): Promise<void> => {
    for (let past = 0; past < ms; past += 20_000) {
      await turn(Math.min(20_000, ms - past));
      await stream.say({ type: "ping", at: 1, seq: 5 });
    }
  };
  await alive(59_980);
  assert.equal(FakeSocket.all.length, 1);
  FakeSocket.last.cut();
  await alive(59_999);
  assert.equal(FakeSocket.all.length, 1);
  await alive(1);
  assert.deepEqual([FakeSocket.all.length, states.at(-1)], [2, "open"]);
  const socket = FakeSocket.last.accept();
  const [hello] = socket.frames;
  assert.deepEqual([hello!.resume, (hello!.pages as { seq: number }[])[0]!.seq], ["resume-1", 6]);
  // What the old one still delivers runs; what comes on both runs once.
  const [both, next] = [message(7), message(8)];
  await stream.say(both);
  await stream.say({ type: "bye", code: 4303, reason: "superseded" });
  socket.welcome({ resume: "resume-2" }).say([both, next]);
  await turn(20);
  assert.deepEqual([got, states.at(-1), storage["crier-transport"]], [[6, 7, 8], "open", `ws ${Date.now() - 20}`]);
  assert.ok(stream.dropped);
  await turn(39_000);
  assert.deepEqual(tries(), [2, 1, 0]);
});

test("coming online tries the first at once, without disturbing the one in use", async () => {
  storage["crier-transport"] = `poll ${Date.now()}`;
  const { states } = await begin();
  await FakePost.last("poll").reply(200, { n: 1, frames: [welcome()] });
  await page.happens("online");
  assert.equal(FakeSocket.all.length, 1);
  await turn(5_000);
  await turn(0);
  assert.deepEqual([FakeSocket.last.readyState, states.at(-1)], [3, "open"]);
  assert.ok(!FakePost.last("poll").dropped);
});

test("a try that superseded the one in use and then failed does not stop the page", async () => {
  storage["crier-transport"] = `sse ${Date.now()}`;
  const { states } = await begin();
  const stream = await FakePost.last("sse").stream();
  await stream.say(welcome());
  await page.happens("online");
  FakeSocket.last.accept();
  await stream.say({ type: "bye", code: 4303, reason: "superseded" });
  FakeSocket.last.cut();
  await turn(1_001);
  assert.equal(FakePost.last("sse").body.resume, "resume-1");
  await (await FakePost.last("sse").stream()).say(welcome());
  await turn(0);
  assert.deepEqual([states.at(-1), FakePost.to("sse").length], ["open", 2]);
});

test("a drain while the first is tried opens the connection that the server asked for", async () => {
  storage["crier-transport"] = `sse ${Date.now()}`;
  await begin();
  const stream = await FakePost.last("sse").stream();
  await stream.say(welcome());
  await page.happens("online");
  await stream.say({ type: "drain", retry_after: 1_000 });
  await turn(1_000);
  assert.deepEqual([FakeSocket.last.readyState, FakePost.to("sse").length, stream.dropped], [3, 2, false]);
});

test("where there is no socket the farewell goes by beacon, with what was not yet taken", async () => {
  const { live, post } = await onSse();
  void live.send("1", "rochambeau", "x").catch(() => undefined);
  await settle();
  await post.say(message(6));
  await page.happens("pagehide");
  assert.deepEqual(page.beacons.map(({ url, body }) => [url, body.connection, body.frames.map((frame) => frame.type)]), [
    [`http://127.0.0.1:8420/live/frames?${KEY}`, "c", ["send", "ack", "unregister", "leave"]],
  ]);
  assert.ok(post.dropped);
});

test("silence on a stream resumes after 40 s with the cursor", async () => {
  const { post } = await onSse();
  await post.say({ type: "ping", at: 1, seq: 9 });
  await turn(40_000);
  const { epoch, pages, resume } = FakePost.last("sse").body as { epoch: string; pages: { seq: number }[]; resume: string };
  assert.deepEqual([post.dropped, epoch, pages[0]!.seq, resume], [true, EPOCH, 9, "resume-1"]);
});
