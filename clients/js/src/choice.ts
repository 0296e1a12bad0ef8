/**
 * Which transport is tried (live 11.6): in the order given; one that twice in a row ends before `welcome` without a bye gives way.
 *
 * Promise: the one that worked is remembered for 24 h, for every page of the origin; without storage, for this page. Opens
 * nothing and knows no clock but the date.
 */
import { openPoll } from "./transport/poll.js";
import { openSse } from "./transport/sse.js";
import { openWebSocket } from "./transport/ws.js";
import type { Open, TransportName } from "./types.js";

const OPEN: { [name in TransportName]: Open } = { ws: openWebSocket, sse: openSse, poll: openPoll };
const PLACE = "crier-transport";
const REMEMBERED_MS = 86_400_000;
const STRIKES_MAX = 2;

export class Choice {
  /** The present one's place in the order; 0 is the best. */
  at = 0;
  private _strikes = 0;

  constructor(private readonly _order: readonly TransportName[] = ["ws", "sse", "poll"]) {
    try {
      const [name, since] = localStorage[PLACE].split(" ");
      const at = this._order.indexOf(name);
      if (at > 0 && Date.now() - since < REMEMBERED_MS) this.at = at;
    } catch {
      // Nothing is remembered, or the page may not look.
    }
  }

  /** How to open the transport at this place. */
  open(at: number): Open {
    return OPEN[this._order[at]!];
  }

  /** It reached `welcome`. */
  worked(at: number): void {
    this.at = at;
    this._strikes = 0;
    try {
      localStorage[PLACE] = this._order[at] + " " + Date.now();
    } catch {
      // A page that may not keep anything tries again next time.
    }
  }

  /** An attempt with the present one ended before `welcome`; a bye shows that the transport itself works. */
  failed(bye: boolean): void {
    if (bye) this._strikes = 0;
    else if (++this._strikes === STRIKES_MAX) {
      this._strikes = 0;
      this.at = (this.at + 1) % this._order.length;
    }
  }
}
