/** The bytes of announces, as latin1 text. */
import { Random } from "../../src/model/random.ts";
import { assignSwarms, infoHash, type Population, shuffle } from "./population.ts";

/** Which announces are sent. Plain data: it travels between processes. */
export type Requests =
  /** Every peer once, as it comes: `event=started`, and no peers wanted. */
  | { readonly kind: "fill"; readonly population: Population }
  /** The same peers, all `stopped`: where none of them is known, nothing is stored. */
  | { readonly kind: "stop"; readonly population: Population }
  /** Mostly peers that announce again, 50 peers wanted; some start, stop and complete. Endless. */
  | { readonly kind: "mix"; readonly population: Population }
  /** Peers of the first so many swarms of equal size that announce again, 9 peers wanted. Endless. */
  | { readonly kind: "again"; readonly population: Population; readonly swarms: number };

/** Distinct requests of endless kinds: enough that no cache holds all that they touch. */
const POOL = 60_000;
/** Percent of the mix. Starting and stopping are done by peers of their own, two in each swarm. */
const CHURN = 6;
const COMPLETING = 2;
const CHURNING_PEERS = 2;
/** One of so many peers is complete. */
const SEEDS = 4;

/** The text of each byte in a query: clients escape all but letters and digits. */
const ESCAPED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[0-9A-Za-z]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
});

/** A supply of requests: the next one, or undefined after the last. */
export type Supply = () => string | undefined;

/** @param close whether each request asks for its connection to be closed. */
export function supplyRequests(requests: Requests, close: boolean): Supply {
  const { kind, population } = requests;
  if (kind === "mix") return repeat(mixedAnnounces(population, close));
  if (kind === "again") return repeat(announcesAgain(population, requests.swarms, close));
  const swarmOf = assignSwarms(population);
  const options = `&left=1000000&numwant=0&event=${kind === "fill" ? "started" : "stopped"}`;
  let peer = 0;
  return () => {
    if (peer === swarmOf.length) return undefined;
    const swarm = swarmOf[peer];
    return announce(population, swarm, peer++, options, close);
  };
}

function repeat(pool: readonly string[]): Supply {
  let at = 0;
  return () => {
    if (at === pool.length) at = 0;
    return pool[at++];
  };
}

function mixedAnnounces(population: Population, close: boolean): string[] {
  const random = new Random([5, 6, 7, 8]);
  const swarmOf = assignSwarms(population);
  const pool = Array.from({ length: POOL }, (_, i) => {
    if (random.below(100) < CHURN) {
      const swarm = random.below(population.swarms);
      const peer = population.peers + swarm + population.swarms * random.below(CHURNING_PEERS);
      const event = random.below(2) === 0 ? "started" : "stopped";
      return announce(population, swarm, peer, `&left=1000000&numwant=50&event=${event}`, close);
    }
    const peer = i % population.peers;
    const left = peer % SEEDS === 0 ? 0 : 1_000_000;
    const event = left === 0 && random.below(100) < COMPLETING * SEEDS ? "&event=completed" : "";
    return announce(population, swarmOf[peer], peer, `&left=${left}&numwant=50${event}`, close);
  });
  shuffle(pool, random);
  return pool;
}

function announcesAgain(population: Population, swarms: number, close: boolean): string[] {
  const random = new Random([9, 10, 11, 12]);
  return Array.from({ length: POOL }, () => {
    const swarm = random.below(swarms);
    const peer = swarm + population.swarms * random.below(population.peers / population.swarms);
    return announce(population, swarm, peer, "&left=1000000&numwant=9", close);
  });
}

/** @returns a swarm's info-hash as it stands in a query. */
export function escapedInfoHash(population: Population, swarm: number): string {
  let text = "";
  for (const byte of infoHash(population, swarm)) text += ESCAPED[byte];
  return text;
}

/** One request. All of one population and the same options are about equally long. */
function announce(
  population: Population,
  swarm: number,
  peer: number,
  options: string,
  close: boolean,
): string {
  const hash = escapedInfoHash(population, swarm);
  const id = peer.toString(36).padStart(12, "0");
  const port = population.distinctBy === "ip" ? 51413 : portOf(population, swarm, peer);
  const ip = population.distinctBy === "ip" ? `&ip=${addressOf(peer)}` : "";
  return (
    `GET /announce?info_hash=${hash}&peer_id=-TR4060-${id}&port=${port}&uploaded=0&downloaded=0${options}` +
    `&key=4a5b6c7d&compact=1&supportcrypto=1${ip} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Transmission/4.0.6\r\n` +
    `Accept: */*\r\nAccept-Encoding: deflate, gzip, br\r\n${close ? "Connection: close\r\n" : ""}\r\n`
  );
}

/** Five digits; different for the peers of a swarm, of which there are no more than 100. */
function portOf({ swarms }: Population, swarm: number, peer: number): number {
  return 10_000 + (swarm % 500) * 100 + Math.floor(peer / swarms);
}

/** A public address of 15 characters, one for each of 30 million peers: 130.100.100.100 and so on. */
function addressOf(peer: number): string {
  const part = (divisor: number) => 100 + (Math.floor(peer / divisor) % 100);
  return `${30 + part(1_000_000)}.${part(10_000)}.${part(100)}.${part(1)}`;
}
