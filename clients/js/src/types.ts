/**
 * What the page and the server say to each other: the public types of the package and the frames of the wire.
 *
 * Promise: shapes only. Field names of frames are the wire's; those of the public types are the page's.
 */

/** The answer of `liveMessage.createTicket`, handed to the page as it is (live 3.2). */
export type Ticket = {
  ticket: string;
  expires: number;
  url: string;
  api_key: string;
  app: string;
  user: string;
  epoch: string;
  seq: number;
};

/** The transports by name, best first (live 11.6). */
export type TransportName = "ws" | "sse" | "poll";

/** What `connect` is told. */
export type Options = {
  /** The ticket that the application's server put into the page, or a function that fetches one. */
  ticket: Ticket | (() => Promise<Ticket>);
  /** Fetches a fresh ticket when the span of the old one ends; without it `ticket` is asked again if it is a function. */
  renew?: () => Promise<Ticket>;
  transports?: TransportName[];
  /** `false` gives up messages that no page has handled before this one registered (live 1.3 c). */
  inherit?: boolean;
};

/** What is known of a message beside its value. Sender, application and time are stamped by the server. */
export type Info = {
  id: string;
  seq: number;
  event: string;
  from: string;
  via: "app" | "user";
  app: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  /** The text exactly as it was sent. */
  raw: string;
  /** An earlier page may have started it and vanished. */
  redelivered: boolean;
};

/** The outcome object of an accepted send (live 7.1). */
export type Sent = {
  id: string;
  seq: number;
  epoch: string;
  state: string;
  pages: number;
  handlers: number;
  written: number;
  acked: number;
  expires_at: number;
};

/** Messages `from` to `to` (`null`: unknown) may have been missed. */
export type Gap = {
  from: number;
  to: number | null;
  reason: "overflow" | "expired" | "epoch" | "damaged";
};

export type SendOptions = { ttl?: number; collapseKey?: string; fanout?: "all" | "one" | "focused" };

export type State = "connecting" | "open" | "waiting" | "closed";

/** A page's live connection. */
export interface Live {
  /** Registers the one handler of an event; the last one wins. Returns its removal. */
  on(event: string, handler: (value: unknown, info: Info) => unknown): () => void;
  onGap(fn: (gap: Gap) => void): () => void;
  onState(fn: (state: State, code?: number) => void): () => void;
  /** Sends to a user of the same application. Rejects with a `LiveError`. */
  send(recipient: string, event: string, message: unknown, options?: SendOptions): Promise<Sent>;
  /** Resolves at the first welcome; rejects with a `LiveError` if the connection is closed for good before it. */
  readonly ready: Promise<void>;
  close(): void;
}

/** The server's code and text of a refused send, or the bye code that closed the connection for good. */
export class LiveError extends Error {
  readonly code: number;
  readonly text: string;
  constructor(code: number, text: string) {
    super(text);
    this.name = "LiveError";
    this.code = code;
    this.text = text;
  }
}

/** One frame as it stands on the wire (live 4.2, 4.3): `type` and whatever fields that type has. */
export type Frame = { type: string } & Record<string, unknown>;

/** A `message` frame. */
export type MessageFrame = {
  type: "message";
  id: string;
  seq: number;
  event: string;
  from: string;
  via: "app" | "user";
  app: string;
  sent_at: number;
  raw: string;
  data?: unknown;
  pages?: string[];
  redelivered?: boolean;
};

/** What a transport tells its owner. After `ended` it says nothing more. */
export type Sink = {
  /** A frame has come, in order. */
  frame(frame: Frame): void;
  /** The connection is over: a bye code of live 4.6, 0 when there was no bye, and the milliseconds the server asks us to wait. */
  ended(code: number, retryAfter: number): void;
};

/** One open transport, from `hello` to its end. */
export interface Transport {
  send(frames: Frame[]): void;
  /** Ends it without a word to the sink; `last` is still written, if the transport is open, also while the page goes. */
  close(last?: Frame[]): void;
}

/** The address of a door below the ticket's `url`, with the application named. */
export type Url = (door: string) => string;

/** Opens a transport and says hello first, made when the transport is ready to say it. */
export type Open = (url: Url, hello: () => Frame, sink: Sink) => Transport;
