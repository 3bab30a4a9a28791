/**
 * Swarms as an operator's tracker sees them: a day of one torrent. All figures about the population are in this file.
 *
 * Most figures are assumptions, because no recent measurement of a whole operator is published. Measurements that exist:
 *
 * - How long clients stay: sessions in the P2P Trace Archive (Zhang, Iosup, Epema: The Peer-to-Peer Trace Archive, TU
 *   Delft, PDS-2010-003) have medians of 28 to 68 minutes, means of 103 to 343 minutes, and upper quartiles of about two
 *   to six hours. Here the median stay with the file is 44 minutes, the mean 144 minutes, the upper quartile 3.5 hours.
 * - Who can be connected to: about 64 % of the peers were behind NAT (Halkes, Pouwelse: UDP NAT and Firewall Puncturing
 *   in the Wild, TU Delft, PDS-2010-007). Port forwarding and hole punching reach some of them. Here 40 % cannot be
 *   connected to.
 *
 * Lines, file sizes, arrivals, the size of the outside swarm and the popularity of torrents have no source. Lines and
 * the outside swarm can be varied (DayOptions).
 */
import type { Random } from "../../src/model/random.ts";
import { type NetworkPlan, ORDINARY_CLIENTS, type PeerPlan, type SwarmPlan } from "./plan.ts";

const DAY = 86_400;
/** Seconds in which all clients arrive in a rush: when a torrent that many wait for appears. */
const RUSH = 1800;
/** Seconds before an ordinary day in which clients arrive, too. They are not counted: a day begins with copies at home. */
const BEFORE = 8 * 3600;
/** Seconds after the day in which the last clients may finish. */
const AFTER = 43_200;
/** Bytes of files: uniform on a logarithmic scale. */
const FILE_BYTES = { least: 3e8, most: 6e9 } as const;
/** Clients outside for each at home; and seeders outside that stay. */
const OUTSIDE = { ratio: 2, seeders: 2 } as const;
/** Subscribers' lines, in Mbit/s, and the share of subscribers that have this one or one before it. */
const LINES = [
  { upTo: 0.3, download: 20, upload: 2 },
  { upTo: 0.7, download: 100, upload: 20 },
  { upTo: 1, download: 300, upload: 100 },
] as const;
/** Shares of clients: can be connected to, have IPv6 too, leave with the file at once, leave silently, give up. */
const SHARE = { reachable: 0.6, ipv6: 0.4, leavingAtOnce: 0.4, silent: 0.1, givingUp: 0.03 } as const;
/** Mean seconds that clients stay with the file, if they do not leave at once; and after which clients give up. */
const STAY_MEAN = 4 * 3600;
const PATIENCE_MEAN = 600;

const HOME: NetworkPlan = { priority: 0, home: 0, uplink: Number.POSITIVE_INFINITY };
const ELSEWHERE: NetworkPlan = { priority: null, home: null, uplink: Number.POSITIVE_INFINITY };

/** Bytes of a file, on average. */
export const MEAN_FILE_BYTES =
  (FILE_BYTES.most - FILE_BYTES.least) / Math.log(FILE_BYTES.most / FILE_BYTES.least);

/** What differs from an ordinary day. */
export interface DayOptions {
  /** All clients arrive within half an hour. */
  readonly rush: boolean;
  /** Clients ask a public tracker, too. */
  readonly publicTracker: boolean;
  /** Clients outside ask the public tracker only. */
  readonly outsideUnknown?: boolean;
  /** Clients with IPv6 announce each address separately. */
  readonly separate?: boolean;
  /** The torrent has two info-hashes, and this share of the clients announces both. */
  readonly hybrid?: number;
  /** Clients outside for each client at home; {@link OUTSIDE} by default. */
  readonly outside?: number;
  /** Mbit/s that this torrent may use between the home and the outside, each way; unlimited by default. */
  readonly uplink?: number;
  /** Multiplies everybody's upload rate. */
  readonly upload?: number;
}

/**
 * A day of a torrent: clients at home and outside arrive at random moments. Those that have the file leave sooner or
 * later. Seeders outside are always there.
 * @param downloads clients at home that arrive in a day, on average.
 */
export function dayOfTorrent(downloads: number, random: Random, options: DayOptions): SwarmPlan {
  const { rush, publicTracker, separate = false, hybrid = 0, outside = OUTSIDE.ratio } = options;
  const { outsideUnknown = false } = options;
  const { uplink = Number.POSITIVE_INFINITY, upload = 1 } = options;
  const countsFrom = rush ? 0 : BEFORE;
  const span = rush ? RUSH : BEFORE + DAY;
  const days = rush ? 1 : span / DAY;
  const bytes = FILE_BYTES.least * (FILE_BYTES.most / FILE_BYTES.least) ** random.fraction();
  const peers: PeerPlan[] = [];
  for (let i = 0; i < OUTSIDE.seeders; i++) {
    const forever = { seed: true, reachable: true, leavesAt: Number.POSITIVE_INFINITY };
    peers.push({ ...subscriber(1, 0, random), ...forever });
  }
  for (const at of moments(downloads * outside * days, span, random)) peers.push(subscriber(1, at, random));
  for (const at of moments(downloads * days, span, random)) peers.push(subscriber(0, at, random));
  return {
    bytes,
    networks: [{ ...HOME, uplink: (uplink * 1e6) / 8 }, ELSEWHERE],
    peers: peers.map((peer) => ({
      ...peer,
      upload: peer.upload * upload,
      hybrid: hybrid > 0 && random.fraction() < hybrid,
      publicOnly: outsideUnknown && peer.network !== 0,
    })),
    clients: { ...ORDINARY_CLIENTS, publicTracker, separate },
    until: countsFrom + DAY + AFTER,
    countsFrom,
  };
}

/** Random moments within `span` seconds; `mean` of them on average (Poisson). */
function moments(mean: number, span: number, random: Random): number[] {
  const found: number[] = [];
  for (let at = exponential(span / mean, random); at < span; at += exponential(span / mean, random)) {
    found.push(at);
  }
  return found;
}

function exponential(mean: number, random: Random): number {
  return -Math.log(1 - random.fraction()) * mean;
}

function subscriber(network: number, arrives: number, random: Random): PeerPlan {
  const chance = random.fraction();
  const line = LINES.find(({ upTo }) => chance < upTo)!;
  const patience = exponential(PATIENCE_MEAN, random);
  const stay = exponential(STAY_MEAN, random);
  return {
    network,
    arrives,
    seed: false,
    upload: (line.upload * 1e6) / 8,
    download: (line.download * 1e6) / 8,
    reachable: random.fraction() < SHARE.reachable,
    ipv6: random.fraction() < SHARE.ipv6,
    hybrid: false,
    publicOnly: false,
    staysSeconds: random.fraction() < SHARE.leavingAtOnce ? 0 : stay,
    leavesAt: random.fraction() < SHARE.givingUp ? arrives + patience : Number.POSITIVE_INFINITY,
    vanishesAt: 2,
    silent: random.fraction() < SHARE.silent,
  };
}

/** How popular torrents are, and how much subscribers fetch. */
const POPULARITY = { torrents: 1_000_000, exponent: 0.8, downloadsPerSubscriber: 0.1 } as const;

/** Torrents that are about as popular as each other. */
interface PopularityClass {
  readonly torrents: number;
  /** Downloads a day of each. */
  readonly downloads: number;
}

/** Ranks that differ by less than this part are one class. */
const RANK_STEP = 0.02;

/**
 * An operator's torrents, the most popular first: the torrent of rank r is fetched in proportion to r to the power of
 * minus the exponent (Zipf).
 */
export function popularityClasses(subscribers: number): PopularityClass[] {
  const { torrents, exponent, downloadsPerSubscriber } = POPULARITY;
  const classes: { torrents: number; weight: number }[] = [];
  let all = 0;
  for (let first = 1; first <= torrents; ) {
    const last = Math.min(torrents, Math.max(first, Math.floor(first * (1 + RANK_STEP))));
    const each = { torrents: last - first + 1, weight: ((first + last) / 2) ** -exponent };
    classes.push(each);
    all += each.torrents * each.weight;
    first = last + 1;
  }
  const scale = (subscribers * downloadsPerSubscriber) / all;
  return classes.map(({ torrents: count, weight }) => ({ torrents: count, downloads: weight * scale }));
}
