/**
 * A page's live connection as the page uses it: handlers, sends and what it is told (live 11.3).
 *
 * Promise: every message runs once or is told missed, every send is answered exactly once. How the connection is kept is the
 * line's, which message runs is the inbox's.
 */
import { CLOSED, NO_CALLBACK, SUPERSEDED, Then, then } from "./codes.js";
import { Listeners } from "./events.js";
import { Inbox, type Handler } from "./inbox.js";
import { Line } from "./line.js";
import { watchPage } from "./page.js";
import { randomId } from "./random.js";
import { Sends, type Answers, type Message } from "./sends.js";
import { Timers } from "./timers.js";
import { LiveError } from "./types.js";
import type { Frame, Gap, Live, MessageFrame, Options, SendOptions, Sent, State, Ticket } from "./types.js";

const ACK_GATHER_MS = 20;
const OUTAGE_MS = 16_000;
const HELLO_EVENTS_MAX = 64;
const EVENT_BYTES_MAX = 128;

const fits = (event: string): boolean => new TextEncoder().encode(event).length <= EVENT_BYTES_MAX;

export class Client implements Live {
  ready: Promise<void> = Promise.resolve();
  /** 16 s without a Connection, or the end for good (live 11.2). */
  readonly shutdown = new Listeners<[]>();
  /** Welcome after a shutdown. */
  readonly restart = new Listeners<[]>();

  private readonly _page = randomId();
  private readonly _handlers = new Map<string, { run: Handler }>();
  private readonly _inbox = new Inbox(this._page, this._handlers, () => this._ackSoon());
  private readonly _gaps = new Listeners<[Gap]>();
  private readonly _states = new Listeners<[State, number?]>();
  private readonly _sends = new Sends(this._page);
  private readonly _timers = new Timers();
  private _state: State | "new" = "new";
  private _line!: Line;
  private _outgoing: Frame[] = [];
  /** What the last hello registered, and whether it said that the page has the focus. */
  private _said: { events: string[]; focus: boolean } = { events: [], focus: false };
  private _down = false;
  private _settleReady!: { ok(): void; fail(error: LiveError): void };
  private _unwatch!: () => void;

  /** Whether `start` is still to be called, or may be called again. */
  get idle(): boolean {
    return this._state === "new" || this._state === "closed";
  }

  /** Begins, when the document has been read: so that what its scripts register goes into the hello (live 11.4). */
  start(options: Options): this {
    this._down = false;
    this._inbox.epoch = "";
    this.ready = new Promise((ok, fail) => (this._settleReady = { ok, fail }));
    this.ready.catch(() => undefined);
    const line = (this._line = new Line(options, {
      hello: (begun) => this._hello(options, begun),
      welcome: () => this._welcomed(),
      frame: (frame) => this._frame(frame),
      lost: (state) => this._lost(state),
      closed: (code) => this._closed(code),
    }));
    this._lost("connecting");
    this._unwatch = watchPage({
      begin: () => void line.attempt(),
      wake: (online) => line.wake(online),
      hide: () => {
        this._timers.cancel("outage", "ack");
        line.suspend(this._last());
      },
      show: () => line.unsuspend(),
      focus: (focus) => this._post({ type: "focus", page: this._page, focus }),
    });
    return this;
  }

  on(event: string, run: Handler): () => void {
    const entry = { run };
    const known = this._handlers.has(event);
    this._handlers.set(event, entry);
    if (!known) this._post({ type: "register", page: this._page, events: [event] });
    return () => {
      if (this._handlers.get(event) !== entry) return;
      this._handlers.delete(event);
      this._post({ type: "unregister", page: this._page, events: [event] });
    };
  }

  onGap(fn: (gap: Gap) => void): () => void {
    return this._gaps.add(fn);
  }

  onState(fn: (state: State, code?: number) => void): () => void {
    return this._states.add(fn);
  }

  send(recipient: string, event: string, message: unknown, options?: SendOptions): Promise<Sent> {
    return new Promise((ok, fail) => this.submit({ recipient, event, message, options }, { ok, fail: (code, text) => fail(new LiveError(code, text)) }));
  }

  /** Sends; exactly one of the answers is called, later. */
  submit(message: Message, answers: Answers): void {
    const refusal = this._state === "closed" ? CLOSED : this._handlers.has(message.event) ? undefined : NO_CALLBACK;
    const frame = this._sends.add(message, answers, refusal, this._welcome);
    if (frame) this._post(frame);
  }

  close(): void {
    this._line.stop(this._last());
  }

  /** Whether a Connection is welcome. */
  private get _welcome(): boolean {
    return !!this._line && this._line.welcome;
  }

  private _become(state: State, code?: number): void {
    if (this._state === state) return;
    this._state = state;
    this._states.tell(state, code);
  }

  /** Queues a frame for the connection in use; without one it is dropped, for every welcome begins from the state of the page. */
  private _post(...frames: Frame[]): void {
    if (!this._welcome) return;
    if (!this._outgoing.length) queueMicrotask(() => this._welcome && this._line.send(this._taken()));
    this._outgoing.push(...frames);
  }

  private _taken(): Frame[] {
    return this._outgoing.splice(0);
  }

  /** What is said before the page leaves (live 11.8). */
  private _last(): Frame[] {
    if (!this._welcome) return [];
    return [...this._taken(), ...this._inbox.takeAcks(), { type: "unregister", page: this._page }, { type: "leave" }];
  }

  private _ackSoon(): void {
    const now = (): void => {
      this._timers.cancel("ack");
      if (this._welcome) this._post(...this._inbox.takeAcks());
    };
    // A hidden page's timers run once a second: there the ack goes with the current task.
    if (document.hidden) queueMicrotask(now);
    else if (!this._timers.has("ack")) this._timers.after("ack", ACK_GATHER_MS, now);
  }

  private _hello({ inherit }: Options, { epoch, seq }: Ticket): Frame {
    // Cursors of later tickets are not ours (live 11.5).
    if (!this._inbox.epoch) this._inbox.begin(epoch, seq);
    const events = [...this._handlers.keys()].filter(fits).slice(0, HELLO_EVENTS_MAX);
    const focus = document.hasFocus();
    this._said = { events, focus };
    const pages = [{ page: this._page, seq: this._inbox.cursor(), events, focus }];
    const hello: Frame = { type: "hello", v: 1, epoch: this._inbox.epoch, pages, client: "crier-client/1" };
    if (inherit === false) hello.inherit = false;
    return hello;
  }

  private _lost(state: State): void {
    this._timers.cancel("ack");
    this._become(state);
    if (!this._down && !this._timers.has("outage"))
      this._timers.after("outage", OUTAGE_MS, () => {
        this._down = true;
        this.shutdown.tell();
      });
  }

  /** The end for good: by the page (no code), or by the server. */
  private _closed(code?: number): void {
    this._unwatch();
    this._timers.cancel("ack");
    const refused = !!code && then(code) === Then.Stop;
    if (!code || refused) this._timers.cancel("outage");
    if (refused && code !== SUPERSEDED && !this._down) {
      this._down = true;
      this.shutdown.tell();
    }
    this._become("closed", code);
    this._settleReady.fail(new LiveError(code || CLOSED[0], CLOSED[1]));
    this._sends.giveUp(CLOSED);
  }

  private _welcomed(): void {
    this._timers.cancel("outage");
    this._catchUp();
    this._become("open");
    this._settleReady.ok();
    if (this._down) {
      this._down = false;
      this.restart.tell();
    }
  }

  /** What has happened in the page since the hello was written, and what an earlier connection may have swallowed. */
  private _catchUp(): void {
    const { _page: page, _said: said } = this;
    this._taken();
    const added = [...this._handlers.keys()].filter((event) => !said.events.includes(event));
    const removed = said.events.filter((event) => !this._handlers.has(event));
    for (let at = 0; at < added.length; at += HELLO_EVENTS_MAX) this._post({ type: "register", page, events: added.slice(at, at + HELLO_EVENTS_MAX) });
    if (removed.length) this._post({ type: "unregister", page, events: removed });
    this._inbox.reopened();
    this._post(...this._inbox.takeAcks(), ...this._sends.frames());
  }

  private _frame(frame: Frame): void {
    switch (frame.type) {
      case "message":
        return this._inbox.message(frame as unknown as MessageFrame);
      case "cancel":
        return this._inbox.cancel(frame.ids as string[]);
      case "gap": {
        const gap = this._inbox.gap(frame as unknown as Gap & { epoch: string });
        return gap && this._gaps.tell(gap);
      }
      case "ping":
        return this._inbox.ping(frame.seq as number);
      case "sent":
      case "error":
        return this._sends.answered(frame);
      case "registered":
        if (frame.refused) console.warn("LiveMessage: refused", frame.refused);
    }
  }
}

/** Opens a connection of this page (live 11.3). */
export const connect = (options: Options): Live => new Client().start(options);
