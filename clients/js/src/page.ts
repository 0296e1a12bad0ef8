/**
 * What the browser tells about the document: read, woken, put away, shown again, focused.
 *
 * Promise: the returned function removes every listener.
 */

export type PageSigns = {
  /** The document has been read, and what its scripts register is registered. */
  begin(): void;
  /** Something may have changed for the better: `online`, or shown or visible again. */
  wake(online?: boolean): void;
  /** Frozen, kept for later, or unloaded. */
  hide(): void;
  /** Back from `hide`. */
  show(): void;
  focus(focus: boolean): void;
};

/** Whether `DOMContentLoaded` is still to come; in deferred scripts `readyState` does not tell. */
const reading = (): boolean => {
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return entry ? !entry.domContentLoadedEventStart : document.readyState === "loading";
};

export const watchPage = (signs: PageSigns): (() => void) => {
  const stop = new AbortController();
  const listen = (target: EventTarget, type: string, fn: (event: Event) => void): void => {
    target.addEventListener(type, fn, { signal: stop.signal });
  };
  listen(window, "online", () => signs.wake(true));
  listen(window, "pageshow", signs.show);
  listen(window, "pagehide", signs.hide);
  listen(document, "freeze", signs.hide);
  listen(document, "resume", signs.show);
  listen(document, "visibilitychange", () => document.hidden || signs.wake());
  listen(window, "focus", () => signs.focus(true));
  listen(window, "blur", () => signs.focus(false));
  if (reading()) listen(document, "DOMContentLoaded", signs.begin);
  else queueMicrotask(signs.begin);
  return () => stop.abort();
};
