/**
 * `/live-canvas.js`, beside `/live.js`: connects a page in the canvas frame by itself (live 3.4), and with `data-api-key` on its tag
 * a page on the application's own domain, where it keeps the session that comes back from `login.php` (protocol 18.5, 19.3).
 *
 * Promise: the server is the one that this script came from; `data-call-id="ms"` on its tag is the unit of `call_id`, seconds
 * without it. Works before or after `/live.js`; a page without a session secret is left alone.
 */
import { canvasTicket, cookieTicket, keepSession, type CallIdUnit } from "./canvas.js";
import type { LiveMessage } from "./live_message.js";

const { src, dataset } = document.currentScript as HTMLScriptElement;
const server = src.replace(/\/[^/]*$/, "");
const unit = dataset.callId as CallIdUnit | undefined;
const key = dataset.apiKey;
if (key) keepSession(key);
const ticket = canvasTicket(server, unit) || (key && cookieTicket(server, key, unit));
const page = window as unknown as { LiveMessage?: typeof LiveMessage };

const connect = (): void => {
  if (ticket && page.LiveMessage) page.LiveMessage.connect({ ticket });
};

if (page.LiveMessage) connect();
else document.addEventListener("DOMContentLoaded", connect);
