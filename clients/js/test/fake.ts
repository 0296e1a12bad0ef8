/**
 * A fake server: sockets that a test opens, feeds and cuts by hand, and a clock that it turns by hand.
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
    this.accept();
    const now = Date.now();
    const pages = [{ page: this.page, seq: 0 }];
    this.say({ type: "welcome", v: 1, connection: "c", resume: "resume-1", until: now + 3_600_000, app: "1", user: "2", epoch: EPOCH, pages, ping_secs: 25, now, ...more });
    return this;
  }
}

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
  reported.length = 0;
  Object.assign(globalThis, { WebSocket: FakeSocket, reportError: (error: unknown) => reported.push(error) });
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
