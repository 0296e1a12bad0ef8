/**
 * A page's live connection: opens it, keeps it, and comes back with a cursor, so that each message runs once or is told missed.
 *
 * Promise: live.md section 11 on any transport. A transport's end acts by its bye code (4.6), waits are those of 9.1, and
 * every send is answered exactly once. Knows no wire syntax (that is the transport's) and no handler's meaning.
 */
import { Backoff } from "./backoff.js";
import { call, later, Listeners } from "./events.js";
import { Inbox, type Handler } from "./inbox.js";
import { watchPage } from "./page.js";
import { openWebSocket } from "./transport/websocket.js";
import { LiveError } from "./types.js";
import type { Frame, Gap, Live, MessageFrame, Open, Options, SendOptions, Sent, State, Ticket, Transport } from "./types.js";

const ACK_GATHER_MS = 20;
const ANSWER_MS = 30_000;
const OUTAGE_MS = 16_000;
const SILENCE_MS = 40_000;
const STALE_MS = 30_000;
const WAKE_EVERY_MS = 5_000;
/** Longer than a place may wait for admission (live 9.3). */
const WELCOME_MS = 12_000;
const QUEUED_MAX = 64;
const PENDING_MAX = 256;
const HELLO_EVENTS_MAX = 64;
const EVENT_BYTES_MAX = 128;
/** A frame longer than this would end the connection (live 4.1); the server refuses its text long before. */
const SEND_UNITS_MAX = 20_000;

type Link = { transport?: Transport; events: string[]; welcomeAt: number };
type Pending = { frame: Frame; ok(sent: Sent): void; fail(code: number, text: string): void; timer: number };

const timer = (fn: () => void, ms: number): number => setTimeout(fn, ms) as unknown as number;

/** 16 to 32 characters of `[A-Za-z0-9_-]`, 144 random bits. */
const randomId = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))))
    .replace(/\+/g, "-")
    .replace(/\//g, "_");

const fits = (event: string): boolean => new TextEncoder().encode(event).length <= EVENT_BYTES_MAX;

export class Client implements Live {
  ready: Promise<void> = Promise.resolve();
  /** 16 s without a Connection, or the end for good (live 11.2). */
  readonly shutdown = new Listeners<[]>();
  /** Welcome after a shutdown. */
  readonly restart = new Listeners<[]>();

  private readonly page = randomId();
  private readonly handlers = new Map<string, { run: Handler }>();
  private readonly inbox = new Inbox(this.page, this.handlers, () => this.ackSoon());
  private readonly gaps = new Listeners<[Gap]>();
  private readonly states = new Listeners<[State, number?]>();
  private readonly pending = new Map<string, Pending>();
  private backoff = new Backoff();
  private state: State | "new" = "new";
  private options!: Options;
  private open: Open = openWebSocket;
  private ticket: Ticket | undefined;
  private address: Ticket | undefined;
  private resume: string | undefined;
  /** The connection in use, and while it drains the one that will take over. */
  private link: Link | undefined;
  private next: Link | undefined;
  private outgoing: Frame[] = [];
  private suspended = false;
  private down = false;
  private lastFrame = 0;
  private lastWake = 0;
  private attempts = 0;
  private clockSkew = 0;
  private readonly timers: { [name: string]: number | undefined } = {};
  private settleReady!: { ok(): void; fail(error: LiveError): void };
  private unwatch: () => void = () => undefined;

  /** Whether `start` is still to be called, or may be called again. */
  get idle(): boolean {
    return this.state === "new" || this.state === "closed";
  }

  /** Begins, when the document has been read: so that what its scripts register goes into the hello (live 11.4). */
  start(options: Options): this {
    this.options = options;
    this.ticket = typeof options.ticket === "object" ? options.ticket : undefined;
    this.resume = undefined;
    this.inbox.epoch = "";
    this.backoff = new Backoff();
    this.suspended = this.down = false;
    this.ready = new Promise((ok, fail) => (this.settleReady = { ok, fail }));
    this.ready.catch(() => undefined);
    this.become("connecting");
    this.outage();
    this.unwatch = watchPage({
      begin: () => void this.attempt(),
      wake: () => this.wake(),
      hide: () => this.suspend(),
      show: () => this.unsuspend(),
      focus: (focus) => this.post({ type: "focus", page: this.page, focus }),
    });
    return this;
  }

  on(event: string, run: Handler): () => void {
    const entry = { run };
    const known = this.handlers.has(event);
    this.handlers.set(event, entry);
    if (!known) this.post({ type: "register", page: this.page, events: [event] });
    return () => {
      if (this.handlers.get(event) !== entry) return;
      this.handlers.delete(event);
      this.post({ type: "unregister", page: this.page, events: [event] });
    };
  }

  onGap(fn: (gap: Gap) => void): () => void {
    return this.gaps.add(fn);
  }

  onState(fn: (state: State, code?: number) => void): () => void {
    return this.states.add(fn);
  }

  send(recipient: string, event: string, message: unknown, options?: SendOptions): Promise<Sent> {
    return new Promise((ok, fail) => this.submit({ recipient, event, message, options }, ok, (code, text) => fail(new LiveError(code, text))));
  }

  /** Sends; exactly one of `ok` and `fail` is called, later. */
  submit(
    message: { recipient: unknown; event: string; message: unknown; options?: SendOptions | undefined },
    ok: (sent: Sent) => void,
    fail: (code: number, text: string) => void,
  ): void {
    const { recipient, event, options = {} } = message;
    const text = JSON.stringify(message.message);
    const refuse = (code: number, why: string): void => later(() => fail(code, why));
    const ref = randomId();
    const frame: Frame = { type: "send", ref, page: this.page, recipient: String(recipient), event, message: text === undefined ? "null" : text };
    if (options.ttl !== undefined) frame.ttl = options.ttl;
    if (options.collapseKey !== undefined) frame.collapse_key = options.collapseKey;
    if (options.fanout !== undefined) frame.fanout = options.fanout;
    if (this.state === "closed") return refuse(2, "Service temporarily unavailable: this page's connection is closed");
    if (!this.handlers.has(event)) return refuse(1100, "An error occurred while sending the LiveMessage.: this page has no callback for the event");
    if (this.pending.size >= (this.welcome ? PENDING_MAX : QUEUED_MAX)) return refuse(4, "Application request limit reached: too many sends are waiting in this page");
    if (JSON.stringify(frame).length > SEND_UNITS_MAX) return refuse(1102, "The message parameter must be no longer than 1024 bytes");
    const late = timer(() => this.settle(ref)?.fail(2, "Service temporarily unavailable: no answer came in 30 s"), ANSWER_MS);
    this.pending.set(ref, { frame, ok, fail, timer: late });
    this.post(frame);
  }

  close(): void {
    this.leave();
    this.stop();
  }

  /** Whether the connection in use is welcome. */
  private get welcome(): boolean {
    return !!this.link && this.link.welcomeAt > 0;
  }

  private settle(ref: string): Pending | undefined {
    const pending = this.pending.get(ref);
    if (pending) clearTimeout(pending.timer);
    this.pending.delete(ref);
    return pending;
  }

  private become(state: State, code?: number): void {
    if (this.state === state) return;
    this.state = state;
    this.states.tell(state, code);
  }

  /** Sets the one timer of this name. */
  private after(name: string, ms: number, fn: () => void): void {
    this.cancel(name);
    this.timers[name] = timer(() => {
      this.timers[name] = undefined;
      fn();
    }, ms);
  }

  private cancel(...names: string[]): void {
    for (const name of names) {
      clearTimeout(this.timers[name]);
      this.timers[name] = undefined;
    }
  }

  private outage(): void {
    if (this.down || this.timers.outage) return;
    this.after("outage", OUTAGE_MS, () => {
      this.down = true;
      this.shutdown.tell();
    });
  }

  // Sending frames.

  /** Queues a frame for the connection in use; without one it is dropped, for every welcome begins from the state of the page. */
  private post(...frames: Frame[]): void {
    if (!this.welcome) return;
    if (!this.outgoing.length) void Promise.resolve().then(() => this.flush());
    this.outgoing.push(...frames);
  }

  private flush(): void {
    const frames = this.outgoing;
    this.outgoing = [];
    if (this.welcome && frames.length) this.link!.transport!.send(frames);
  }

  private ackSoon(): void {
    const now = (): void => {
      this.cancel("ack");
      if (this.welcome) this.post(...this.inbox.takeAcks());
    };
    // A hidden page's timers run once a second: there the ack goes with the current task.
    if (typeof document !== "undefined" && document.hidden) void Promise.resolve().then(now);
    else if (!this.timers.ack) this.after("ack", ACK_GATHER_MS, now);
  }

  // Opening, losing and coming back.

  private async attempt(): Promise<void> {
    this.cancel("wait");
    if (this.suspended || this.idle) return;
    if (typeof navigator !== "undefined" && navigator.onLine === false) return this.become("waiting");
    const turn = ++this.attempts;
    if (!this.link) this.become("connecting");
    if (!this.resume && !this.ticket) {
      const ask = this.renewal();
      if (!ask) return this.stop(4200);
      try {
        const ticket = await ask();
        if (turn !== this.attempts) return;
        this.ticket = ticket;
      } catch {
        if (turn !== this.attempts) return;
        this.backoff.failed(0);
        return this.wait(this.backoff.delay(0));
      }
    }
    this.connect();
  }

  /** How this page gets a ticket, if it can. */
  private renewal(): (() => Promise<Ticket>) | undefined {
    const { ticket, renew } = this.options;
    const first = typeof ticket === "function" ? ticket : undefined;
    return (this.inbox.epoch && renew) || first || renew;
  }

  private connect(): void {
    if (this.ticket) {
      this.address = this.ticket;
      if (!this.inbox.epoch) this.inbox.begin(this.ticket.epoch, this.ticket.seq);
    }
    const events = [...this.handlers.keys()].filter(fits).slice(0, HELLO_EVENTS_MAX);
    const link: Link = { events, welcomeAt: 0 };
    const page = { page: this.page, seq: this.inbox.cursor(), events, focus: typeof document !== "undefined" && document.hasFocus() };
    const hello: Frame = { type: "hello", v: 1, epoch: this.inbox.epoch, pages: [page], client: "crier-client/1" };
    if (this.resume) hello.resume = this.resume;
    else hello.ticket = this.ticket!.ticket;
    if (this.options.inherit === false) hello.inherit = false;
    if (this.link) this.next = link;
    else this.link = link;
    this.after("welcome", WELCOME_MS, () => {
      link.transport?.close();
      this.ended(link, 4100, 0);
    });
    try {
      link.transport = this.open(this.address!.url, this.address!.api_key, hello, {
        frame: (frame) => this.frame(link, frame),
        ended: (code, retryAfter) => this.ended(link, code, retryAfter),
      });
    } catch {
      later(() => this.ended(link, 4100, 0));
    }
  }

  private wait(ms: number): void {
    if (!this.link) this.become("waiting");
    this.after("wait", ms, () => void this.attempt());
  }

  /** A transport has ended: the code's range says what to do (live 4.6). */
  private ended(link: Link, code: number, retryAfter: number): void {
    const lived = link.welcomeAt && Date.now() - link.welcomeAt;
    if (link === this.next) this.next = undefined;
    else if (link !== this.link) return;
    else {
      this.link = this.next;
      this.next = undefined;
      // The one that takes over makes the server end this one as superseded.
      if (this.link && (code < 4300 || code === 4303)) return this.outage();
    }
    this.cancel("welcome");
    if (code >= 4300 && code < 4400) {
      this.leave();
      return this.stop(code);
    }
    if (!this.link) {
      this.cancel("ack", "renew");
      this.outage();
    }
    this.backoff.failed(lived);
    if (code >= 4200) this.resume = this.ticket = undefined;
    this.wait(code < 4100 ? this.backoff.moved(retryAfter) : this.backoff.delay(retryAfter));
  }

  /** The end for good: by the page (no code), or by the server. */
  private stop(code?: number): void {
    if (this.idle) return;
    this.attempts++;
    this.unwatch();
    this.cancel("wait", "welcome", "ack", "renew", "silence");
    if (code === undefined || code >= 4300) this.cancel("outage");
    if (code && code >= 4300 && code !== 4303 && !this.down) {
      this.down = true;
      this.shutdown.tell();
    }
    this.become("closed", code);
    const error = new LiveError(code || 2, "connection closed for good");
    this.settleReady.fail(error);
    for (const ref of [...this.pending.keys()]) {
      const pending = this.settle(ref);
      later(() => pending?.fail(2, "Service temporarily unavailable: this page's connection is closed"));
    }
  }

  /** Says `leave` and lets go of every transport. */
  private leave(): void {
    if (this.welcome) {
      this.outgoing.push(...this.inbox.takeAcks(), { type: "leave" });
      this.flush();
    }
    for (const link of [this.link, this.next]) link?.transport?.close();
    this.link = this.next = undefined;
    this.outgoing = [];
  }

  /** The transport has gone silent: another one at once, with the cursor. */
  private replace(): void {
    const link = this.link;
    this.link = undefined;
    link?.transport?.close();
    this.cancel("welcome", "ack", "renew");
    this.outage();
    this.backoff.failed(link?.welcomeAt ? Date.now() - link.welcomeAt : 0);
    void this.attempt();
  }

  private wake(): void {
    const now = Date.now();
    if (this.welcome) {
      if (now - this.lastFrame > STALE_MS) this.replace();
    } else if (!this.link && this.state === "waiting" && now - this.lastWake >= WAKE_EVERY_MS) {
      this.lastWake = now;
      void this.attempt();
    }
  }

  /** The page is frozen or put away: it keeps its cursor and leaves (live 11.8). */
  private suspend(): void {
    this.suspended = true;
    this.attempts++;
    this.leave();
    this.cancel("wait", "welcome", "ack", "renew", "silence", "outage");
  }

  private unsuspend(): void {
    if (!this.suspended) return this.wake();
    this.suspended = false;
    this.outage();
    void this.attempt();
  }

  /** A client that has had no frame for 40 s resumes (live 4.14). */
  private listen(ms: number): void {
    this.after("silence", ms, () => {
      const quiet = Date.now() - this.lastFrame;
      if (!this.welcome) return;
      if (quiet < SILENCE_MS) return this.listen(SILENCE_MS - quiet);
      this.replace();
    });
  }

  // Receiving frames.

  private frame(link: Link, frame: Frame): void {
    if (link !== this.link && link !== this.next) return;
    this.lastFrame = Date.now();
    switch (frame.type) {
      case "welcome":
        return this.welcomed(link, frame);
      case "message":
        return this.inbox.message(frame as unknown as MessageFrame);
      case "gap": {
        const gap = this.inbox.gap(frame as unknown as Gap & { epoch: string });
        if (gap) this.gaps.tell(gap);
        return;
      }
      case "ping":
        this.inbox.ping(frame.seq as number);
        return link.transport!.send([{ type: "pong", at: frame.at }]);
      case "sent": {
        const { type: _type, ref, ...sent } = frame;
        const pending = this.settle(ref as string);
        return pending && call(() => pending.ok(sent as unknown as Sent));
      }
      case "error": {
        const pending = this.settle(frame.ref as string);
        return pending && call(() => pending.fail(frame.code as number, frame.text as string));
      }
      case "registered":
        if (frame.refused) console.warn("LiveMessage: refused", frame.refused);
        return;
      case "renewed":
        return this.renewed(frame);
      case "drain":
        return this.wait(frame.retry_after as number);
    }
  }

  private welcomed(link: Link, frame: Frame): void {
    if (link === this.next) {
      const old = this.link;
      this.link = link;
      this.next = undefined;
      old?.transport?.close();
    }
    this.cancel("welcome", "wait", "outage");
    link.welcomeAt = Date.now();
    this.clockSkew = link.welcomeAt - (frame.now as number);
    this.ticket = undefined;
    if (!this.inbox.epoch) this.inbox.begin(frame.epoch as string, (frame.pages as { seq: number }[])[0]!.seq);
    this.renewed(frame);
    this.listen(SILENCE_MS);
    this.catchUp(link);
    this.become("open");
    this.settleReady.ok();
    if (this.down) {
      this.down = false;
      this.restart.tell();
    }
  }

  /** What has happened in the page since the hello was written. */
  private catchUp(link: Link): void {
    const { page } = this;
    const added = [...this.handlers.keys()].filter((event) => !link.events.includes(event));
    const removed = link.events.filter((event) => !this.handlers.has(event));
    for (let at = 0; at < added.length; at += HELLO_EVENTS_MAX) this.post({ type: "register", page, events: added.slice(at, at + HELLO_EVENTS_MAX) });
    if (removed.length) this.post({ type: "unregister", page, events: removed });
    this.inbox.reopened();
    this.post(...this.inbox.takeAcks());
    for (const { frame } of this.pending.values()) this.post(frame);
  }

  /** A new resume token; the next ticket is asked for at a random point of 70 to 90 % of its span (live 3.8). */
  private renewed(frame: Frame): void {
    this.resume = frame.resume as string;
    if (!this.renewal()) return;
    const span = (frame.until as number) + this.clockSkew - Date.now();
    this.after("renew", Math.max(0, span) * (0.7 + 0.2 * Math.random()), () => void this.renew());
  }

  private async renew(): Promise<void> {
    const link = this.link;
    try {
      const { ticket } = await this.renewal()!();
      if (link && link === this.link) this.post({ type: "renew", ticket });
    } catch {
      if (!link || link !== this.link) return;
      this.backoff.failed(0);
      this.after("renew", this.backoff.delay(0), () => void this.renew());
    }
  }
}

/** Opens a connection of this page (live 11.3). */
export const connect = (options: Options): Live => new Client().start(options);
