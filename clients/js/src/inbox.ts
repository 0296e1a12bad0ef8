/**
 * What this page has received: which messages it has started, what it still owes the server, and its cursor.
 *
 * Promise: no message id of the last 2,048 is started twice (live 6.7); every message is acked once its handler has returned or
 * its promise has settled (6.8); the cursor never passes a message that is not acked (6.9). Knows no socket and no timer.
 */
import type { Frame, Gap, Info, MessageFrame } from "./types.js";

const WINDOW = 2048;
const ACK_IDS_MAX = 256;

/** A registered handler. */
export type Handler = (value: unknown, info: Info) => unknown;

export class Inbox {
  /** The mailbox life that `seq` counts in; empty before the first ticket. */
  epoch = "";
  private _seq = 0;
  /** The highest seq that has come. */
  private _top = 0;
  /** By id: `undefined` while the handler runs and for what was cancelled before it came, then whether it failed. */
  private readonly _started = new Map<string, boolean | undefined>();
  /** Received, and not yet acked on an open connection. */
  private readonly _unsettled = new Map<string, number>();
  private _acks = new Map<string, boolean>();
  /** Acks that a dying connection may have swallowed: those of this ping interval and of the one before. */
  private _told = new Map<string, boolean>();
  private _toldBefore = new Map<string, boolean>();

  /**
   * @param page this page's id
   * @param handlers by event name
   * @param owing is called when there is an ack to send
   */
  constructor(
    private readonly _page: string,
    private readonly _handlers: Map<string, { run: Handler }>,
    private readonly _owing: () => void,
  ) {}

  /** Begins at a cursor. */
  begin(epoch: string, seq: number): void {
    this.epoch = epoch;
    this._seq = this._top = seq;
    this._unsettled.clear();
  }

  /** The resume cursor's seq. */
  cursor(): number {
    const settled = this._unsettled.size ? Math.min(...this._unsettled.values()) - 1 : this._top;
    return (this._seq = Math.max(this._seq, settled));
  }

  /** Starts a message's handler, unless it was started before or is another page's. */
  message(frame: MessageFrame): void {
    const { id, seq } = frame;
    this._top = Math.max(this._top, seq);
    if (frame.pages && !frame.pages.includes(this._page)) return;
    if (this._started.has(id)) {
      // Also what was cancelled before it came: it is neither started nor acked.
      const failed = this._started.get(id);
      if (failed !== undefined) this._ack(id, failed);
      return;
    }
    this._remember(this._started, id, undefined);
    this._unsettled.set(id, seq);
    this._run(frame, (failed) => {
      if (this._started.has(id)) this._started.set(id, failed);
      this._ack(id, failed);
    });
  }

  private _run(frame: MessageFrame, done: (failed: boolean) => void): void {
    const { id, seq, event, from, via, app, raw } = frame;
    const handler = this._handlers.get(event);
    if (!handler) return done(true);
    const info: Info = { id, seq, event, from, via, app, sentAt: frame.sent_at, raw, redelivered: !!frame.redelivered };
    // It runs now; what it throws is a rejection like any other.
    new Promise((settled) => settled(handler.run("data" in frame ? frame.data : raw, info))).then(
      () => done(false),
      (error) => {
        reportError(error);
        done(true);
      },
    );
  }

  private _ack(id: string, failed: boolean): void {
    this._acks.set(id, failed);
    this._owing();
  }

  /** Messages that are no longer to be started (live 4.3 `cancel`). */
  cancel(ids: string[]): void {
    for (const id of ids) if (!this._started.has(id)) this._remember(this._started, id, undefined);
  }

  private _remember<T>(kept: Map<string, T>, id: string, value: T): void {
    kept.set(id, value);
    if (kept.size > WINDOW) kept.delete(kept.keys().next().value as string);
  }

  /** Takes the gap that a `gap` frame tells, if it is told to this page. */
  gap(frame: Gap & { epoch: string; pages?: string[] }): Gap | undefined {
    if (frame.pages && !frame.pages.includes(this._page)) return undefined;
    const { from, to, reason } = frame;
    if (to === null || frame.epoch !== this.epoch) this.begin(frame.epoch, to || 0);
    else {
      for (const [id, seq] of this._unsettled) if (seq <= to) this._unsettled.delete(id);
      this._seq = to;
      this._top = Math.max(this._top, to);
    }
    return { from, to, reason };
  }

  /** A ping: everything up to `seq` has come or is not for us; and the server has read what we sent before the last one. */
  ping(seq: number): void {
    if (!this._unsettled.size) this._top = Math.max(this._top, seq);
    this._toldBefore = this._told;
    this._told = new Map();
  }

  /** A new connection: what the old one may not have delivered is owed again (acks may be repeated, live 4.10). */
  reopened(): void {
    this._acks = new Map([...this._toldBefore, ...this._told, ...this._acks]);
  }

  /** The `ack` frames owed; they count as sent. */
  takeAcks(): Frame[] {
    const owed = [...this._acks];
    const frames: Frame[] = [];
    for (let at = 0; at < owed.length; at += ACK_IDS_MAX) {
      const part = owed.slice(at, at + ACK_IDS_MAX);
      const failed = part.filter((entry) => entry[1]).map((entry) => entry[0]);
      const frame: Frame = { type: "ack", page: this._page, ids: part.map((entry) => entry[0]) };
      if (failed.length) frame.failed = failed;
      frames.push(frame);
    }
    for (const [id, failed] of owed) {
      this._unsettled.delete(id);
      this._remember(this._told, id, failed);
    }
    this._acks.clear();
    return frames;
  }
}
