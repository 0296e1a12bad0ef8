/**
 * What this page has received: which messages it has started, what it still owes the server, and its cursor.
 *
 * Promise: no message id of the last 2,048 is started twice (live 6.7); every message is acked once its handler has returned or
 * its promise has settled (6.8); the cursor never passes a message that is not acked (6.9). Knows no socket and no timer.
 */
import { uncaught } from "./events.js";
import type { Frame, Gap, Info, MessageFrame } from "./types.js";

const WINDOW = 2048;
const ACK_IDS_MAX = 256;

/** A registered handler. */
export type Handler = (value: unknown, info: Info) => unknown;

export class Inbox {
  /** The mailbox life that `seq` counts in; empty before the first ticket. */
  epoch = "";
  private seq = 0;
  /** The highest seq that has come. */
  private top = 0;
  /** By id: `undefined` while the handler runs, then whether it failed. */
  private readonly started = new Map<string, boolean | undefined>();
  /** Received, and not yet acked on an open connection. */
  private readonly unsettled = new Map<string, number>();
  private acks = new Map<string, boolean>();
  /** Acks that a dying connection may have swallowed: those of this ping interval and of the one before. */
  private told = new Map<string, boolean>();
  private toldBefore = new Map<string, boolean>();

  /**
   * @param page this page's id
   * @param handlers by event name
   * @param owing is called when there is an ack to send
   */
  constructor(
    private readonly page: string,
    private readonly handlers: Map<string, { run: Handler }>,
    private readonly owing: () => void,
  ) {}

  /** Begins at a cursor. */
  begin(epoch: string, seq: number): void {
    this.epoch = epoch;
    this.seq = this.top = seq;
    this.unsettled.clear();
  }

  /** The resume cursor's seq. */
  cursor(): number {
    const settled = this.unsettled.size ? Math.min(...this.unsettled.values()) - 1 : this.top;
    return (this.seq = Math.max(this.seq, settled));
  }

  /** Starts a message's handler, unless it was started before or is another page's. */
  message(frame: MessageFrame): void {
    const { id, seq } = frame;
    this.top = Math.max(this.top, seq);
    if (frame.pages && !frame.pages.includes(this.page)) return;
    if (this.started.has(id)) {
      const failed = this.started.get(id);
      if (failed !== undefined) this.ack(id, failed);
      return;
    }
    this.started.set(id, undefined);
    if (this.started.size > WINDOW) this.started.delete(this.started.keys().next().value as string);
    this.unsettled.set(id, seq);
    this.run(frame, (failed) => {
      if (this.started.has(id)) this.started.set(id, failed);
      this.ack(id, failed);
    });
  }

  private run(frame: MessageFrame, done: (failed: boolean) => void): void {
    const { id, seq, event, from, via, app, raw } = frame;
    const handler = this.handlers.get(event);
    if (!handler) return done(true);
    const failed = (error: unknown): void => {
      uncaught(error);
      done(true);
    };
    const info: Info = { id, seq, event, from, via, app, sentAt: frame.sent_at, raw, redelivered: !!frame.redelivered };
    try {
      const result = handler.run("data" in frame ? frame.data : raw, info) as PromiseLike<unknown> | undefined | null;
      if (result && typeof result.then === "function") result.then(() => done(false), failed);
      else done(false);
    } catch (error) {
      failed(error);
    }
  }

  private ack(id: string, failed: boolean): void {
    this.acks.set(id, failed);
    this.owing();
  }

  /** Takes the gap that a `gap` frame tells, if it is told to this page. */
  gap(frame: Gap & { epoch: string; pages?: string[] }): Gap | undefined {
    if (frame.pages && !frame.pages.includes(this.page)) return undefined;
    const { from, to, reason } = frame;
    if (to === null || frame.epoch !== this.epoch) this.begin(frame.epoch, to || 0);
    else {
      for (const [id, seq] of this.unsettled) if (seq <= to) this.unsettled.delete(id);
      this.seq = to;
      this.top = Math.max(this.top, to);
    }
    return { from, to, reason };
  }

  /** A ping: everything up to `seq` has come or is not for us; and the server has read what we sent before the last one. */
  ping(seq: number): void {
    if (!this.unsettled.size) this.top = Math.max(this.top, seq);
    this.toldBefore = this.told;
    this.told = new Map();
  }

  /** A new connection: what the old one may not have delivered is owed again (acks may be repeated, live 4.10). */
  reopened(): void {
    this.acks = new Map([...this.toldBefore, ...this.told, ...this.acks]);
  }

  /** The `ack` frames owed; they count as sent. */
  takeAcks(): Frame[] {
    const owed = [...this.acks];
    const frames: Frame[] = [];
    for (let at = 0; at < owed.length; at += ACK_IDS_MAX) {
      const part = owed.slice(at, at + ACK_IDS_MAX);
      const failed = part.filter((entry) => entry[1]).map((entry) => entry[0]);
      const frame: Frame = { type: "ack", page: this.page, ids: part.map((entry) => entry[0]) };
      if (failed.length) frame.failed = failed;
      frames.push(frame);
    }
    for (const [id, failed] of owed) {
      this.unsettled.delete(id);
      this.told.set(id, failed);
      if (this.told.size > ACK_IDS_MAX) this.told.delete(this.told.keys().next().value as string);
    }
    this.acks.clear();
    return frames;
  }
}
