/** What an external tracker told a client, on its way from the control plane into the client's answer. */
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import { ascii } from "../wire/ascii.ts";

/** Plain data, fit for a message between threads. Seconds; 0 and empty where the tracker said nothing. */
export interface UpstreamReply {
  readonly interval: number;
  readonly complete: number;
  readonly incomplete: number;
  /** A whole answer of the `failure reason` and what goes with it, for a client that we have no peers for. */
  readonly failure: Uint8Array;
  /** `tracker id` and `warning message`, bencoded keys with their values, for all others. */
  readonly more: Uint8Array;
  /** Peers that the client is given in any case, in compact form: those of a tracker that is only observed. */
  readonly peers: Uint8Array;
  readonly peers6: Uint8Array;
}

/** Shortest interval that an external tracker is believed about, in seconds. */
const LEAST_INTERVAL = 60;

/** Has a client come back as soon as the external tracker wants it to, if that is sooner. @param interval 0 if unknown. */
export function shortenInterval(response: AnnounceResponse, interval: number): void {
  if (interval === 0 || interval >= response.interval) return;
  response.interval = Math.max(interval, LEAST_INTERVAL);
  response.minInterval = Math.min(response.minInterval, response.interval);
}

/** Adds to an answer what the external tracker counts, and the peers that it named, as far as there is room. */
export function addUpstreamReply(response: AnnounceResponse, told: UpstreamReply): void {
  response.complete = Math.max(response.complete, told.complete);
  response.incomplete = Math.max(response.incomplete, told.incomplete);
  response.peerCount = addPeers(response.peers, response.peerCount, told.peers, COMPACT_BYTES[4]);
  response.peer6Count = addPeers(response.peers6, response.peer6Count, told.peers6, COMPACT_BYTES[6]);
}

/** Adds peers that are not there yet. @returns how many there are. */
function addPeers(peers: Uint8Array, count: number, more: Uint8Array, size: number): number {
  let all = count;
  for (let at = 0; at + size <= more.length && (all + 1) * size <= peers.length; at += size) {
    if (includes(peers, count, more, at, size)) continue;
    for (let i = 0; i < size; i++) peers[all * size + i] = more[at + i];
    all++;
  }
  return all;
}

function includes(peers: Uint8Array, count: number, more: Uint8Array, at: number, size: number): boolean {
  for (let peer = 0; peer < count * size; peer += size) {
    let i = 0;
    while (i < size && peers[peer + i] === more[at + i]) i++;
    if (i === size) return true;
  }
  return false;
}

/** What {@link encodeWords} encodes. */
export interface TrackerWords {
  readonly failureReason: string | undefined;
  readonly warningMessage: string | undefined;
  readonly trackerId: Uint8Array | undefined;
  /** Seconds, Infinity for never. */
  readonly retryIn: number | undefined;
}

/** Bencodes what a tracker said in words: `failure` and `more` of {@link UpstreamReply}. */
export function encodeWords(words: TrackerWords): Pick<UpstreamReply, "failure" | "more"> {
  const { failureReason, warningMessage, trackerId, retryIn } = words;
  const more = [
    ...(trackerId === undefined ? [] : [...byteString(ascii("tracker id")), ...byteString(trackerId)]),
    ...(warningMessage === undefined
      ? []
      : [...byteString(ascii("warning message")), ...textString(warningMessage)]),
  ];
  if (failureReason === undefined) return { failure: new Uint8Array(0), more: Uint8Array.from(more) };
  // BEP 31: in minutes.
  const retry = retryIn === Number.POSITIVE_INFINITY ? "5:never" : `i${Math.ceil((retryIn ?? 0) / 60)}e`;
  const failure = [
    ...ascii("d14:failure reason"),
    ...textString(failureReason),
    ...(retryIn === undefined ? [] : ascii(`8:retry in${retry}`)),
    ...more,
    ...ascii("e"),
  ];
  return { failure: Uint8Array.from(failure), more: Uint8Array.from(more) };
}

function textString(text: string): number[] {
  return byteString(new TextEncoder().encode(text));
}

function byteString(bytes: Uint8Array): number[] {
  return [...ascii(`${bytes.length}:`), ...bytes];
}
