/** What an external tracker's answer means here: for when, for whom, and for how long. */
import type { CircuitBreaker } from "../client/circuit-breaker.ts";
import type { Answer, NoReply } from "../client/outcome.ts";
import { Address, type Family, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { canBePeer, isSpecialPurpose } from "../network/special-purpose.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";
import { encodeWords, type UpstreamReply } from "../tasks/upstream-reply.ts";
import { namesAddress } from "./forwarded-announcement.ts";

/** Of a tracker that names none, and what is believed of one that does. Seconds. */
const INTERVAL = { usual: 1800, least: 60, most: 86_400 } as const;

/** A client that comes back this much earlier than its interval is due all the same: intervals differ a little. */
const EARLY = 0.1;

/** Peers are kept over so many intervals: while the tracker is asked again, the old ones are given. */
const KEPT_INTERVALS = 2;

/** But never for longer than this, whatever interval the tracker names: if they are false, not for longer either. Seconds. */
export const KEPT_MOST = 7200;

/** Where a tracker fails, clients of the same torrent do not wait for it again before this. Seconds. */
const LEAST_RETRY = 30;

/** An HTTP status (RFC 6585 4). */
const TOO_MANY_REQUESTS = 429;

const NOTHING = new Uint8Array(0);

/** Peers that answers have named, and those among them that were not taken. */
export class NamedCounts {
  named = 0;
  /** Ourselves. */
  trackers = 0;
  /** Reached only near whoever has them. */
  private = 0;
  /** Nobody's. */
  unusable = 0;
}

/** When to ask again, in seconds. */
export interface AnswerTimes {
  /** Seconds between announces, as the tracker wants it; 0 when nothing is to be had from it before (tasks/ask-times.ts). */
  readonly interval: number;
  /** When the swarm is due, undefined if nothing was said about it, and when the client is. */
  readonly swarm: number | undefined;
  readonly client: number;
  /** When the peers are to be forgotten. */
  readonly expiresAt: number;
}

/** Reads from an answer when to ask again. */
export function timesOf(answer: Answer, now: number): AnswerTimes {
  const interval = within(answer.interval ?? INTERVAL.usual);
  const least = answer.minInterval === undefined ? 0 : within(answer.minInterval);
  const expiresAt = now + Math.min(KEPT_INTERVALS * interval, KEPT_MOST);
  if (answer.failureReason !== undefined) {
    // It may have refused this client alone, for its passkey: others are to hear for themselves. BEP 31, too, says when
    // "the request" can be repeated, which was this client's.
    const { retryIn } = answer;
    const client = now + within(retryIn ?? interval);
    return { interval: retryIn === undefined ? interval : 0, swarm: undefined, client, expiresAt };
  }
  return {
    interval,
    // Before its peers are forgotten, unless it forbids that.
    swarm: now + (least || Math.min(interval, KEPT_MOST / KEPT_INTERVALS)),
    client: now + Math.max(least, Math.floor(interval * (1 - EARLY))),
    expiresAt,
  };
}

/** Whether a failure speaks against the tracker, and not against what it was asked: nobody can have it left alone for others. */
export function isItsFault({ kind, status }: NoReply): boolean {
  if (kind === "busy" || kind === "closed" || kind === "url") return false;
  return kind !== "status" || status < 400 || status >= 500 || status === TOO_MANY_REQUESTS;
}

/** Seconds after which a tracker is asked about a swarm again that could not be asked. */
export function retryAfter(breaker: CircuitBreaker, nowMs: number): number {
  return Math.max(LEAST_RETRY, Math.ceil((breaker.openUntilMs - nowMs) / 1000));
}

/**
 * The peers of an answer, but for this tracker itself, which other trackers take for one as it asks them, and for
 * addresses that mean something only near whoever has them: here they would be somebody else's.
 */
export function peersOf(
  { peers, peers6 }: Answer,
  isOurs: (address: Address) => boolean,
  counts: NamedCounts,
): Pick<UpstreamReply, "peers" | "peers6"> {
  return { peers: without(peers, 4, isOurs, counts), peers6: without(peers6, 6, isOurs, counts) };
}

/** Whether the address that a tracker names (BEP 24) is ours, and not the one that it was told of the client. */
export function seesUs({ externalAddress }: Answer, { address, path }: ForwardTask): boolean {
  return (
    externalAddress !== undefined && !externalAddress.equals(address) && !namesAddress(path.split(/[?&]/))
  );
}

/** What is told to the client that was asked for. */
export function replyForSender(
  answer: Answer,
  isObserved: boolean,
  found: Pick<UpstreamReply, "peers" | "peers6">,
): UpstreamReply {
  return { ...replyForOthers(answer), ...encodeWords(answer), ...(isObserved ? found : {}) };
}

/** What is told to others who wait for the same torrent. */
export function replyForOthers({ interval, complete, incomplete }: Answer): UpstreamReply {
  return {
    interval: interval ?? 0,
    complete: complete ?? 0,
    incomplete: incomplete ?? 0,
    failure: NOTHING,
    more: NOTHING,
    peers: NOTHING,
    peers6: NOTHING,
  };
}

function within(seconds: number): number {
  return Math.min(Math.max(seconds, INTERVAL.least), INTERVAL.most);
}

function without(
  peers: Uint8Array,
  family: Family,
  isOurs: (address: Address) => boolean,
  counts: NamedCounts,
): Uint8Array {
  const size = COMPACT_BYTES[family];
  const address = new Address();
  const kept: number[] = [];
  for (let at = 0; at + size <= peers.length; at += size) {
    if (family === 4) address.setIPv4(readWord(peers, at));
    else address.setBytes(peers, at);
    counts.named++;
    if (isOurs(address)) counts.trackers++;
    else if (!canBePeer(address, (peers[at + size - 2] << 8) | peers[at + size - 1])) counts.unusable++;
    else if (isSpecialPurpose(address)) counts.private++;
    else kept.push(...peers.subarray(at, at + size));
  }
  return kept.length === peers.length ? peers : Uint8Array.from(kept);
}
