/** The parts of a scenario, and values derived from them. */
import type { Settings } from "./trackers.ts";

/** A group of equal clients. */
export interface Crew {
  readonly clients: number;
  /** They have the file, and start before all others. */
  readonly seed?: true;
  /** Seconds in which they arrive, at random moments. Default: {@link ARRIVE}. */
  readonly arrive?: readonly [from: number, to: number];
  /** Default: libtorrent. Others cannot seed, be killed or leave. */
  readonly kind?: "aria2" | "rtorrent";
  /** kB/s that each sends at most. Default: {@link UPLOAD}. */
  readonly upload?: number;
  /** kB/s that each receives at most. Default: unlimited. */
  readonly download?: number;
  /** It is killed without an announce when it has this share of the file. */
  readonly killAt?: number;
  /** It leaves, with an announce, this many seconds after the start of the scenario. */
  readonly leaveAt?: number;
}

/** Seconds in which clients arrive. */
export const ARRIVE = [0, 1] as const;
/** kB/s that a subscriber's line sends. */
export const UPLOAD = 3000;
/** A client without the file this many seconds after the start of the scenario is unfinished. */
export const LIMIT_SECONDS = 60;

/** A network and its clients. */
export interface NetworkPlan {
  readonly name: string;
  /** The priority of its peer group; without it, the network is in no group. */
  readonly priority?: number;
  /** Mbit/s of its link to all other networks, each way. Without it, unlimited. */
  readonly uplinkMbit?: number;
  /** Its partner, a network before it in the list. The link between them is unlimited. */
  readonly peersWith?: string;
  /** Milliseconds that a packet takes on its link, in addition to queues. By default 0. */
  readonly delayMs?: number;
  /** Whether its clients announce to the public tracker only. */
  readonly publicOnly?: true;
  readonly crews: readonly Crew[];
}

/** Settings of clients. */
export interface ClientSettings {
  /** `enabled` is libtorrent's default: it tries encrypted first, and accepts both. aria2 and rtorrent keep their own. */
  readonly encryption: "disabled" | "enabled" | "forced";
  readonly utp: boolean;
  /** Peer exchange: clients tell each other the peers they know. */
  readonly pex: boolean;
  /** Local service discovery (BEP 14) among all clients of a network; only libtorrent and aria2 have it. */
  readonly lsd: boolean;
  /** A distributed hash table whose first node is in the core; only libtorrent and aria2 use it. */
  readonly dht: boolean;
  /** Whether they also ask a public tracker. */
  readonly publicTracker: boolean;
  /** Seconds after which they announce again, unless the tracker requests it earlier; 0: as it requests. */
  readonly reannounceSeconds: number;
  /** The maximum of connections of a client. */
  readonly connections: number;
}

/** One experiment. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly networks: readonly NetworkPlan[];
  /** The size of the file, in millions of bytes. */
  readonly megabytes: number;
  /** Seconds after which clients without the file are unfinished. By default {@link LIMIT_SECONDS}. */
  readonly limitSeconds?: number;
  /** Differences from {@link CLIENTS}. */
  readonly clients?: Partial<ClientSettings>;
  /** Differences from the lab's configuration of BTRT. */
  readonly btrt?: { readonly tracker?: Settings; readonly selection?: Settings; readonly gate?: Settings };
  /** The maximum of copies that may enter a home on average; and the same as a share of opentracker's. */
  readonly copies?: { readonly most: number; readonly share: number };
  /** Targets of `bridged-gate`; a scenario without them is not run with that tracker. */
  readonly gate?: GateTargets;
  /** Every client also has a second torrent, which is not gated. */
  readonly second?: SecondTorrent;
  /** It shows how far savings shrink, and has no targets. */
  readonly reportOnly?: true;
  /** Whether `--quick` includes it. */
  readonly quick?: true;
}

/** Targets of the gate, compared with `bridged` without a gate. */
export interface GateTargets {
  /** The maximum of copies that may enter a home on average. */
  readonly copies: number;
  /** Copies as a share of those without a gate. The target is also met if at most {@link copies} enter. */
  readonly share?: number;
  /** Median and slowest completion as a share of those without a gate. */
  readonly median: number;
  readonly slowest: number;
}

/** A torrent that is not gated, beside the one that is. */
interface SecondTorrent {
  readonly megabytes: number;
  /** `unknown`: only the public tracker is asked. `excluded`: BTRT is asked as well, and `gate.exclude` lists it. */
  readonly known: "unknown" | "excluded";
}

/** The settings of clients, unless a scenario has others. */
export const CLIENTS: ClientSettings = {
  encryption: "disabled",
  utp: false,
  pex: false,
  lsd: false,
  dht: false,
  publicTracker: false,
  reannounceSeconds: 3,
  connections: 50,
};

/** The settings that most people have, except for DHT, which needs a node to start from. */
export const USUAL_CLIENTS: ClientSettings = {
  ...CLIENTS,
  encryption: "enabled",
  utp: true,
  pex: true,
  lsd: true,
  publicTracker: true,
};

/** All clients in a network. */
export function clientCount({ crews }: NetworkPlan): number {
  return crews.reduce((sum, { clients }) => sum + clients, 0);
}

/** The networks of each home, by `selection.home`. */
export function homesOf({ networks, btrt }: Scenario): string[][] {
  const line = btrt?.selection?.home;
  const homes = new Map<string, string[]>();
  for (const { name, priority } of networks) {
    if (priority === undefined) continue;
    const key = line === "group" ? name : line === "tier" ? String(priority) : "all";
    homes.set(key, [...(homes.get(key) ?? []), name]);
  }
  return [...homes.values()];
}
