/**
 * Long polling (live 4.8): one poll after the other, each naming the last answer that came.
 *
 * Promise: an answer that was lost on the way is asked for again, and one that comes twice is taken once.
 */
import type { Frame, Open } from "../types.js";
import { http } from "./http.js";

type Answer = { n: number; frames: Frame[] };

export const openPoll: Open = (url, hello, sink) => {
  const line = http(url, sink);
  const poll = async (): Promise<void> => {
    let got: number | undefined;
    while (!line.over()) {
      const opened = got !== undefined;
      const body = opened ? { connection: line.connection(), got, frames: [] } : { hello: hello() };
      const answer = await line.post("poll", JSON.stringify(body), (response): Promise<Answer> => response.json(), opened);
      if (!answer || answer.n === got) continue;
      got = answer.n;
      line.take(answer.frames);
    }
  };
  void poll();
  return line.transport;
};
