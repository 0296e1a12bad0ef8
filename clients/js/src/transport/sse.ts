/**
 * Server-sent events read by `fetch` with a stream (live 4.7, 11.6): unlike an EventSource it may post the hello, and sees why it
 * was refused. Each event is one line `data: <frame>`.
 */
import { NO_BYE } from "../codes.js";
import type { Open } from "../types.js";
import { http } from "./http.js";

export const openSse: Open = (url, hello, sink) => {
  const line = http(url, sink);
  const read = async ({ body }: Response): Promise<void> => {
    const reader = body!.getReader();
    const decoder = new TextDecoder();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return line.end(NO_BYE);
      const lines = (text + decoder.decode(value, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const event of lines) if (event.startsWith("data:")) line.take(JSON.parse(event.slice(5)));
    }
  };
  void line.post("sse", JSON.stringify(hello()), read);
  return line.transport;
};
