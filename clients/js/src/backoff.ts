/**
 * How long to wait before the next attempt (live 9.1): full jitter, so that many pages cut at once do not return at once.
 *
 * Promise: a Connection that lived 30 s forgives every failure before it. Knows nothing of sockets or timers.
 */

const LIVED_MS = 30_000;
const LONGEST_MS = 30_000;
const FIRST_MS = 500;

export class Backoff {
  private _failures = 0;

  /** A Connection or an attempt has ended; `livedMs` is 0 for an attempt that never was welcome. */
  failed(livedMs: number): void {
    this._failures = livedMs >= LIVED_MS ? 0 : this._failures + 1;
  }

  /**
   * Milliseconds: `retryAfter` + uniform(0, min(30 s, 0.5 s × 2^failures)).
   *
   * @param chosen the server has chosen the moment itself (4000–4099): nothing is added, unless attempts keep failing
   */
  delay(retryAfter = 0, chosen = false): number {
    return chosen && this._failures < 2 ? retryAfter : retryAfter + Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this._failures);
  }
}
