// A web server of the tests: the images that stories point at, put there by a test, and a page for their links.
// Whatever was not put there is 404.
import { createServer } from "node:http";

export const startOrigin = async () => {
  const files = new Map();
  const server = createServer((request, response) => {
    const file = files.get(request.url.split("?")[0]);
    response.writeHead(file ? 200 : 404, { "content-type": file?.type ?? "text/plain" });
    response.end(file?.bytes ?? "nothing here");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  // Whoever forgets to stop it is not kept waiting.
  server.unref();
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    /** How `media.dial_allow` names it. */
    dial: `127.0.0.1/32:${port}`,
    /** Puts bytes there; their address. */
    put: (path, type, bytes) => {
      files.set(path, { type, bytes });
      return `http://127.0.0.1:${port}${path}`;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
};
