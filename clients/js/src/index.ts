/**
 * The package `crier-client`: the promise API of live 11.3 and the LiveMessage object of 11.2.
 */
export { connect } from "./live.js";
export { LiveMessage } from "./live_message.js";
export { LiveError } from "./types.js";
export type { Gap, Info, Live, Options, SendOptions, Sent, State, Ticket, TransportName } from "./types.js";
