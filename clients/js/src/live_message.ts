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
  private readonly _event: string;
  private _onSuccess: Success | null = null;
  private _onError: Failure | null = null;
  /** Each removes the function held. */
  private readonly _drops: { [name: string]: () => void } = {};

  /** Opens the page's connection, unless it is open: then this is that one. */
  static connect(options: Options): Live {
    return shared.idle ? shared.start(options) : shared;
  }

  /** Registers the callback for the event at once; a later object for the same event replaces it. */
  constructor(event: string, callback?: ((value: unknown, info: Info) => unknown) | null) {
    if (event === undefined || event === null || event === "") throw "LiveMessage: an event name is required";
    this._event = String(event);
    if (callback) shared.on(this._event, (value, info) => callback.call(this, value, info));
  }

  /** Sends any value as its JSON text. */
  send(recipient: string, message?: unknown): void {
    if (recipient === undefined || recipient === null || recipient === "") throw "LiveMessage.send: a recipient is required";
    shared.submit(
      { recipient, event: this._event, message },
      {
        ok: () => call(() => this._onSuccess && this._onSuccess(recipient, message)),
        fail: (code, text) => call(() => this._onError && this._onError(code, text, recipient, message)),
      },
    );
  }

  setSendSuccessHandler(fn: Success | null): this {
    this._onSuccess = fn;
    return this;
  }

  setSendErrorHandler(fn: Failure | null): this {
    this._onError = fn;
    return this;
  }

  setShutdownHandler(fn: (() => void) | null): this {
    return this._hold("shutdown", fn);
  }

  setRestartHandler(fn: (() => void) | null): this {
    return this._hold("restart", fn);
  }

  private _hold(name: "shutdown" | "restart", fn: (() => void) | null): this {
    const drop = this._drops[name];
    if (drop) drop();
    if (fn) this._drops[name] = shared[name].add(() => fn.call(this));
    return this;
  }
}
