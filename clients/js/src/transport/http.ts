/**
 * What SSE and long poll share: posting to the server, and the client's frames by `POST /live/frames` (live 4.7).
 *
 * Promise: frames go out in order, one body at a time, and a body whose answer was lost is posted once more (4.10). A refusal's
 * bye is the end (4.12); what answers without one is no server of ours and ends without a code.
 */
import { NO_BYE } from "../codes.js";
import type { Frame, Sink, Transport, Url } from "../types.js";
import { pack, wire, type Wire } from "./wire.js";

const AGAIN_MS = 1_000;

export type Http = Wire & {
  transport: Transport;
  /** The secret name of the Connection; empty before `welcome`. */
  connection(): string;
  /** Posts, and gives what `read` makes of the answer; nothing when that was the end. */
  post<T>(path: string, body: string, read: (answer: Response) => Promise<T>, again?: boolean): Promise<T | undefined>;
};

export const http = (url: Url, sink: Sink): Http => {
  const stop = new AbortController();
  let connection = "";
  /** Not yet taken by the server. */
  let waiting: Frame[] = [];
  let posting = false;
  const line = wire(
    {
      ...sink,
      frame: (frame) => {
        if (frame.type === "welcome") connection = frame.connection as string;
        sink.frame(frame);
      },
    },
    () => stop.abort(),
  );
  const post: Http["post"] = async (path, body, read, again) => {
    try {
      const answer = await fetch(url(path), { method: "POST", body, credentials: "omit", signal: stop.signal });
      if (answer.ok) return await read(answer);
      const retryAfter = +answer.headers.get("Retry-After")! * 1_000 || 0;
      const bye: Frame = await answer.json().catch(() => ({}));
      line.end((bye.code as number) || NO_BYE, (bye.retry_after as number) || retryAfter);
    } catch {
      if (again && !line.over()) {
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        return post(path, body, read);
      }
      line.end(NO_BYE);
    }
    return undefined;
  };
  const body = (texts: string[]): string => `{"connection":${JSON.stringify(connection)},"frames":[${texts}]}`;
  const flush = async (): Promise<void> => {
    posting = true;
    while (waiting.length && !line.over()) {
      const texts = pack(waiting);
      await post("frames", body(texts), async () => waiting.splice(0, texts.length), true);
    }
    posting = false;
  };
  const transport: Transport = {
    send: (frames) => {
      waiting.push(...frames);
      if (!posting) void flush();
    },
    close: (last) => {
      // The page may be going: only a beacon outlives it.
      waiting = last && !line.over() ? waiting.concat(last) : [];
      while (waiting.length) {
        const texts = pack(waiting);
        navigator.sendBeacon(url("frames"), body(texts));
        waiting.splice(0, texts.length);
      }
      line.hush();
    },
  };
  return { ...line, transport, connection: () => connection, post };
};
