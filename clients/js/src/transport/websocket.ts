/**
 * The WebSocket transport (live 4.7): one text message holds one frame or an array of 1 to 64.
 *
 * Promise: frames go out in the order given and never over the bounds of 4.1; the end is reported exactly once, as a code of
 * 4.6. Holds no rule: when to reconnect is decided by its owner.
 */
import type { Frame, Open } from "../types.js";

const ITEMS_MAX = 64;
/** UTF-16 units: at three bytes each still under the 65,536 of live 4.1. */
const UNITS_MAX = 21_000;
/** Closings that tell of our own wrong bytes act as 4300 (live 4.6). */
const BROKEN = [1002, 1003, 1007, 1009];

export const openWebSocket: Open = (url, apiKey, hello, sink) => {
  const socket = new WebSocket(url.replace(/^http/, "ws") + "/ws?app=" + encodeURIComponent(apiKey));
  let over = false;
  const end = (code: number, retryAfter: number): void => {
    if (over) return;
    over = true;
    socket.close();
    sink.ended(code, retryAfter);
  };
  const send = (frames: Frame[]): void => {
    if (over || socket.readyState !== 1) return;
    let texts: string[] = [];
    let units = 0;
    const flush = (): void => {
      if (texts.length) socket.send(texts.length > 1 ? "[" + texts + "]" : texts[0]!);
      texts = [];
      units = 0;
    };
    for (const frame of frames) {
      const text = JSON.stringify(frame);
      if (texts.length === ITEMS_MAX || units + text.length > UNITS_MAX) flush();
      texts.push(text);
      units += text.length + 1;
    }
    flush();
  };
  socket.onopen = () => send([hello]);
  socket.onmessage = (event) => {
    let frames: Frame | Frame[];
    try {
      frames = JSON.parse(event.data);
    } catch {
      return end(4300, 0);
    }
    for (const frame of Array.isArray(frames) ? frames : [frames]) {
      if (over) return;
      if (frame.type === "bye") end(frame.code as number, (frame.retry_after as number) || 0);
      else sink.frame(frame);
    }
  };
  socket.onclose = (event) => {
    const code = event.code;
    end(BROKEN.includes(code) ? 4300 : code >= 4000 && code < 4400 ? code : 4100, 0);
  };
  return {
    send,
    close: () => {
      over = true;
      socket.close();
    },
  };
};
