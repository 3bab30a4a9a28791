/** A {@link Forwarder} whose upstream trackers reply when the test says so. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Answer, FailureKind, Outcome } from "../../src/client/outcome.ts";
import type { OutgoingAnnounce } from "../../src/client/outgoing-announce.ts";
import { Forwarder } from "../../src/forwarding/forwarder.ts";
import type { ScheduleLimits } from "../../src/forwarding/schedule.ts";
import { parseAddress } from "../../src/model/address-text.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent } from "../../src/model/announce.ts";
import type { ForeignPeers } from "../../src/store/learned-peers.ts";
import { AskTimes, allocateAskTimes } from "../../src/tasks/ask-times.ts";
import { ForwardTaskBytes } from "../../src/tasks/forward-task.ts";
import type { UpstreamReply } from "../../src/tasks/upstream-reply.ts";
import { AnnounceQuery } from "../../src/wire/announce-query.ts";
import { ascii } from "../../src/wire/ascii.ts";
import { MODE } from "../../src/wire/host-rules.ts";
import { TrackerUrl } from "../../src/wire/tracker-url.ts";

/** The time when a test begins, in seconds. */
export const START = 1_800_000_000;
/** An info-hash, in a query. */
export const HASH = "%AA".repeat(20);
/** Somebody, ourselves, and somebody's private address. */
export const PEERS = Uint8Array.from([
  45, 0, 113, 5, 0x1a, 0xe1, 46, 0, 2, 1, 0x1a, 0xe1, 10, 0, 0, 1, 0x1a, 0xe1,
]);

/** What a tracker was asked. */
interface Asked {
  readonly announcement: OutgoingAnnounce;
  answer(outcome: Outcome): Promise<void>;
}

/** What is forwarded, if not a usual announce. */
export interface TaskOptions {
  readonly client?: number;
  readonly swarm?: number;
  readonly event?: AnnounceEvent;
  readonly url?: string;
  readonly address?: string;
  readonly isObserved?: boolean;
  readonly userAgent?: string;
}

/** It, and what it has done. */
export class ForwarderRig {
  now = START;
  /** Whether the store has. */
  hasRoom = true;
  readonly asked: Asked[] = [];
  readonly learned: ForeignPeers[] = [];
  readonly resumed: { token: number; reply: UpstreamReply | undefined }[] = [];
  readonly times = new AskTimes(allocateAskTimes(4096));
  readonly forwarder: Forwarder;
  #tokens = 0;

  constructor(limits: Partial<ScheduleLimits> = {}) {
    this.forwarder = new Forwarder({
      limits: {
        maxRequests: 100,
        maxPerTracker: 50,
        maxPerAddress: 50,
        maxHeldPerAddress: 100,
        maxQueued: 100,
        maxQueuedPerTracker: 50,
        maxTrackers: 10,
        ...limits,
      },
      numWant: 200,
      times: this.times,
      announce: (announcement) => {
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        const answer = async (outcome: Outcome) => {
          resolve(outcome);
          await nextTurn();
        };
        this.asked.push({ announcement, answer });
        return promise;
      },
      learn: (peers) => {
        this.learned.push(peers);
        return this.hasRoom;
      },
      resume: (_, token, reply) => this.resumed.push({ token, reply }),
      isOurs: (address) => address.equals(parseAddress("46.0.2.1")),
      now: () => this.now,
      nowMs: () => this.now * 1000,
      fraction: () => 0.5,
    });
  }

  /** Has a task done. @returns the token of who waits for it. */
  take(options: TaskOptions = {}): number {
    this.forwarder.take(0, ++this.#tokens, taskOf(options));
    return this.#tokens;
  }
}

/** The bytes of a task. */
export function taskOf(options: TaskOptions): Uint8Array<ArrayBuffer> {
  const { client = 1, swarm = 1, event = ANNOUNCE_EVENT.none, isObserved = false } = options;
  const bytes = ascii(options.url ?? `http://t.example/ann?info_hash=${HASH}&port=6881`);
  const url = new TrackerUrl();
  assert.ok(url.parse(bytes, 0, bytes.length));
  const query = new AnnounceQuery();
  assert.equal(query.decode(url.bytes, url.queryStart, url.queryEnd), 0);
  query.request.event = event;
  query.request.address.copyFrom(parseAddress(options.address ?? "198.18.0.1"));
  const mode = isObserved ? MODE.observe : MODE.replace;
  const written = new ForwardTaskBytes();
  written.write(url, query.request, mode, Int32Array.of(swarm, swarm, 1000 + client, 1000 + client));
  const agent = ascii(options.userAgent ?? "");
  written.addUserAgent(agent, 0, agent.length);
  return written.bytes.slice(0, written.length);
}

/** A tracker's answer. */
export function answer(fields: Partial<Answer> = {}): Answer {
  return {
    answered: true,
    latencyMs: 5,
    interval: 1800,
    minInterval: undefined,
    complete: 7,
    incomplete: 3,
    peers: PEERS,
    peers6: new Uint8Array(0),
    failureReason: undefined,
    warningMessage: undefined,
    trackerId: undefined,
    retryIn: undefined,
    ...fields,
  };
}

/** None. */
export function failure(kind: FailureKind = "timeout", status = 0): Outcome {
  return { answered: false, kind, status, latencyMs: 5 };
}
