/**
 * The numbers a page and the server tell each other: bye codes by range (live 4.6), and the refusals that the page itself makes.
 *
 * Promise: an unknown bye code acts by its range, and an end that told no code acts as 4100.
 */

/** What the end of a Connection makes the client do. */
export const enum Then {
  /** 4000–4099: comes back with `resume` after `retry_after`. */
  Resume,
  /** 4100–4199, and every end without a bye: comes back with `resume`, backing off. */
  BackOff,
  /** 4200–4299: comes back with a new ticket, backing off. */
  NewTicket,
  /** 4300–4399: stops for good. */
  Stop,
}

/** What is told as the code when a Connection has ended without a bye. */
export const NO_BYE = 0;
export const TICKET_INVALID = 4200;
export const BAD_FRAME = 4300;
export const SUPERSEDED = 4303;

/** By the code's range. */
export const then = (code: number): Then => {
  const range = Math.floor(code / 100) - 40;
  return range >= Then.Resume && range <= Then.Stop ? range : Then.BackOff;
};

/** The code that a WebSocket's close tells: closings that tell of our own wrong bytes act as 4300. */
export const ofClose = (code: number): number =>
  [1002, 1003, 1007, 1009].includes(code) ? BAD_FRAME : code < 4000 || code > 4399 ? NO_BYE : code;

/** A code and its text. */
export type Refusal = readonly [code: number, text: string];

/** How the page refuses a send itself; the codes are the server's. */
export const UNANSWERED: Refusal = [2, "no answer came in 30 s"];
export const CLOSED: Refusal = [2, "the connection is closed"];
export const TOO_MANY: Refusal = [4, "too many sends are waiting"];
export const NO_CALLBACK: Refusal = [1100, "this page has no callback for the event"];
export const TOO_LONG: Refusal = [1102, "the message is too long"];
