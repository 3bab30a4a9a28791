/** The result of an announce to another tracker: its parsed reply, or the kind of failure. */
import type { Address } from "../model/address.ts";

/**
 * Why there is no reply:
 * - `url`: the URL is not allowed (scheme, userinfo, host, characters, length), or it is udp without UDP fields
 * - `port`: the port is not allowed; `address`: the guard refused all addresses of the host
 * - `busy`: a limit of this client, or of the host, is reached; `closed`: this client is closed
 * - `dns`: the host has no address, or no name server replied
 * - `refused`, `unreachable`, `tls`: the connection was not established
 * - `cut`: it was closed before a reply; `incomplete`: it was closed during the reply
 * - `timeout`: no reply in time
 * - `redirect`: too many redirects, or one that is not to an announce; `status`: an HTTP error status
 * - `headers`, `too large`, `encoding`: headers or body beyond the limits, or a body that cannot be decompressed
 * - `not HTTP`, `not bencode`, `not an announce`: a malformed reply. Peers of the wrong length are `not an announce`.
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

/** Why there is no reply. */
export interface NoReply {
  readonly kind: FailureKind;
  /** The HTTP status, when `kind` is `status`; else 0. */
  readonly status: number;
}

/** An announce without a reply. */
interface Failure extends NoReply {
  readonly answered: false;
  /** Milliseconds since the call. */
  readonly latencyMs: number;
}

/** A tracker's reply. Missing and invalid fields are undefined. */
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
  /** Text without control characters, at most 512 characters: safe for the log and for clients. */
  readonly failureReason: string | undefined;
  readonly warningMessage: string | undefined;
  /** At most 256 bytes, to be sent back unchanged. */
  readonly trackerId: Uint8Array | undefined;
  /** BEP 24: the address from which the tracker received the announce. */
  readonly externalAddress?: Address | undefined;
  /** BEP 31: seconds until the next attempt, Infinity for "never". Only with a `failureReason`. */
  readonly retryIn: number | undefined;
}

/** An announce with a reply, which may be a failure reason. */
export interface Answer extends TrackerReply {
  readonly answered: true;
  readonly latencyMs: number;
}

/** The result of {@link TrackerClient.announce}. */
export type Outcome = Answer | Failure;

/** A failure without an HTTP status. */
export function noReply(kind: FailureKind): NoReply {
  return { kind, status: 0 };
}

/** Peers per family that are taken from a reply; the rest is dropped. */
export const PEERS_LIMIT = 2000;
