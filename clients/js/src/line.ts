/**
 * Keeps one Connection of a page: opens it, notices its loss, comes back with the resume token, and moves it to the best transport.
 *
 * Promise: an end acts by its code (live 4.6), waits are those of 9.1, a new Connection is welcome before an old one that still
 * lives is left. Knows no message and no handler.
 */
import { Backoff } from "./backoff.js";
import { Choice } from "./choice.js";
import { NO_BYE, SUPERSEDED, Then, then, TICKET_INVALID } from "./codes.js";
import { later } from "./events.js";
import { Timers } from "./timers.js";
import type { Frame, Options, Sink, State, Ticket, Transport } from "./types.js";

const WELCOME_MS = 5_000;
const SILENCE_MS = 40_000;
const STALE_MS = 30_000;
const WAKE_EVERY_MS = 5_000;
const BETTER_EVERY_MS = 60_000;

/** Whom the line is kept for. */
export type Owner = {
  /** The hello without ticket or token; `begun` is the latest ticket. */
  hello(begun: Ticket): Frame;
  welcome(): void;
  frame(frame: Frame): void;
  /** There is no Connection now. */
  lost(state: State): void;
  /** The end for good: by the page (no code), or by the server. */
  closed(code?: number): void;
};

type Link = {
  transport?: Transport;
  /** The transport's place in the order. */
  at: number;
  /** Milliseconds since 1970; 0 before `welcome`. */
  welcomeAt: number;
  /** Opened beside a lesser one, without need. */
  probe: boolean;
  /** Another one was opened with its token: it may end as superseded. */
  ceded?: boolean;
};

/** The ticket that the page's own function gives, if it does. */
const asked = (ask: () => Promise<Ticket>): Promise<Ticket | undefined> =>
  Promise.resolve()
    .then(ask)
    .then((ticket) => (ticket.ticket ? ticket : undefined))
    .catch(() => undefined);

export class Line {
  private readonly _backoff = new Backoff();
  private readonly _timers = new Timers();
  private readonly _choice: Choice;
  private _ticket: Ticket | undefined;
  private _address: Ticket | undefined;
  private _resume: string | undefined;
  /** The welcome one, and the one that is to be. */
  private _current: Link | undefined;
  private _opening: Link | undefined;
  private _suspended = false;
  private _over = false;
  private _waiting = false;
  private _turn = 0;
  private _lastFrame = 0;
  private _lastWake = 0;
  private _clockSkew = 0;

  constructor(
    private readonly _options: Options,
    private readonly _owner: Owner,
  ) {
    this._choice = new Choice(_options.transports);
    if (typeof _options.ticket === "object") this._ticket = _options.ticket;
  }

  /** Whether a Connection is welcome. */
  get welcome(): boolean {
    return !!this._current;
  }

  send(frames: Frame[]): void {
    this._current!.transport!.send(frames);
  }

  /** Opens a Connection now, unless one is being opened. */
  async attempt(): Promise<void> {
    this._timers.cancel("wait");
    this._waiting = false;
    if (this._suspended || this._over) return;
    if (this._opening) {
      if (!this._opening.probe) return;
      this._drop(this._opening);
    }
    if (!navigator.onLine) return this._wait(WAKE_EVERY_MS);
    const turn = ++this._turn;
    if (!this._current) this._owner.lost("connecting");
    if (!this._resume && !this._ticket) {
      const ask = this._renewal();
      if (!ask) return this.stop([], TICKET_INVALID);
      const ticket = await asked(ask);
      if (turn !== this._turn) return;
      if (!ticket) {
        this._backoff.failed(0);
        return this._wait(this._backoff.delay());
      }
      this._ticket = ticket;
    }
    this._open(this._choice.at);
  }

  /** How this page gets a ticket, if it can. */
  private _renewal(): (() => Promise<Ticket>) | undefined {
    const { ticket, renew } = this._options;
    const first = typeof ticket === "function" ? ticket : undefined;
    return (this._address && renew) || first || renew;
  }

  private _open(at: number, probe = false): void {
    const address = (this._address = this._ticket || this._address!);
    const link: Link = (this._opening = { at, probe, welcomeAt: 0 });
    if (this._current) this._current.ceded = true;
    const sink: Sink = {
      frame: (frame) => this._frame(link, frame),
      ended: (code, retryAfter) => this._ended(link, code, retryAfter),
    };
    const hello = (): Frame => Object.assign(this._owner.hello(address), this._resume ? { resume: this._resume } : { ticket: this._ticket!.ticket });
    this._timers.after("welcome", WELCOME_MS, () => this._ended(link, NO_BYE, 0));
    try {
      link.transport = this._choice.open(at)((door) => address.url + "/" + door + "?app=" + encodeURIComponent(address.api_key), hello, sink);
    } catch {
      later(() => this._ended(link, NO_BYE, 0));
    }
  }

  /** Lets go of a link without a word; it is told of no more. */
  private _drop(link: Link | undefined, last?: Frame[]): void {
    if (!link) return;
    if (link === this._opening) {
      this._opening = undefined;
      this._timers.cancel("welcome");
    }
    if (link === this._current) {
      this._current = undefined;
      this._timers.cancel("renew", "silence", "better");
    }
    link.transport?.close(last);
  }

  private _wait(ms: number): void {
    this._waiting = true;
    if (!this._current) this._owner.lost("waiting");
    this._timers.after("wait", ms, () => void this.attempt());
  }

  /** A transport has ended: the code's range says what to do (live 4.6). */
  private _ended(link: Link, code: number, retryAfter: number): void {
    const { _opening: opening, _current: current, _backoff: backoff } = this;
    if (link !== opening && link !== current) return;
    this._drop(link);
    // The server ended it for the sake of one that we opened.
    if (link.ceded && code === SUPERSEDED) code = NO_BYE;
    const next = then(code);
    if (link === opening) {
      if (link.probe && current) return;
      if (link.at === this._choice.at) this._choice.failed(code !== NO_BYE);
    } else if (opening && next < Then.NewTicket) return this._owner.lost("connecting");
    if (next === Then.Stop) return this.stop([], code);
    backoff.failed(link.welcomeAt && Date.now() - link.welcomeAt);
    if (next === Then.NewTicket) {
      this._drop(opening);
      this._resume = this._ticket = undefined;
    }
    this._wait(backoff.delay(retryAfter, next === Then.Resume));
  }

  /** The end for good: by the page, which still says `last`, or by the server. */
  stop(last: Frame[], code?: number): void {
    if (this._over) return;
    this._leave(last);
    this._over = true;
    this._owner.closed(code);
  }

  private _leave(last: Frame[]): void {
    this._turn++;
    this._drop(this._current, last);
    this._drop(this._opening);
    this._timers.cancel("wait");
  }

  /** The page is frozen or put away: it says `last` and keeps its cursor (live 11.8). */
  suspend(last: Frame[]): void {
    this._suspended = true;
    this._leave(last);
  }

  /** Back from `suspend`, if it was. */
  unsuspend(): void {
    if (!this._suspended) return this.wake();
    this._suspended = false;
    void this.attempt();
  }

  /** The transport has gone silent: another one at once, with the cursor. */
  private _replace(): void {
    this._ended(this._current!, NO_BYE, 0);
    void this.attempt();
  }

  /** Something may have changed for the better (live 4.14, 9.1, 11.6). */
  wake(online?: boolean): void {
    const now = Date.now();
    if (this._current) {
      if (now - this._lastFrame > STALE_MS) this._replace();
      else if (online) this._tryBetter();
    } else if (this._waiting && now - this._lastWake >= WAKE_EVERY_MS) {
      this._lastWake = now;
      void this.attempt();
    }
  }

  /** On a lesser transport the first one is tried beside it. */
  private _tryBetter(): void {
    if (!this._current || !this._current.at) return;
    this._timers.after("better", BETTER_EVERY_MS, () => this._tryBetter());
    if (!this._opening && navigator.onLine) this._open(0, true);
  }

  /** A client that has had no frame for 40 s resumes (live 4.14). */
  private _listen(ms: number): void {
    this._timers.after("silence", ms, () => {
      const quiet = Date.now() - this._lastFrame;
      if (quiet < SILENCE_MS) return this._listen(SILENCE_MS - quiet);
      this._replace();
    });
  }

  private _frame(link: Link, frame: Frame): void {
    if (link !== this._current && link !== this._opening) return;
    this._lastFrame = Date.now();
    switch (frame.type) {
      case "welcome":
        return link === this._opening ? this._welcomed(link, frame) : undefined;
      case "renewed":
        return this._renewed(frame);
      case "drain":
        return this._wait(frame.retry_after as number);
    }
    this._owner.frame(frame);
  }

  private _welcomed(link: Link, frame: Frame): void {
    this._drop(this._current);
    this._timers.cancel("welcome", "wait");
    this._opening = this._ticket = undefined;
    this._waiting = false;
    this._current = link;
    this._choice.worked(link.at);
    link.welcomeAt = Date.now();
    this._clockSkew = link.welcomeAt - (frame.now as number);
    this._renewed(frame);
    this._listen(SILENCE_MS);
    if (link.at) this._timers.after("better", BETTER_EVERY_MS, () => this._tryBetter());
    this._owner.welcome();
  }

  /** A new resume token; the next ticket is asked for at a random point of 70 to 90 % of its span (live 3.8). */
  private _renewed(frame: Frame): void {
    this._resume = frame.resume as string;
    if (!this._renewal()) return;
    const span = (frame.until as number) + this._clockSkew - Date.now();
    this._timers.after("renew", span * (0.7 + 0.2 * Math.random()), () => void this._renew());
  }

  private async _renew(): Promise<void> {
    const link = this._current;
    const answer = await asked(this._renewal()!);
    if (!link || link !== this._current) return;
    if (answer) return this.send([{ type: "renew", ticket: answer.ticket }]);
    this._backoff.failed(0);
    this._timers.after("renew", this._backoff.delay(), () => void this._renew());
  }
}
