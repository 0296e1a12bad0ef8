// A proxy between pages and the server whose doors can be shut: the browser sees real failures, not intercepted requests.
//
// A door is `ws`, `sse`, `poll` or `frames`. Shutting one also breaks what is open on it, as a network that changes does.
import { createServer, request } from "node:http";
import { connect } from "node:net";

const doorOf = (url) => url.match(/\/live\/(\w+)/)?.[1] ?? "";

/** Stands before the server at `url`. */
export const startProxy = async (url) => {
  const { hostname, port } = new URL(url);
  const shut = new Map();
  const unanswered = new Set();
  /** Connections of pages that are open now, by door. */
  const open = new Map();
  let changed = () => undefined;
  const track = (door, ...ends) => {
    const entry = { door, cut: () => ends.forEach((end) => end.destroy()) };
    // What nobody takes any more would keep the other end from ever seeing that this one has closed.
    ends[1].once("close", () => ends[0].destroySoon?.());
    open.set(ends[0], entry);
    ends[0].once("close", () => {
      open.delete(ends[0]);
      entry.cut();
      changed();
    });
    changed();
  };
  /** True when the door is shut: the connection is broken, or left without an answer. */
  const refused = (door, socket) => {
    const how = shut.get(door);
    if (how === "break") socket.destroy();
    if (how === "hang") unanswered.add(socket);
    return how !== undefined;
  };
  const server = createServer((asked, answer) => {
    const door = doorOf(asked.url);
    if (refused(door, asked.socket)) return;
    const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      answer.flushHeaders();
      got.pipe(answer);
    });
    onward.on("error", () => asked.socket.destroy());
    track(door, answer, onward);
    asked.pipe(onward);
  });
  server.on("upgrade", (asked, socket, head) => {
    const door = doorOf(asked.url);
    socket.on("error", () => socket.destroy());
    if (refused(door, socket)) return;
    const onward = connect(Number(port), hostname, () => {
      const lines = asked.rawHeaders.flatMap((value, at, all) => (at % 2 ? [] : [`${value}: ${all[at + 1]}`]));
      onward.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    track(door, socket, onward);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const count = (door) => [...open.values()].filter((one) => one.door === door).length;
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** How many connections of pages are open on the door. */
    count,
    /** Shuts doors by breaking what knocks (`break`) or by leaving it without an answer (`hang`). */
    shut: (how, ...doors) => {
      for (const door of doors) shut.set(door, how);
      for (const one of [...open.values()]) if (doors.includes(one.door)) one.cut();
    },
    /** Opens every door. */
    unshut: () => shut.clear(),
    /** Resolves when exactly the named doors have an open connection, as many as said. */
    until: (wanted) =>
      new Promise((done) => {
        changed = () => Object.entries(wanted).every(([door, many]) => count(door) === many) && done();
        changed();
      }),
    stop: async () => {
      for (const one of [...open.values()]) one.cut();
      for (const socket of unanswered) socket.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
