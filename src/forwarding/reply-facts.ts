/** Interprets the answer of an upstream tracker: its intervals, its peers and their expiry, and the recipients. */
import type { CircuitBreaker } from "../client/circuit-breaker.ts";
import type { Answer, NoReply } from "../client/outcome.ts";
import { Address, type Family, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { canBePeer, isSpecialPurpose } from "../network/special-purpose.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";
import { encodeWords, type UpstreamReply } from "../tasks/upstream-reply.ts";
import { namesAddress } from "./forwarded-announcement.ts";

/** The interval when an answer has none, and the accepted range. Seconds. */
const INTERVAL = { usual: 1800, least: 60, most: 86_400 } as const;

/** The part of the interval by which a client may come early: clients keep intervals inexactly. */
const EARLY = 0.1;

/** Peers expire after so many intervals: until the next answer, the old ones are returned. */
const KEPT_INTERVALS = 2;

/** The maximum time until peers expire, whatever the interval: it limits how long false peers stay. Seconds. */
export const KEPT_MOST = 7200;

/** The minimum time after a failure before clients of the same swarm wait for the tracker again. Seconds. */
const LEAST_RETRY = 30;

/** An HTTP status (RFC 6585 4). */
const TOO_MANY_REQUESTS = 429;

const NOTHING = new Uint8Array(0);

/** Counts of the peers in answers, and of the rejected ones by reason. */
export class NamedCounts {
  named = 0;
  /** Addresses of this tracker. */
  trackers = 0;
  /** Private addresses, which are not reachable from here. */
  private = 0;
  /** Addresses and ports that cannot be a peer. */
  unusable = 0;
}

/** When to ask again, in seconds. */
export interface AnswerTimes {
  /** Seconds between announces that the tracker asks for; 0 when it refuses earlier requests (tasks/ask-times.ts). */
  readonly interval: number;
  /** When the swarm is due, or undefined if the answer does not say, and when the client is due. */
  readonly swarm: number | undefined;
  readonly client: number;
  /** When the peers expire. */
  readonly expiresAt: number;
}

/** Derives from an answer when to ask again. */
export function timesOf(answer: Answer, now: number): AnswerTimes {
  const interval = within(answer.interval ?? INTERVAL.usual);
  const least = answer.minInterval === undefined ? 0 : within(answer.minInterval);
  const expiresAt = now + Math.min(KEPT_INTERVALS * interval, KEPT_MOST);
  if (answer.failureReason !== undefined) {
    // The refusal may concern this client alone, for example its passkey. The retry time of BEP 31 is also that of one
    // request. So other clients of the swarm still ask for themselves.
    const { retryIn } = answer;
    const client = now + within(retryIn ?? interval);
    return { interval: retryIn === undefined ? interval : 0, swarm: undefined, client, expiresAt };
  }
  return {
    interval,
    // Before the peers expire, unless the tracker forbids it.
    swarm: now + (least || Math.min(interval, KEPT_MOST / KEPT_INTERVALS)),
    client: now + Math.max(least, Math.floor(interval * (1 - EARLY))),
    expiresAt,
  };
}

/** Whether a failure is the fault of the tracker and not of the request: no client can make it back off for others. */
export function isItsFault({ kind, status }: NoReply): boolean {
  if (kind === "busy" || kind === "closed" || kind === "url") return false;
  return kind !== "status" || status < 400 || status >= 500 || status === TOO_MANY_REQUESTS;
}

/** Seconds until the next request about a swarm after a failure. */
export function retryAfter(breaker: CircuitBreaker, nowMs: number): number {
  return Math.max(LEAST_RETRY, Math.ceil((breaker.openUntilMs - nowMs) / 1000));
}

/**
 * The usable peers of an answer. Removed are addresses of this tracker, which upstream trackers mistake for a peer because
 * it announces, and private addresses, which belong to other hosts here.
 */
export function peersOf(
  { peers, peers6 }: Answer,
  isOurs: (address: Address) => boolean,
  counts: NamedCounts,
): Pick<UpstreamReply, "peers" | "peers6"> {
  return { peers: without(peers, 4, isOurs, counts), peers6: without(peers6, 6, isOurs, counts) };
}

/** Whether the external address in an answer (BEP 24) is that of this tracker, and not the client's from the query. */
export function seesUs({ externalAddress }: Answer, { address, path }: ForwardTask): boolean {
  return (
    externalAddress !== undefined && !externalAddress.equals(address) && !namesAddress(path.split(/[?&]/))
  );
}

/** The reply to the client of the request. */
export function replyForSender(
  answer: Answer,
  isObserved: boolean,
  found: Pick<UpstreamReply, "peers" | "peers6">,
): UpstreamReply {
  return { ...replyForOthers(answer), ...encodeWords(answer), ...(isObserved ? found : {}) };
}

/** The reply to other clients that wait for the same swarm. */
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
