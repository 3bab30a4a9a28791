/** Artificial swarms and peers. They are the same in every process that makes the same population. */
import { Random } from "../../src/model/random.ts";

/** A number of peers in a number of swarms. Plain data: it is sent between processes. */
export interface Population {
  /** Different populations have different info-hashes. */
  readonly seed: number;
  readonly swarms: number;
  readonly peers: number;
  /**
   * The sizes of swarms. equal: all the same. uniform: between the mean and twice the mean. zipf: the size falls with
   * the rank of the swarm. Except with equal, peers are in random order.
   */
  readonly sizes: "equal" | "uniform" | "zipf";
  /**
   * How peers differ. source: by the address from which they announce, one of {@link SOURCES}, and the port; at most
   * 1.6 million. ip: by the address in the announce, which the server must trust. both: a server that trusts the address
   * sees a peer per address, and any other sees the same peers by source and port.
   */
  readonly distinctBy: "source" | "ip" | "both";
}

const MANY: Population = { seed: 1, swarms: 500_000, peers: 2_000_000, sizes: "equal", distinctBy: "ip" };
const QUICK_DIVISOR = 20;

/** Half a million swarms of four peers. @param quick whether to take a small part only. */
export function manySwarms(quick: boolean): Population {
  const divisor = quick ? QUICK_DIVISOR : 1;
  return { ...MANY, swarms: MANY.swarms / divisor, peers: MANY.peers / divisor };
}

const FEW: Population = { seed: 1, swarms: 20_000, peers: 60_000, sizes: "zipf", distinctBy: "source" };

/** Twenty thousand swarms, few of them large. @param quick whether to take a small part only. */
export function fewSwarms(quick: boolean): Population {
  const divisor = quick ? QUICK_DIVISOR : 1;
  return { ...FEW, swarms: FEW.swarms / divisor, peers: FEW.peers / divisor };
}

/** Addresses from which peers announce. */
export const SOURCES = 32;
const PORTS = 50_000;
const FIRST_PORT = 10_000;
const SWARM_PORT = 51_413;
/** One of this many peers is complete. */
const SEEDS = 4;

/** The number of the address from which a peer announces. */
export function sourceOf(peer: number): number {
  return (peer + Math.floor(peer / SOURCES)) % SOURCES;
}

/** The peers of a source, by their number at that source. */
export function peerOf(source: number, index: number): number {
  return index * SOURCES + ((source - (index % SOURCES) + SOURCES) % SOURCES);
}

/** The port of a peer, with five digits. */
export function portOf({ distinctBy }: Population, peer: number): number {
  return distinctBy === "ip" ? SWARM_PORT : FIRST_PORT + (Math.floor(peer / SOURCES) % PORTS);
}

/**
 * The address that a peer reports. It is public and has 15 characters: 130.100.100.100 and so on, for up to 30 million
 * peers.
 */
export function addressOf(peer: number): [number, number, number, number] {
  const part = (divisor: number) => 100 + (Math.floor(peer / divisor) % 100);
  return [30 + part(1_000_000), part(10_000), part(100), part(1)];
}

/** Whether a peer is complete. */
export function isComplete(peer: number): boolean {
  return Math.floor(peer / SOURCES) % SEEDS === 0;
}

/** Peers in one of {@link peerPrefix}. */
const PREFIX_PEERS = 100;

/** A prefix with the addresses of {@link PREFIX_PEERS} peers. */
export function peerPrefix(number: number): string {
  return `${addressOf(number * PREFIX_PEERS)
    .slice(0, 3)
    .join(".")}.0/24`;
}

/** The prefix of one source's address. */
export function sourcePrefix(source: number): string {
  return `127.1.${source}.0/24`;
}

/** @returns the swarm of each peer, by the peer's number. Peers announce in this order. */
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
    // Its logarithm is uniform: the probability of a swarm falls with its rank.
    while (peer < peers) swarmOf[peer++] = Math.floor(swarms ** random.fraction()) - 1;
  }
  shuffle(swarmOf, random);
  return swarmOf;
}

/** Shuffles items (Fisher and Yates). */
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

/** Mixes a number into 32 bits, one to one. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
