/** What the admin listener is told by the composition root: counts in shared memory, and questions it may ask. */
import type { HashListFormat } from "../model/hash-list-format.ts";
import type { PeerGroupDefinition, PeerGroupsData } from "../network/peer-groups.ts";
import type { PollsData } from "../tracker/polls.ts";
import type { SelectionSettings } from "../tracker/selection-settings.ts";
import type { SwarmStoreData } from "../tracker/store-memory.ts";
import type { TrackerSettings } from "../tracker/tracker-policy.ts";

/** The policy in force, as far as it is shown. */
export interface ShownPolicy {
  readonly settings: TrackerSettings;
  readonly selection: SelectionSettings;
  readonly groups: PeerGroupsData;
  readonly polls: PollsData;
  /** The groups as configured, with their prefixes. */
  readonly definitions: readonly PeerGroupDefinition[];
}

/** The file of an embedded database was damaged or gone, and there is a new one. */
export interface DatabaseReplacement {
  readonly at: number;
  readonly reason: string;
  /** Rows of torrents and of totals that it has from the old one. */
  readonly swarms: number;
  readonly totals: number;
  /** Where what was in its place is now. */
  readonly keptAs: string | null;
}

/** How the database does. Times in milliseconds, since 1970 where they are moments; 0 for never. */
export interface DatabaseState {
  readonly url: string;
  /** Since when it cannot be used, or null. */
  readonly failingSince: number | null;
  /** Why, for the operator, or null. */
  readonly failure: string | null;
  /** How often the file of an embedded database was replaced since start, as it was damaged or gone. */
  readonly replacements: number;
  readonly lastReplacement: DatabaseReplacement | null;
  readonly savedAt: number;
  readonly saveMs: number;
  readonly rowsWritten: number;
  readonly failures: number;
  /** Totals lost, and vanished swarms missed, as there was no room for more. */
  readonly totalsDropped: number;
  readonly vanishedMissed: number;
}

/** Whether another tracker is asked, by the state of its circuit breaker (client/circuit-breaker.ts). */
export const ASKING = { closed: "asked", open: "left alone", "half-open": "tried" } as const;

/**
 * Peers that another tracker has named, and what became of them: new here; known from a tracker; known better, from
 * themselves; too many; addresses of trackers; private addresses that are not reached; no addresses of anybody.
 */
export interface NamedPeerCounts {
  readonly named: number;
  readonly learned: number;
  readonly renewed: number;
  readonly announced: number;
  readonly refused: number;
  readonly trackers: number;
  readonly private: number;
  readonly unusable: number;
}

/** How a neighbor does. Times in milliseconds, since 1970 where they are moments. */
export interface NeighborState {
  readonly name: string;
  /** Scheme, host and port: the rest may be secret. */
  readonly url: string;
  readonly state: keyof typeof ASKING;
  /** Until when it is left alone; 0: it is not. */
  readonly until: number;
  /** What went wrong last. */
  readonly lastFailure: string | null;
  /** Its number in what is counted of peers given (model/counters.ts). */
  readonly source: number;
  /** Requests under way, and torrents that it is still to be asked about. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Torrents it was asked about; answers, answers with a failure reason, and none; torrents there was no time for. */
  readonly requests: {
    readonly asked: number;
    readonly answered: number;
    readonly refused: number;
    readonly failed: number;
    readonly dropped: number;
  };
  readonly peers: NamedPeerCounts;
  /** Of late, and the sum of all. */
  readonly latencyMs: number;
  readonly latencySumMs: number;
}

/** What has been asked of external trackers on behalf of clients, since the start. */
export interface ForwardingState {
  /** Announces on their way, and those that wait for their turn. */
  readonly running: number;
  readonly queued: number;
  /** Announces that joined one on its way. */
  readonly joined: number;
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  /** Not sent: to trackers that are left alone after failures, and because too many waited. */
  readonly leftAlone: number;
  readonly dropped: number;
  /** Those among the dropped whose client address had too many itself. */
  readonly crowded: number;
  /** Answers of trackers whose peers were not stored, as too many trackers were named. */
  readonly unnumbered: number;
  /** Peers that were removed in favour of another tracker's. */
  readonly displaced: number;
  readonly peers: NamedPeerCounts;
  /** Those that are asked most. */
  readonly trackers: readonly ExternalTrackerState[];
}

/** One external tracker. */
interface ExternalTrackerState {
  readonly name: string;
  /** Whether clients at several addresses use it: its peers are for everybody. */
  readonly confirmed: boolean;
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  readonly leftAlone: number;
  readonly dropped: number;
  /** `open` while it is left alone after failures. */
  readonly state: keyof typeof ASKING;
  readonly lastFailure: string | null;
  readonly latencyMs: number;
}

/** What one peer group did in a span of time. */
export interface HistoryRow {
  /** Seconds since 1970. */
  readonly start: number;
  /** Empty: clients in no group. */
  readonly group: string;
  /** Laid out as a row of tracker/group-activity.ts. */
  readonly counts: readonly number[];
}

/** The hash list of now, and counts since the start. Times in milliseconds, since 1970 where they are moments. */
export interface HashListState {
  readonly entries: number;
  readonly entered: number;
  readonly left: number;
  /** Torrents that qualify and are not listed: beyond `max_entries`, and excluded. */
  readonly leftOut: number;
  readonly excluded: number;
  readonly changedAt: number;
  /** 0: never. */
  readonly checkedAt: number;
  readonly validUntil: number;
  /** How long looking at all swarms took, and how much of that was work. */
  readonly lookMs: number;
  readonly workMs: number;
  /** Attempts to write it that failed, and whether the last one did. */
  readonly failures: number;
  readonly failing: boolean;
  readonly dryRun: boolean;
  /** What a router or DPI box has counted, where one does. */
  readonly handshakes: readonly HandshakeCount[];
  readonly counterFiles: readonly CounterFile[];
}

/** A file that counts of handshakes are read from. */
interface CounterFile {
  readonly by: "router" | "dpi";
  readonly file: string;
  /** Milliseconds since 1970; 0: there have been no counts in it. */
  readonly writtenAt: number;
  /** Nobody writes it any more, or it cannot be read. */
  readonly isStale: boolean;
}

/** BitTorrent handshakes across the border: how many were seen, and how many of these refused. */
interface HandshakeCount {
  /** Who sends it: somebody inside, somebody outside; any: it is not known. */
  readonly direction: "out" | "in" | "any";
  readonly seen: number;
  readonly refused: number;
}

/** The hash list in one format. */
export interface EncodedHashList {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  readonly changedAt: number;
  readonly validUntil: number;
}

/** Everything the admin listener reads. */
export interface Sources {
  readonly version: string;
  /** Where this version comes from. */
  readonly build: string;
  readonly engine: string;
  readonly workers: number;
  /** Announce URLs, once there are some. */
  readonly addresses: () => readonly string[];
  readonly store: SwarmStoreData;
  /** Bytes that the swarms take at most. */
  readonly memoryBound: number;
  /** Of every worker: model/counters.ts, tracker/group-activity.ts, tracker/census.ts. */
  readonly counters: readonly Float64Array[];
  readonly activity: readonly Float64Array[];
  readonly census: readonly Uint32Array[];
  readonly policy: () => ShownPolicy;
  /** Whether clients are answered. */
  readonly ready: () => boolean;
  /** Workers that have died. */
  readonly deaths: () => number;
  readonly database: () => DatabaseState;
  readonly hashList: {
    state(): HashListState;
    /** Makes it, if it is not from just now. */
    encode(format: HashListFormat): Promise<EncodedHashList>;
  };
  readonly neighbors: () => readonly NeighborState[];
  /** Undefined when nobody may forward announces. */
  readonly forwarding: () => ForwardingState | undefined;
  /** What a person should look at, besides what follows from the counts. */
  readonly notices: () => readonly string[];
  /** Totals by spans of five minutes, an hour or a day from a moment on, in seconds. Undefined when the database cannot be used. */
  readonly history: (span: number, from: number) => Promise<readonly HistoryRow[] | undefined>;
}
