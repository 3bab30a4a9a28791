/** An upstream tracker's reply to a client, passed from the control plane into the answer of the data plane. */
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import { ascii } from "../wire/ascii.ts";

/** Plain data, which can be sent between threads. Seconds. Fields that the upstream tracker left out are 0 or empty. */
export interface UpstreamReply {
  readonly interval: number;
  readonly complete: number;
  readonly incomplete: number;
  /** A whole answer with the `failure reason`, for a client that gets no peers. */
  readonly failure: Uint8Array;
  /** `tracker id` and `warning message` as bencoded keys and values, for every other client. */
  readonly more: Uint8Array;
  /** Compact peers that the client gets in any case: those of a tracker that is only observed. */
  readonly peers: Uint8Array;
  readonly peers6: Uint8Array;
}

/** Whether a deferred request was resumed with the reply of an upstream tracker: engines do not know its type. */
export function isUpstreamReply(reply: unknown): reply is UpstreamReply {
  return typeof reply === "object" && reply !== null && "failure" in reply && "more" in reply;
}

/** The shortest interval that is taken from an upstream tracker, in seconds. */
const LEAST_INTERVAL = 60;

/** Shortens the interval of an answer to that of the upstream tracker. @param interval 0 if unknown. */
export function shortenInterval(response: AnnounceResponse, interval: number): void {
  if (interval === 0 || interval >= response.interval) return;
  response.interval = Math.max(interval, LEAST_INTERVAL);
  response.minInterval = Math.min(response.minInterval, response.interval);
}

/** Adds the upstream tracker's counts to an answer, and its peers as far as there is room. */
export function addUpstreamReply(response: AnnounceResponse, reply: UpstreamReply): void {
  response.complete = Math.max(response.complete, reply.complete);
  response.incomplete = Math.max(response.incomplete, reply.incomplete);
  response.peerCount = addPeers(response.peers, response.peerCount, reply.peers, COMPACT_BYTES[4]);
  response.peer6Count = addPeers(response.peers6, response.peer6Count, reply.peers6, COMPACT_BYTES[6]);
}

/** Adds peers that the reply does not have yet. @returns the number of all peers. */
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

/** Bencodes the texts of a reply: `failure` and `more` of {@link UpstreamReply}. */
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
