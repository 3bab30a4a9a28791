/** The announces that are sent, and their form. */
import { Random } from "../../src/model/random.ts";
import {
  assignSwarms,
  isComplete,
  type Population,
  peerOf,
  SOURCES,
  shuffle,
  sourceOf,
} from "./population.ts";

/** Which announces are sent. Plain data: it is sent between processes. */
export type Requests =
  /** Every peer once, in order: it starts, and wants no peers. */
  | { readonly kind: "fill"; readonly population: Population }
  /** The same peers, all stopped. If none of them is known, nothing is stored. */
  | { readonly kind: "stop"; readonly population: Population }
  /**
   * Mostly peers that announce again and want 50 peers. Some start, stop and complete. Endless.
   * `getsOn`: downloads have less left with each announce; else they always have as much left.
   */
  | { readonly kind: "mix"; readonly population: Population; readonly getsOn?: boolean }
  /** Peers of the first `swarms` swarms of equal size that announce again and want 9 peers. Endless. */
  | { readonly kind: "again"; readonly population: Population; readonly swarms: number };

/** One announce. */
interface Announce {
  readonly swarm: number;
  readonly peer: number;
  readonly left: number;
  readonly numWant: number;
  readonly event: "none" | "completed" | "started" | "stopped";
}

/** Writes an announce at an offset. @returns the end of the announce. */
export type Encode = (announce: Announce, bytes: Buffer, at: number) => number;

/**
 * Writes the next `count` requests at an offset, one after the other.
 * @returns their end; the offset itself if there are no more.
 */
export type Supply = (bytes: Buffer, at: number, count: number) => number;

/** Distinct requests of endless kinds: so many that no cache holds all that they touch. */
const POOL = 120_000;
/** Percent of the mix. Separate peers start and stop, two in each swarm. */
const CHURN = 6;
/** Percent of the peers that are complete. */
const COMPLETING = 8;
const CHURNING_PEERS = 2;

/**
 * What downloads that get on have left at first, and the part of it after each announce: trackers may store it coarsely. After
 * 350 announces a new download begins.
 */
const PROGRESS = { first: 4e9, part: 0.97, announces: 350 } as const;

const REQUEST_ROOM = 512;

/** @returns the requests of each source. */
export function supplyRequests(requests: Requests, encode: Encode): Supply[] {
  if (requests.kind === "fill" || requests.kind === "stop") {
    const swarmOf = assignSwarms(requests.population);
    const event = requests.kind === "fill" ? "started" : "stopped";
    return Array.from({ length: SOURCES }, (_, source) => supplyAll(swarmOf, event, source, encode));
  }
  const pool = requests.kind === "mix" ? mix(requests.population) : again(requests);
  const getsOn = requests.kind === "mix" && requests.getsOn === true;
  return Array.from({ length: SOURCES }, (_, source) => {
    const own = pool.filter(({ peer }) => sourceOf(peer) === source);
    return getsOn ? getOn(own, encode) : repeat(own, encode);
  });
}

function supplyAll(
  swarmOf: Uint32Array,
  event: "started" | "stopped",
  source: number,
  encode: Encode,
): Supply {
  let next = 0;
  return (bytes, at, count) => {
    for (let i = 0; i < count; i++) {
      const peer = peerOf(source, next);
      if (peer >= swarmOf.length) return at;
      next++;
      at = encode({ swarm: swarmOf[peer], peer, left: 1_000_000, numWant: 0, event }, bytes, at);
    }
    return at;
  };
}

/** All encoded requests in sequence, so that many are copied at once. */
function repeat(announces: readonly Announce[], encode: Encode): Supply {
  const encoded = Buffer.allocUnsafeSlow(announces.length * REQUEST_ROOM);
  const starts = new Uint32Array(announces.length + 1);
  for (const [i, announce] of announces.entries()) starts[i + 1] = encode(announce, encoded, starts[i]);
  let next = 0;
  return (bytes, at, count) => {
    if (next + count > announces.length) next = 0;
    const start = starts[next];
    next += count;
    return at + encoded.copy(bytes, at, start, starts[next]);
  };
}

/** All requests in sequence, and each time with less left. */
function getOn(announces: readonly Announce[], encode: Encode): Supply {
  let next = 0;
  let time = 0;
  return (bytes, at, count) => {
    for (let i = 0; i < count; i++) {
      const announce = announces[next];
      const part = PROGRESS.part ** (time % PROGRESS.announces);
      const left = announce.left === 0 ? 0 : Math.floor(PROGRESS.first * part);
      at = encode({ ...announce, left }, bytes, at);
      next = (next + 1) % announces.length;
      if (next === 0) time++;
    }
    return at;
  };
}

function mix(population: Population): Announce[] {
  const random = new Random([5, 6, 7, 8]);
  const swarmOf = assignSwarms(population);
  const step = population.peers / POOL;
  const pool = Array.from({ length: POOL }, (_, i): Announce => {
    if (random.below(100) < CHURN) {
      const swarm = random.below(population.swarms);
      const peer = population.peers + swarm + population.swarms * random.below(CHURNING_PEERS);
      const event = random.below(2) === 0 ? "started" : "stopped";
      return { swarm, peer, left: 1_000_000, numWant: 50, event };
    }
    const peer = Math.floor(i * step);
    const left = isComplete(peer) ? 0 : 1_000_000;
    const event = left === 0 && random.below(100) < COMPLETING ? "completed" : "none";
    return { swarm: swarmOf[peer], peer, left, numWant: 50, event };
  });
  shuffle(pool, random);
  return pool;
}

function again({ population, swarms }: { population: Population; swarms: number }): Announce[] {
  const random = new Random([9, 10, 11, 12]);
  return Array.from({ length: POOL }, () => {
    const swarm = random.below(swarms);
    const peer = swarm + population.swarms * random.below(population.peers / population.swarms);
    return { swarm, peer, left: 1_000_000, numWant: 9, event: "none" };
  });
}
