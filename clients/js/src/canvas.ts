/**
 * The package's `crier-client/canvas` (live 3.4): a page gets its tickets by itself, without its server: in the canvas frame from the
 * `fb_sig_*` of its address, on the application's own domain from the five cookies of its session (protocol 19.3).
 *
 * Promise: the call is signed with the session secret (`ss=1`) and made by JSONP; `call_id` keeps the unit that the application's
 * server uses, for both share one sequence. The secret leaves the page in no address.
 */
import { keptSession, type PageSession } from "./cookies.js";
import { sign } from "./signature.js";
import type { Ticket } from "./types.js";

export { forgetSession, keepSession } from "./cookies.js";

/** `call_id` not greater than the last. */
const CALL_ID_PASSED = 103;
const REPEATS_MAX = 2;
const REPEAT_FROM_MS = 50;
const REPEAT_SPAN_MS = 200;

/** Seconds with four decimals, as most clients of the time sent it, or whole milliseconds. */
export type CallIdUnit = "s" | "ms";

type Answer = Ticket | { error_code: number; error_msg: string };

let calls = 0;

/** One call by JSONP. */
const jsonp = (address: string, callback: string): Promise<Answer> =>
  new Promise((ok, fail) => {
    const script = document.createElement("script");
    const global = window as unknown as { [name: string]: unknown };
    const done = (): void => {
      delete global[callback];
      script.remove();
      // After an answer this changes nothing.
      fail(new Error("createTicket gave no answer"));
    };
    global[callback] = ok;
    script.onload = script.onerror = done;
    script.src = address;
    document.head.append(script);
  });

/** How a page with a session gets its tickets. */
const ticketsOf = (server: string, { key, session, secret }: PageSession, unit: CallIdUnit): (() => Promise<Ticket>) => {
  const ask = async (repeats: number): Promise<Ticket> => {
    const now = Date.now();
    const callback = "crierTicket" + ++calls;
    const parameters: { [name: string]: string } = {
      api_key: key,
      call_id: unit === "s" ? (now / 1000).toFixed(4) : String(now),
      callback,
      format: "json",
      method: "liveMessage.createTicket",
      session_key: session,
      ss: "1",
      v: "1.0",
    };
    parameters.sig = sign(parameters, secret);
    const answer = await jsonp(server + "/restserver.php?" + new URLSearchParams(parameters), callback);
    if (!("error_code" in answer)) return answer;
    if (answer.error_code !== CALL_ID_PASSED || !repeats) throw new Error(answer.error_code + " " + answer.error_msg);
    await new Promise((done) => setTimeout(done, REPEAT_FROM_MS + Math.random() * REPEAT_SPAN_MS));
    return ask(repeats - 1);
  };
  return () => ask(REPEATS_MAX);
};

/**
 * How a canvas page gets a ticket, for `connect({ ticket })`; nothing when the address brings no session secret.
 *
 * @param server the server's public address, without a trailing slash
 * @param unit of `call_id`, the one that the application's server uses
 */
export const canvasTicket = (server: string, unit: CallIdUnit = "s"): (() => Promise<Ticket>) | undefined => {
  const query = new URLSearchParams(location.search);
  const [key, session, secret] = ["api_key", "session_key", "ss"].map((name) => query.get("fb_sig_" + name)) as [string, string, string];
  return secret && session && key ? ticketsOf(server, { key, session, secret }, unit) : undefined;
};

/**
 * How a page on the application's own domain gets a ticket from the five cookies; nothing when they are not there.
 *
 * @param server the server's public address, without a trailing slash
 * @param key the application's api_key
 * @param unit of `call_id`, the one that the application's server uses
 */
export const cookieTicket = (server: string, key: string, unit: CallIdUnit = "s"): (() => Promise<Ticket>) | undefined => {
  const kept = keptSession(key);
  return kept && ticketsOf(server, kept, unit);
};
