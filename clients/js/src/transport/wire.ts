/**
 * What all transports share: one end, one way in, and the bounds of what goes out (live 4.1).
 *
 * Promise: the owner hears of the end exactly once and of nothing after it. Holds no rule: when to reconnect is the owner's.
 */
import type { Frame, Sink } from "../types.js";

const FRAMES_MAX = 64;
/** UTF-16 units: at three bytes each, with what goes around the frames, still under 65,536 bytes. */
const UNITS_MAX = 21_000;

export type Wire = {
  /** Whether it has ended. */
  over(): boolean;
  /** Hands over what has come; a bye ends. */
  take(frames: Frame | Frame[]): void;
  /** Ends it; the owner is told the code and the wait. */
  end(code: number, retryAfter?: number): void;
  /** Ends it without a word. */
  hush(): void;
};

/** `letGo` frees what the transport holds. */
export const wire = (sink: Sink, letGo: () => void): Wire => {
  let over = false;
  const hush = (): void => {
    over = true;
    letGo();
  };
  const end = (code: number, retryAfter = 0): void => {
    if (over) return;
    hush();
    sink.ended(code, retryAfter);
  };
  const take = (frames: Frame | Frame[]): void => {
    for (const frame of Array.isArray(frames) ? frames : [frames]) {
      if (over) return;
      if (frame.type === "bye") end(frame.code as number, (frame.retry_after as number) || 0);
      else sink.frame(frame);
    }
  };
  return { over: () => over, take, end, hush };
};

/** The texts of as many frames from the front as one message or body may hold. */
export const pack = (frames: Frame[]): string[] => {
  const texts: string[] = [];
  let units = 0;
  for (const frame of frames) {
    const text = JSON.stringify(frame);
    units += text.length + 1;
    if (texts.length === FRAMES_MAX || (texts.length && units > UNITS_MAX)) break;
    texts.push(text);
  }
  return texts;
};
