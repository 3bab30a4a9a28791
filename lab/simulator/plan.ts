/** What a simulated swarm is made of: networks, peers, and how clients behave. Bytes, seconds, and bytes a second. */

/** A network and what it is worth. */
export interface NetworkPlan {
  /** The priority of its peer group; null where the network is in none. */
  readonly priority: number | null;
  /** Networks of the same home exchange past their uplinks. Null: outside, at home nowhere. */
  readonly home: number | null;
  /** Bytes a second between it and all that is outside its home, each way; may be infinite. */
  readonly uplink: number;
}

/** A client, and what becomes of it. */
export interface PeerPlan {
  /** Its network's number. */
  readonly network: number;
  readonly arrives: number;
  /** It has the file from the start. */
  readonly seed: boolean;
  /** Bytes a second; `download` may be infinite. */
  readonly upload: number;
  readonly download: number;
  /** Others can connect to it; if not, it can connect to others. */
  readonly reachable: boolean;
  /** It has IPv6 besides IPv4, and announces both. */
  readonly ipv6: boolean;
  /** Its torrent has two info-hashes (BEP 52), and it announces both. */
  readonly hybrid: boolean;
  /** It announces to the public tracker only, if there is one. */
  readonly publicOnly: boolean;
  /** Seconds that it stays once it has the file; may be infinite. */
  readonly staysSeconds: number;
  /** It leaves at this time, file or not; may be infinite. */
  readonly leavesAt: number;
  /** It vanishes once it has this share of the file; 2: never. */
  readonly vanishesAt: number;
  /** It leaves without telling the tracker. */
  readonly silent: boolean;
}

/** How clients behave, and how finely time is cut. */
export interface ClientModel {
  readonly stepSeconds: number;
  /** Between choices of whom to send to. */
  readonly rechokeSeconds: number;
  /** Peers that a client sends to at the same time. */
  readonly slots: number;
  /** Peers that a client is connected to at most. */
  readonly connections: number;
  /** A client never announces sooner than that again, whatever it is told. */
  readonly leastInterval: number;
  /** A client announces after that at the latest; may be infinite. */
  readonly mostInterval: number;
  /** They ask a second tracker, too, that knows nothing of networks. */
  readonly publicTracker: boolean;
  /** Those with IPv6 announce themselves from each address by itself; if not, one announce names both (BEP 7). */
  readonly separate: boolean;
}

/** A swarm, from its first peer to the end of the simulation. */
export interface SwarmPlan {
  readonly bytes: number;
  readonly networks: readonly NetworkPlan[];
  readonly peers: readonly PeerPlan[];
  readonly clients: ClientModel;
  /** Seconds after which the simulation ends. */
  readonly until: number;
  /** Only the downloads of clients that arrive from then on are counted; 0 by default. */
  readonly countsFrom?: number;
}

/** A client that is like most. */
export const ORDINARY_PEER: PeerPlan = {
  network: 0,
  arrives: 0,
  seed: false,
  upload: 1e6,
  download: Number.POSITIVE_INFINITY,
  reachable: true,
  ipv6: false,
  hybrid: false,
  publicOnly: false,
  staysSeconds: Number.POSITIVE_INFINITY,
  leavesAt: Number.POSITIVE_INFINITY,
  vanishesAt: 2,
  silent: false,
};

/**
 * Clients as they are on the Internet. Clients choose whom to send to every ten seconds and send to four peers, as BEP 3
 * describes. libtorrent announces again after five minutes at the earliest (`min_announce_interval`). Steps of 20 s
 * distorted downloads that take one or two minutes. Steps of 5 s take four times the processor time.
 */
export const ORDINARY_CLIENTS: ClientModel = {
  stepSeconds: 5,
  rechokeSeconds: 10,
  slots: 4,
  connections: 50,
  leastInterval: 300,
  mostInterval: Number.POSITIVE_INFINITY,
  publicTracker: false,
  separate: false,
};

/** One of the addresses and info-hashes that a client announces; each has its own interval. */
export interface Lane {
  readonly ipv6: boolean;
  readonly secondHash: boolean;
}

/** All that a client announces, most of all. */
export const LANES: readonly Lane[] = [
  { ipv6: false, secondHash: false },
  { ipv6: true, secondHash: false },
  { ipv6: false, secondHash: true },
  { ipv6: true, secondHash: true },
];

/** Homes of a plan: the highest number, and one. */
export function homeCount({ networks }: SwarmPlan): number {
  return Math.max(-1, ...networks.map(({ home }) => home ?? -1)) + 1;
}
