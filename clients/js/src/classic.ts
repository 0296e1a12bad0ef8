/**
 * `/live.js`: the same code as a classic script. It exposes `window.LiveMessage` and connects by itself when the page holds a
 * ticket (live 11.4).
 *
 * Promise: `<script id="crier-ticket" type="application/json">` is the first ticket, `data-ticket-url` of this script's tag the
 * address that gives further ones; without a ticket element nothing is opened until `LiveMessage.connect` is called.
 */
import { LiveMessage } from "./live_message.js";
import type { Options, Ticket } from "./types.js";

const script = document.currentScript as HTMLScriptElement | null;
const address = script && script.dataset.ticketUrl;

const renew = async (): Promise<Ticket> => {
  const answer = await fetch(address!, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error("ticket address answered " + answer.status);
  return answer.json();
};

const connect = (): boolean => {
  const element = document.getElementById("crier-ticket");
  if (!element) return false;
  const options: Options = { ticket: JSON.parse(element.textContent || "null") };
  if (address) options.renew = renew;
  LiveMessage.connect(options);
  return true;
};

(window as unknown as { LiveMessage: typeof LiveMessage }).LiveMessage = LiveMessage;
// The element may stand below this script.
if (!connect() && document.readyState !== "complete") document.addEventListener("DOMContentLoaded", connect, { once: true });
