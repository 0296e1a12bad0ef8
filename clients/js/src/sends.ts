/**
 * The sends of this page that wait for their answer (live 4.2 `send`, 11.2, 11.3).
 *
 * Promise: exactly one of `ok` and `fail` is called for each, later than the call. A send keeps its `ref` on whatever Connection
 * it is written again, so it is accepted once (2.1, 7.5). Knows no Connection.
 */
import { TOO_LONG, TOO_MANY, UNANSWERED, type Refusal } from "./codes.js";
import { call, later } from "./events.js";
import { randomId } from "./random.js";
import type { Frame, SendOptions, Sent } from "./types.js";

const ANSWER_MS = 30_000;
/** Waiting before a Connection is welcome (live 12, `send_queue`), and unanswered on one. */
const QUEUED_MAX = 64;
const UNANSWERED_MAX = 256;
/** A frame longer than this would end the connection (live 4.1); the server refuses its text long before. */
const UNITS_MAX = 20_000;

/** What the page asked to send. */
export type Message = { recipient: unknown; event: string; message: unknown; options?: SendOptions | undefined };
export type Answers = { ok(sent: Sent): void; fail(code: number, text: string): void };
type Pending = Answers & { frame: Frame; timer: unknown };

export class Sends {
  private readonly _pending = new Map<string, Pending>();

  constructor(private readonly _page: string) {}

  /**
   * The frame to write, or nothing when the send is refused here.
   *
   * @param refusal a reason that the caller knows
   * @param open whether a Connection is welcome
   */
  add({ recipient, event, message, options = {} }: Message, answers: Answers, refusal: Refusal | undefined, open: boolean): Frame | undefined {
    const text = JSON.stringify(message);
    const ref = randomId();
    const frame: Frame = { type: "send", ref, page: this._page, recipient: String(recipient), event, message: text === undefined ? "null" : text };
    const { ttl, collapseKey, fanout } = options;
    // What is undefined is not written.
    Object.assign(frame, { ttl, collapse_key: collapseKey, fanout });
    if (!refusal && this._pending.size >= (open ? UNANSWERED_MAX : QUEUED_MAX)) refusal = TOO_MANY;
    if (!refusal && JSON.stringify(frame).length > UNITS_MAX) refusal = TOO_LONG;
    if (refusal) {
      const [code, why] = refusal;
      later(() => answers.fail(code, why));
      return undefined;
    }
    this._pending.set(ref, { ...answers, frame, timer: setTimeout(() => this._settle(ref)?.fail(...UNANSWERED), ANSWER_MS) });
    return frame;
  }

  /** All that is unanswered. */
  frames(): Frame[] {
    return [...this._pending.values()].map(({ frame }) => frame);
  }

  /** Takes a `sent` or an `error` frame. */
  answered({ type, ref, ...rest }: Frame): void {
    const pending = this._settle(ref as string);
    if (pending) call(() => (type === "sent" ? pending.ok(rest as unknown as Sent) : pending.fail(rest.code as number, rest.text as string)));
  }

  /** There will be no answer. */
  giveUp([code, why]: Refusal): void {
    for (const ref of [...this._pending.keys()]) {
      const pending = this._settle(ref)!;
      later(() => pending.fail(code, why));
    }
  }

  private _settle(ref: string): Pending | undefined {
    const pending = this._pending.get(ref);
    if (pending) clearTimeout(pending.timer as number);
    this._pending.delete(ref);
    return pending;
  }
}
