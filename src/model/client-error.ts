/**
 * All errors that clients can see. The data plane passes them as numbers, so that a refusal allocates nothing; encoders
 * turn them into bytes once, at start. Other errors are only logged.
 */

/** `retryIn` of a permanent error (BEP 31). */
export const RETRY_NEVER = -1;

/** No error. */
export const OK = 0;

/** The errors by name. Values are indices of {@link CLIENT_ERRORS}. */
export const CLIENT_ERROR = {
  infoHashMissing: 1,
  infoHashLength: 2,
  infoHashHex: 3,
  infoHashRepeated: 4,
  peerIdLength: 5,
  portMissing: 6,
  portInvalid: 7,
  leftInvalid: 8,
  numWantInvalid: 9,
  scrapeMissing: 10,
  scrapeTooMany: 11,
  notAllowed: 12,
  percentEncoding: 13,
  addressInvalid: 14,
  connectionInvalid: 15,
} as const;
export type ClientErrorCode = typeof OK | (typeof CLIENT_ERROR)[keyof typeof CLIENT_ERROR];

/** An error's text for the client, and when it may retry. */
export interface ClientError {
  /** BEP 3 `failure reason`: printable ASCII. */
  readonly reason: string;
  /** BEP 31 `retry in`: minutes, or {@link RETRY_NEVER}. */
  readonly retryIn: number;
}

/** Indexed by code; index 0 ({@link OK}) is never sent. */
export const CLIENT_ERRORS: readonly ClientError[] = [
  { reason: "", retryIn: 0 },
  { reason: "info_hash is missing", retryIn: RETRY_NEVER },
  { reason: "info_hash must be exactly 20 bytes", retryIn: RETRY_NEVER },
  {
    reason: "info_hash is in hexadecimal; it must be the 20 bytes themselves, %-escaped",
    retryIn: RETRY_NEVER,
  },
  { reason: "info_hash must be given once", retryIn: RETRY_NEVER },
  { reason: "peer_id must be exactly 20 bytes", retryIn: RETRY_NEVER },
  { reason: "port is missing", retryIn: RETRY_NEVER },
  { reason: "port must be a number from 1 to 65535", retryIn: RETRY_NEVER },
  { reason: "left must be a number of bytes", retryIn: RETRY_NEVER },
  { reason: "numwant must be a number", retryIn: RETRY_NEVER },
  { reason: "scrape needs at least one info_hash; a full scrape is not offered", retryIn: RETRY_NEVER },
  { reason: "scrape takes at most 74 info_hash at once", retryIn: RETRY_NEVER },
  { reason: "this torrent is not served here", retryIn: RETRY_NEVER },
  { reason: "a %-escape is broken", retryIn: RETRY_NEVER },
  { reason: "ip, ipv4 or ipv6 is not an address", retryIn: RETRY_NEVER },
  // Short: a UDP error must not be longer than the shortest scrape, which has 36 bytes; 8 are the error's header.
  { reason: "connection id is not valid", retryIn: 0 },
];
