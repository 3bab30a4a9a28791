/** What comes of announcing to another tracker: its answer as plain data, or the name of what went wrong. */
import type { Address } from "../model/address.ts";

/**
 * Why another tracker gave no answer:
 * - `url`: not a URL that is asked (scheme, userinfo, host, characters, length), or udp without its fields
 * - `port`: a port that this client is told not to use; `address`: every address of the host was refused by the guard
 * - `busy`: the limits of this client, or of this host, are reached; `closed`: this client is
 * - `dns`: the host has no address, or nobody who would know it answered
 * - `refused`, `unreachable`, `tls`: the connection was not made
 * - `cut`: it ended before there was an answer; `incomplete`: it ended amid the answer
 * - `timeout`: the answer did not come in time
 * - `redirect`: too many redirects, or one that leads to no announce; `status`: an HTTP status that is no answer
 * - `headers`, `too large`, `encoding`: headers or body beyond the limits, or a body that cannot be decompressed
 * - `not HTTP`, `not bencode`, `not an announce`: bytes that mean something else. Lists of peers whose length is wrong
 *   are `not an announce`.
 */
export type FailureKind =
  | "url"
  | "port"
  | "address"
  | "busy"
  | "closed"
  | "dns"
  | "refused"
  | "unreachable"
  | "tls"
  | "cut"
  | "incomplete"
  | "timeout"
  | "redirect"
  | "status"
  | "headers"
  | "too large"
  | "encoding"
  | "not HTTP"
  | "not bencode"
  | "not an announce";

/** Why there is no answer. */
export interface NoReply {
  readonly kind: FailureKind;
  /** The HTTP status, when `kind` is `status`; else 0. */
  readonly status: number;
}

/** There is no answer. */
interface Failure extends NoReply {
  readonly answered: false;
  /** Milliseconds from the call to here. */
  readonly latencyMs: number;
}

/** What a tracker said in an answer. What it did not say, or said so that it means nothing, is undefined. */
export interface TrackerReply {
  /** Seconds, 0 to 2^31 - 1. */
  readonly interval: number | undefined;
  readonly minInterval: number | undefined;
  readonly complete: number | undefined;
  readonly incomplete: number | undefined;
  /** IPv4 peers in compact form, 6 bytes each (BEP 23), never with port 0; at most {@link PEERS_LIMIT}. */
  readonly peers: Uint8Array;
  /** IPv6 peers in compact form, 18 bytes each (BEP 7), likewise. */
  readonly peers6: Uint8Array;
  /** Text without control characters, at most 512 of them: fit for a log and for a client. */
  readonly failureReason: string | undefined;
  readonly warningMessage: string | undefined;
  /** At most 256 bytes, to be given back as they are. */
  readonly trackerId: Uint8Array | undefined;
  /** BEP 24: the address that it was asked from, or takes for the client's. */
  readonly externalAddress?: Address | undefined;
  /** BEP 31: seconds until it may be asked again, Infinity for never. Only beside a `failureReason`. */
  readonly retryIn: number | undefined;
}

/** A tracker has answered, be it with a failure reason of its own. */
export interface Answer extends TrackerReply {
  readonly answered: true;
  readonly latencyMs: number;
}

/** What {@link TrackerClient.announce} comes to. */
export type Outcome = Answer | Failure;

/** What is wrong, where there is no HTTP status that says so. */
export function noReply(kind: FailureKind): NoReply {
  return { kind, status: 0 };
}

/** Peers of each family that are taken from an answer. Those after are left out. */
export const PEERS_LIMIT = 2000;
