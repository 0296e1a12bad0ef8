/**
 * A fake browser before a fake server: sockets and posts that a test answers, feeds and cuts by hand, a document that it hides and
 * freezes, and a clock that it turns by hand.
 */
import { mock } from "node:test";
import type { Frame, Ticket } from "../src/types.js";

/** Stands where the browser's WebSocket stands. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly texts: string[] = [];
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  static get last(): FakeSocket {
    return FakeSocket.all[FakeSocket.all.length - 1]!;
  }
  send(text: string): void {
    this.texts.push(text);
  }
  close(): void {
    this.readyState = 3;
  }
  /** All frames that the page has written. */
  get frames(): Frame[] {
    return this.texts.flatMap((text) => JSON.parse(text) as Frame | Frame[]);
  }
  ofType(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }
  accept(): this {
    this.readyState = 1;
    this.onopen?.();
    return this;
  }
  say(frames: unknown): void {
    this.onmessage?.({ data: typeof frames === "string" ? frames : JSON.stringify(frames) });
  }
  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  get page(): string {
    return (this.frames[0]!.pages as { page: string }[])[0]!.page;
  }
  welcome(more: Partial<Frame> = {}): this {
    if (!this.readyState) this.accept();
    this.say(welcome(more));
    return this;
  }
}

/** One post of the page, until it is answered. */
export class FakePost {
  static all: FakePost[] = [];
  readonly door: string;
  readonly query: string;
  readonly body: Record<string, unknown>;
  private settle!: { ok(answer: Response): void; fail(error: Error): void };
  private events: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly answer: Promise<Response>;
  constructor(
    readonly url: string,
    readonly init: { method: string; body: string; credentials: string; signal: AbortSignal },
  ) {
    const [path, query] = url.split("?");
    this.door = path!.replace("http://127.0.0.1:8420/live/", "");
    this.query = query!;
    this.body = JSON.parse(init.body);
    this.answer = new Promise((ok, fail) => (this.settle = { ok, fail }));
    init.signal.addEventListener("abort", () => this.cut());
    FakePost.all.push(this);
  }
  /** All posts to a door, in order. */
  static to(door: string): FakePost[] {
    return FakePost.all.filter((post) => post.door === door);
  }
  /** The latest post to a door. */
  static last(door: string): FakePost {
    return FakePost.to(door).at(-1)!;
  }
  /** Whether the page has let go of it. */
  get dropped(): boolean {
    return this.init.signal.aborted;
  }
  get frames(): Frame[] {
    return this.body.frames as Frame[];
  }
  /** Answers as a whole. */
  reply(status: number, body?: unknown, headers: Record<string, string> = {}): Promise<void> {
    this.settle.ok(new Response(body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body), { status, headers }));
    return settle();
  }
  /** Answers with the head of an event stream. */
  async stream(): Promise<this> {
    const body = new ReadableStream<Uint8Array>({ start: (events) => void (this.events = events) });
    this.settle.ok(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
    await settle();
    return this;
  }
  /** Writes a piece of the stream. */
  write(text: string | Uint8Array): Promise<void> {
    this.events!.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text);
    return settle();
  }
  /** Writes frames as events. */
  say(...frames: Frame[]): Promise<void> {
    return this.write(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""));
  }
  /** Ends the stream. */
  end(): Promise<void> {
    this.events!.close();
    return settle();
  }
  /** The network is gone. */
  cut(): Promise<void> {
    const error = new TypeError("network error");
    this.settle.fail(error);
    try {
      this.events?.error(error);
    } catch {
      // It has ended.
    }
    return settle();
  }
}

/** The document, the window and the navigator in one. */
export class FakePage extends EventTarget {
  hidden = false;
  readyState = "complete";
  focused = false;
  onLine = true;
  beacons: { url: string; body: { connection: string; frames: Frame[] } }[] = [];
  hasFocus = (): boolean => this.focused;
  sendBeacon = (url: string, body: string): boolean => !!this.beacons.push({ url, body: JSON.parse(body) });
  /** Something happens to the page. */
  async happens(type: string): Promise<void> {
    this.dispatchEvent(new Event(type));
    await settle();
  }
}

export let page = new FakePage();
/** What the origin keeps. */
export let storage: Record<string, string> = {};

export const welcome = (more: Partial<Frame> = {}): Frame => {
  const now = Date.now();
  return { type: "welcome", v: 1, connection: "c", resume: "resume-1", until: now + 3_600_000, app: "1", user: "2", epoch: EPOCH, pages: [], ping_secs: 25, now, ...more };
};

export const EPOCH = "00000000000000aa";

export const ticket = (more: Partial<Ticket> = {}): Ticket => ({
  ticket: "t".repeat(43),
  expires: 2_000_000_000,
  url: "http://127.0.0.1:8420/live",
  api_key: "0123456789abcdef0123456789abcdef",
  app: "1",
  user: "2",
  epoch: EPOCH,
  seq: 5,
  ...more,
});

let ids = 0;
export const message = (seq: number, more: Record<string, unknown> = {}): Frame => {
  const id = (++ids).toString(16).padStart(32, "0");
  return { type: "message", id, seq, event: "rochambeau", from: "3", via: "app", app: "1", sent_at: 1_000, raw: '{"a":1}', data: { a: 1 }, ...more };
};

/** Exceptions that the page would have seen as uncaught. */
export const reported: unknown[] = [];

/** Puts the fakes in place; time stands until `turn`. */
export const install = (): void => {
  FakeSocket.all = [];
  FakePost.all = [];
  page = new FakePage();
  storage = {};
  reported.length = 0;
  const fakes = {
    WebSocket: FakeSocket,
    fetch: (url: string, init: FakePost["init"]) => new FakePost(url, init).answer,
    reportError: (error: unknown) => reported.push(error),
    window: page,
    document: page,
    navigator: page,
    localStorage: storage,
  };
  for (const [name, value] of Object.entries(fakes)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_200_000_000_000 });
};

/** Lets every promise that can settle settle. */
export const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Turns the clock on. */
export const turn = async (ms: number): Promise<void> => {
  await settle();
  mock.timers.tick(ms);
  await settle();
};
