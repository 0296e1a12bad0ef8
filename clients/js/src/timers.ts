/**
 * Timers by name: at most one of each.
 */
export class Timers {
  private readonly _running: { [name: string]: unknown } = {};

  /** Sets the one timer of this name. */
  after(name: string, ms: number, fn: () => void): void {
    this.cancel(name);
    this._running[name] = setTimeout(() => {
      delete this._running[name];
      fn();
    }, ms);
  }

  has(name: string): boolean {
    return name in this._running;
  }

  cancel(...names: string[]): void {
    for (const name of names) {
      clearTimeout(this._running[name] as number);
      delete this._running[name];
    }
  }
}
