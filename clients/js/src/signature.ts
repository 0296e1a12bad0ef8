/**
 * Signatures of version 1 (protocol 6.1), for pages that hold a session secret.
 */
import { md5 } from "./md5.js";

/** Signature version 1 over the parameters: sorted by name, joined, and the secret behind them (protocol 6.1). */
export const sign = (parameters: { [name: string]: string }, secret: string): string =>
  md5(
    Object.keys(parameters)
      .sort()
      .map((name) => name + "=" + parameters[name])
      .join("") + secret,
  );
