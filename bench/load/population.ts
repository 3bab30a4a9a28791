/** Who announces: made-up swarms and peers, the same in every process that asks for the same population. */
import { Random } from "../../src/model/random.ts";

/** A number of peers, in a number of swarms. Plain data: it travels between processes. */
export interface Population {
  /** Different populations have different info-hashes. */
  readonly seed: number;
  readonly swarms: number;
  readonly peers: number;
  /**
   * equal: the same number of peers in every swarm. uniform: between one and twice the mean. zipf: the size falls
   * with the rank of the swarm. Except with equal, peers come in random order.
   */
  readonly sizes: "equal" | "uniform" | "zipf";
  /**
   * What tells peers apart. source: the address they announce from, one of {@link SOURCES}, and their port, so that
   * there are 1.6 million at most. ip: the address they say they have, which the server must believe.
   */
  readonly distinctBy: "source" | "ip";
}

const MANY: Population = { seed: 1, swarms: 500_000, peers: 2_000_000, sizes: "equal", distinctBy: "ip" };
const QUICK_DIVISOR = 20;

/** Half a million swarms of four peers. @param quick a part of them, to see that all works. */
export function manySwarms(quick: boolean): Population {
  const divisor = quick ? QUICK_DIVISOR : 1;
  return { ...MANY, swarms: MANY.swarms / divisor, peers: MANY.peers / divisor };
}

const FEW: Population = { seed: 1, swarms: 20_000, peers: 60_000, sizes: "zipf", distinctBy: "source" };

/** Twenty thousand swarms, large ones few. @param quick a part of them, to see that all works. */
export function fewSwarms(quick: boolean): Population {
  const divisor = quick ? QUICK_DIVISOR : 1;
  return { ...FEW, swarms: FEW.swarms / divisor, peers: FEW.peers / divisor };
}

/** Addresses that are announced from. */
export const SOURCES = 32;
const PORTS = 50_000;
const FIRST_PORT = 10_000;
const SWARM_PORT = 51_413;
/** One of so many peers is complete. */
const SEEDS = 4;

/** The number of the address that a peer announces from. */
export function sourceOf(peer: number): number {
  return (peer + Math.floor(peer / SOURCES)) % SOURCES;
}

/** The peers of a source, by their number among them. */
export function peerOf(source: number, index: number): number {
  return index * SOURCES + ((source - (index % SOURCES) + SOURCES) % SOURCES);
}

/** The port of a peer, of five digits. */
export function portOf({ distinctBy }: Population, peer: number): number {
  return distinctBy === "ip" ? SWARM_PORT : FIRST_PORT + (Math.floor(peer / SOURCES) % PORTS);
}

/** The address that a peer says it has, public and 15 characters long, one for each of 30 million: 130.100.100.100. */
export function addressOf(peer: number): [number, number, number, number] {
  const part = (divisor: number) => 100 + (Math.floor(peer / divisor) % 100);
  return [30 + part(1_000_000), part(10_000), part(100), part(1)];
}

/** Whether a peer is complete. */
export function isComplete(peer: number): boolean {
  return Math.floor(peer / SOURCES) % SEEDS === 0;
}

/** The prefix of one source's address. */
export function sourcePrefix(source: number): string {
  return `127.1.${source}.0/24`;
}

/** @returns the swarm of each peer, by the peer's number, which is also the order they come in. */
export function assignSwarms({ seed, swarms, peers, sizes }: Population): Uint32Array {
  const swarmOf = new Uint32Array(peers);
  if (sizes === "equal") return swarmOf.map((_, peer) => peer % swarms);
  const random = new Random([peers, swarms, seed, 4]);
  let peer = 0;
  while (peer < Math.min(swarms, peers)) swarmOf[peer] = peer++;
  if (sizes === "uniform") {
    const most = 2 * (peers / swarms - 1);
    for (let swarm = 0; swarm < swarms; swarm++) {
      for (let more = random.below(most + 1); more > 0 && peer < peers; more--) swarmOf[peer++] = swarm;
    }
    while (peer < peers) swarmOf[peer++] = random.below(swarms);
  } else {
    // Its logarithm is uniform: the chance of a swarm falls with its rank.
    while (peer < peers) swarmOf[peer++] = Math.floor(swarms ** random.fraction()) - 1;
  }
  shuffle(swarmOf, random);
  return swarmOf;
}

/** Puts items into random order (Fisher and Yates). */
export function shuffle<T>(items: { [index: number]: T; readonly length: number }, random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    const item = items[i];
    items[i] = items[other];
    items[other] = item;
  }
}

/** The 20 bytes of a swarm's info-hash. */
export function infoHash(population: Population, swarm: number): Uint8Array {
  const words = new DataView(new ArrayBuffer(20));
  let state = Math.imul(population.seed + 1, 0x9e3779b1) ^ swarm;
  for (let at = 0; at < 20; at += 4) {
    state = mix(state + 0x6d2b79f5);
    words.setUint32(at, state);
  }
  return new Uint8Array(words.buffer);
}

/** Spreads the difference between numbers over all 32 bits, one to one. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
