/**
 * The LiveMessage object of 2008 (live 11.2; seed: LiveMessage.send, "initialize the LiveMessage FBJS object").
 *
 * Promise: the object's calls behave as they did for the applications of the time, on top of one connection that all objects
 * of the page share. What is wrong with a call is thrown as a string.
 */
import { call } from "./events.js";
import { Client } from "./live.js";
import type { Info, Live, Options } from "./types.js";

const shared = new Client();

type Success = (recipient: string, message: unknown) => void;
type Failure = (code: number, text: string, recipient: string, message: unknown) => void;

export class LiveMessage {
  private readonly event: string;
  private onSuccess: Success | null = null;
  private onError: Failure | null = null;
  private dropShutdown: () => void = () => undefined;
  private dropRestart: () => void = () => undefined;

  /** Opens the page's connection, unless it is open: then this is that one. */
  static connect(options: Options): Live {
    return shared.idle ? shared.start(options) : shared;
  }

  /** Registers the callback for the event at once; a later object for the same event replaces it. */
  constructor(event: string, callback?: ((value: unknown, info: Info) => unknown) | null) {
    if (event === undefined || event === null || event === "") throw "LiveMessage: an event name is required";
    this.event = String(event);
    if (callback) shared.on(this.event, (value, info) => callback.call(this, value, info));
  }

  /** Sends any value as its JSON text. */
  send(recipient: string, message?: unknown): void {
    if (recipient === undefined || recipient === null || recipient === "") throw "LiveMessage.send: a recipient is required";
    shared.submit(
      { recipient, event: this.event, message },
      () => call(() => this.onSuccess && this.onSuccess(recipient, message)),
      (code, text) => call(() => this.onError && this.onError(code, text, recipient, message)),
    );
  }

  setSendSuccessHandler(fn: Success | null): this {
    this.onSuccess = fn;
    return this;
  }

  setSendErrorHandler(fn: Failure | null): this {
    this.onError = fn;
    return this;
  }

  setShutdownHandler(fn: (() => void) | null): this {
    this.dropShutdown();
    if (fn) this.dropShutdown = shared.shutdown.add(() => fn.call(this));
    return this;
  }

  setRestartHandler(fn: (() => void) | null): this {
    this.dropRestart();
    if (fn) this.dropRestart = shared.restart.add(() => fn.call(this));
    return this;
  }
}
