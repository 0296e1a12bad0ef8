/**
 * `/live-canvas.js`, beside `/live.js`: connects a page in the canvas frame by itself (live 3.4).
 *
 * Promise: the server is the one that this script came from; `data-call-id="ms"` on its tag is the unit of `call_id`, seconds
 * without it. Works before or after `/live.js`; a page whose address brings no session secret is left alone.
 */
import { canvasTicket, type CallIdUnit } from "./canvas.js";
import type { LiveMessage } from "./live_message.js";

const { src, dataset } = document.currentScript as HTMLScriptElement;
const ticket = canvasTicket(src.replace(/\/[^/]*$/, ""), dataset.callId as CallIdUnit | undefined);
const page = window as unknown as { LiveMessage?: typeof LiveMessage };

const connect = (): void => {
  if (ticket && page.LiveMessage) page.LiveMessage.connect({ ticket });
};

if (page.LiveMessage) connect();
else document.addEventListener("DOMContentLoaded", connect);
