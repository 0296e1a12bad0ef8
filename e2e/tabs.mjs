// An application of its own with a page on an origin of its own, whose live connection goes through a proxy that can be shut.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { administer } from "./demo.mjs";
import { until } from "./people.mjs";
import { startProxy } from "./proxy.mjs";

const PACE_MS = 15;
/** How far sending runs ahead of a page at most: what 1,000 later messages push out of a mailbox is told as a gap, and rightly so. */
const AHEAD_MAX = 400;
const LOOK_EVERY = 100;
const KNOCK_MS = 1_000;
let apps = 0;

/** The page: every run of a handler is kept where it outlives the tab, in the order of the runs, and what it was told it missed. */
const page = (demo, ticket) => `<!doctype html>
<title>Tab</title>
<script id="crier-ticket" type="application/json">${JSON.stringify(ticket)}</script>
<script src="${demo.url}/live.js" data-ticket-url="/ticket"></script>
<script>
  const tab = location.hash.slice(1);
  window.got = [];
  window.missed = [];
  window.down = 0;
  LiveMessage.connect({}).onGap((gap) => window.missed.push(gap));
  window.object = new LiveMessage("count", (value, info) => {
    window.got.push(value);
    localStorage["ran/" + value + "/" + tab] = info.redelivered ? "again" : "first";
  }).setShutdownHandler(() => (window.down += 1));
  window.object.setSendSuccessHandler(() => (window.connected = true)).send("${ticket.user}", 0);
</script>`;

/** Sets an application, its page's server and its proxy up; `ada` sends to `bo`. */
export const startTabs = async (demo) => {
  const name = `Tabs${++apps}`;
  const { api_key: apiKey, secret } = await administer(demo, `app add ${name} --owner cy`);
  const session = {};
  for (const user of ["ada", "bo"]) {
    await administer(demo, `grant add --app ${name} --user ${user}`);
    session[user] = (await administer(demo, `session add --app ${name} --user ${user}`)).session_key;
  }
  const proxy = await startProxy(demo.url);

  /** One signed call; the answer as JSON. */
  const call = async (user, method, parameters = {}) => {
    const all = { method, api_key: apiKey, session_key: session[user], call_id: `${Date.now()}.${process.hrtime.bigint()}`.slice(0, 24), v: "1.0", format: "json", ...parameters };
    const text = Object.keys(all)
      .sort()
      .map((key) => `${key}=${all[key]}`)
      .join("");
    const sig = createHash("md5").update(text + secret).digest("hex");
    const answer = await fetch(`${demo.url}/restserver.php`, { method: "POST", body: new URLSearchParams({ ...all, sig }) });
    return answer.json();
  };
  const ticket = async () => {
    const answer = await call("bo", "liveMessage.createTicket");
    if (!answer.ticket) throw new Error(JSON.stringify(answer));
    return { ...answer, url: answer.url.replace(demo.url, proxy.url) };
  };
  const server = createServer(async (asked, answer) => {
    const bodies = { "/": async () => page(demo, await ticket()), "/ticket": async () => JSON.stringify(await ticket()) };
    const body = await (bodies[asked.url] ?? (async () => "elsewhere"))().catch(String);
    answer.writeHead(200, { "Content-Type": asked.url === "/ticket" ? "application/json" : "text/html; charset=utf-8" }).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  await administer(demo, `app set ${name} call_id=ignored origins=${url}`);

  let sent = 0;
  const send = async (parameters) => {
    const answer = await call("ada", "liveMessage.send", { recipient: demo.uids.bo, event_name: "count", message: String(++sent), ...parameters });
    if (answer !== true && answer.state !== "acked") throw new Error(`message ${sent}: ${JSON.stringify(answer)}`);
  };
  return {
    name,
    url,
    proxy,
    call,
    send,
    /** How many numbers have been sent. */
    sent: () => sent,
    /** Sends numbers, one after the other, until told to stop; with a reader no more than `AHEAD_MAX` ahead of that page. */
    keepSending: (parameters, reader) => {
      let stopped = false;
      const run = (async () => {
        while (!stopped) {
          const ran = () => reader.evaluate(() => window.got.at(-1));
          if (reader && sent % LOOK_EVERY === 0) await until(ran, (last) => stopped || last >= sent + LOOK_EVERY - AHEAD_MAX);
          await send(parameters);
          await new Promise((done) => setTimeout(done, PACE_MS));
        }
      })();
      // Told when it is stopped.
      run.catch(() => undefined);
      return () => {
        stopped = true;
        return run;
      };
    },
    /** A connected tab; `context` is shared by the tabs of one browser. */
    open: async (context, tab = "only") => {
      const opened = await context.newPage();
      await opened.goto(`${url}/#${tab}`);
      await opened.waitForFunction(() => window.connected && window.got.includes(0));
      return opened;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await proxy.stop();
    },
  };
};

/** The numbers that the page's handler ran with, without the page's own greeting. */
export const numbers = (opened) => opened.evaluate(() => window.got.filter((one) => one !== 0));

/** Waits until the page has run so many more. */
export const more = async (opened, many) => {
  const before = await opened.evaluate(() => window.got.length);
  await opened.waitForFunction((wanted) => window.got.length >= wanted, before + many);
};

/** Until `come` has come, tells the page again and again that there is a network, so that it does not sit out waits that have grown. */
export const knocking = async (opened, come) => {
  const timer = setInterval(() => void opened.evaluate(() => window.dispatchEvent(new Event("online"))).catch(() => undefined), KNOCK_MS);
  await come.finally(() => clearInterval(timer));
};
