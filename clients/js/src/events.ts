/**
 * Small sets of listeners, and the one way in which the page's own functions are called.
 *
 * Promise: an exception in a page's function is reported as uncaught and stops nothing (live 11.2).
 */

/** Calls the page's function; its exception is the page's. */
export const call = (fn: () => void): void => {
  try {
    fn();
  } catch (error) {
    reportError(error);
  }
};

/** Runs in a later task than the call that caused it. */
export const later = (fn: () => void): void => {
  setTimeout(() => call(fn), 0);
};

/** Listeners in the order they came. */
export class Listeners<A extends unknown[]> {
  private readonly _list = new Set<{ fn: (...args: A) => void }>();

  /** Adds one; the returned function removes it. */
  add(fn: (...args: A) => void): () => void {
    const entry = { fn };
    this._list.add(entry);
    return () => void this._list.delete(entry);
  }

  /** Calls each, later. */
  tell(...args: A): void {
    for (const entry of this._list) later(() => this._list.has(entry) && entry.fn(...args));
  }
}
