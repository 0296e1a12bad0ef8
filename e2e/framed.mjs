// An application of a third party: a small server of its own, for the canvas frame.
import { createServer } from "node:http";

/**
 * An application on an origin of its own: a page that listens, one that tries to break out, one that leads back to the site, one
 * that keeps its session in cookies, and one without script. `asked` holds what it was asked for.
 */
export const application = async (demo, host = "127.0.0.1") => {
  const own = (key) => `<!doctype html><title>Own</title><script src="${demo.url}/live.js"></script><script src="${demo.url}/live-canvas.js" data-api-key="${key}"></script>
      <script>window.got = []; window.message = new LiveMessage("hello", (value) => window.got.push(value));</script>`;
  const asked = [];
  const pages = {
    "/": `<!doctype html><title>App</title><p id="state">closed</p><script src="${demo.url}/live.js"></script><script src="${demo.url}/live-canvas.js"></script>
      <script>window.got = []; window.message = new LiveMessage("hello", (value) => { window.got.push(value); document.querySelector("#state").textContent = "got"; });</script>`,
    "/out": `<!doctype html><title>Out</title><a id="top" href="http://127.0.0.1:9/" target="_top">out</a><script>
      window.tried = [];
      try { top.location = "http://127.0.0.1:9/"; window.tried.push("led away"); } catch (why) { window.tried.push(why.name); }
      try { window.tried.push(String(top.document.title)); } catch (why) { window.tried.push(why.name); }
      try { window.tried.push(String(frameElement && frameElement.sandbox)); } catch (why) { window.tried.push(why.name); }
      </script>`,
    "/plain": "<!doctype html><title>Plain</title><p>plain",
    "/away": `<!doctype html><title>Away</title><script>location = "${demo.url}/settings";</script>`,
  };
  const server = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url, "http://a");
    asked.push(request.url);
    answer.setHeader("content-type", "text/html; charset=utf-8");
    answer.end(pathname === "/own" ? own(searchParams.get("key")) : (pages[pathname] ?? ""));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://${host}:${server.address().port}`;
  return { origin, asked, stop: () => server.close() };
};

/** The frame of an open canvas page. */
export const frameOf = async (page) => {
  const element = await page.waitForSelector("iframe.canvas");
  return element.contentFrame();
};
