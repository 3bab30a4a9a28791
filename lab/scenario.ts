/** What a scenario is made of, and what follows from it. */
import type { Settings } from "./trackers.ts";

/** Clients that are alike. */
export interface Crew {
  readonly clients: number;
  /** They have the file, and are there before all others. */
  readonly seed?: true;
  /** Seconds in which they arrive, at random moments. By default {@link ARRIVE}. */
  readonly arrive?: readonly [from: number, to: number];
  /** By default libtorrent. Others cannot seed, kill themselves or leave. */
  readonly kind?: "aria2" | "rtorrent";
  /** kB/s that each sends at most. By default {@link UPLOAD}. */
  readonly upload?: number;
  /** kB/s that each takes at most. By default unlimited. */
  readonly download?: number;
  /** Killed without a word once it has this share of the file. */
  readonly killAt?: number;
  /** Leaves, and tells the tracker, so many seconds after the scenario's begin. */
  readonly leaveAt?: number;
}

/** Seconds in which clients arrive. */
export const ARRIVE = [0, 1] as const;
/** kB/s that a subscriber's line sends. */
export const UPLOAD = 3000;
/** A client that has not got the file so many seconds after the scenario's begin is unfinished. */
export const LIMIT_SECONDS = 60;

/** A network and who is in it. */
export interface NetworkPlan {
  readonly name: string;
  /** The priority of its peer group; without it the network is in none. */
  readonly priority?: number;
  /** Mbit/s of its link to all other networks, each way. Without it unlimited. */
  readonly uplinkMbit?: number;
  /** A network before it in the list, its partner: what they send each other is not limited. */
  readonly peersWith?: string;
  readonly crews: readonly Crew[];
}

/** How clients are set. */
export interface ClientSettings {
  readonly encryption: boolean;
  readonly utp: boolean;
  /** Peer exchange: clients tell each other whom they know. */
  readonly pex: boolean;
  /** They ask a public tracker, too. */
  readonly publicTracker: boolean;
  /** Seconds after which they announce again, if the tracker has not asked them to sooner; 0: as it asks. */
  readonly reannounceSeconds: number;
  /** Peers that a client is connected to at most. */
  readonly connections: number;
}

/** One experiment. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly networks: readonly NetworkPlan[];
  /** Size of the file, in millions of bytes. */
  readonly megabytes: number;
  /** What differs from {@link CLIENTS}. */
  readonly clients?: Partial<ClientSettings>;
  /** BTRT's configuration, as far as it differs from the lab's. */
  readonly btrt?: { readonly tracker?: Settings; readonly selection?: Settings };
  /** Most copies that may enter a home on average, and that as a share of opentracker's. */
  readonly copies?: { readonly most: number; readonly share: number };
  /** It tells how far savings shrink, and has no targets. */
  readonly reportOnly?: true;
  /** Is run by `--quick`. */
  readonly quick?: true;
}

/** How clients are set unless a scenario says otherwise. */
export const CLIENTS: ClientSettings = {
  encryption: false,
  utp: false,
  pex: false,
  publicTracker: false,
  reannounceSeconds: 3,
  connections: 50,
};

/** Everybody who is in a network. */
export function clientCount({ crews }: NetworkPlan): number {
  return crews.reduce((sum, { clients }) => sum + clients, 0);
}

/** Names of the networks of each home, as `selection.home` draws the line. */
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
