/**
 * The WebSocket transport (live 4.7): one text message holds one frame or an array of 1 to 64.
 *
 * Promise: frames go out in the order given; a ping is answered as it comes, also while the page's handlers are busy.
 */
import { BAD_FRAME, ofClose } from "../codes.js";
import type { Frame, Open } from "../types.js";
import { pack, wire } from "./wire.js";

export const openWebSocket: Open = (url, hello, sink) => {
  const socket = new WebSocket(url("ws").replace(/^http/, "ws"));
  const send = (frames: Frame[]): void => {
    for (let at = 0; at < frames.length && socket.readyState === 1; ) {
      const texts = pack(frames.slice(at));
      at += texts.length;
      socket.send(texts.length > 1 ? "[" + texts + "]" : texts[0]!);
    }
  };
  const frame = (one: Frame): void => {
    if (one.type === "ping") send([{ type: "pong", at: one.at }]);
    sink.frame(one);
  };
  const line = wire({ ...sink, frame }, () => socket.close());
  socket.onopen = () => send([hello()]);
  socket.onmessage = ({ data }) => {
    let frames: Frame | Frame[];
    try {
      frames = JSON.parse(data);
    } catch {
      return line.end(BAD_FRAME);
    }
    line.take(frames);
  };
  socket.onclose = ({ code }) => line.end(ofClose(code));
  return {
    send,
    close: (last = []) => {
      send(last);
      line.hush();
    },
  };
};
