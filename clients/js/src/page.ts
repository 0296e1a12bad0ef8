/**
 * What the browser tells about the document: read, woken, put away, shown again, focused.
 *
 * Promise: the returned function removes every listener. Outside a document it begins at once and hears nothing.
 */

export type PageSigns = {
  /** The document has been read, and what its scripts register is registered. */
  begin(): void;
  /** Something may have changed for the better: `online`, shown, visible. */
  wake(): void;
  /** Frozen, kept for later, or unloaded. */
  hide(): void;
  /** Back from `hide`. */
  show(): void;
  focus(focus: boolean): void;
};

/** Whether `DOMContentLoaded` is still to come; in deferred scripts `readyState` does not tell. */
const reading = (): boolean => {
  if (document.readyState !== "interactive") return document.readyState === "loading";
  const entry = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
  return !!entry && !entry.domContentLoadedEventStart;
};

export const watchPage = (signs: PageSigns): (() => void) => {
  if (typeof document === "undefined") {
    void Promise.resolve().then(signs.begin);
    return () => undefined;
  }
  const removals: (() => void)[] = [];
  const listen = (target: EventTarget, type: string, fn: (event: Event) => void): void => {
    target.addEventListener(type, fn);
    removals.push(() => target.removeEventListener(type, fn));
  };
  listen(window, "online", signs.wake);
  listen(window, "pageshow", signs.show);
  listen(window, "pagehide", signs.hide);
  listen(document, "freeze", signs.hide);
  listen(document, "resume", signs.show);
  listen(document, "visibilitychange", () => document.hidden || signs.wake());
  listen(window, "focus", () => signs.focus(true));
  listen(window, "blur", () => signs.focus(false));
  if (reading()) listen(document, "DOMContentLoaded", signs.begin);
  else void Promise.resolve().then(signs.begin);
  return () => removals.forEach((remove) => remove());
};
