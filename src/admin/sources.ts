/** The data of the admin listener, which the composition root provides: counters in shared memory, and functions. */
import type { Gate } from "../gate/gate.ts";
import type { HashListFormat } from "../hash-list/formats/formats.ts";
import type { PeerGroupDefinition, PeerGroupsData } from "../network/peer-groups.ts";
import type { SelectionChoice } from "../selection/policies.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { PollsData } from "../tracker/polls.ts";
import type { CopySettings, TrackerSettings } from "../tracker/tracker-policy.ts";

/** The shown part of the current policy. */
export interface ShownPolicy {
  readonly settings: TrackerSettings;
  readonly selection: SelectionChoice;
  readonly copies: CopySettings;
  readonly groups: PeerGroupsData;
  readonly polls: PollsData;
  /** The groups as configured, with their prefixes. */
  readonly definitions: readonly PeerGroupDefinition[];
}

/** The totals of one peer group in a span of time. */
export interface HistoryRow {
  /** Seconds since 1970. */
  readonly start: number;
  /** Empty: clients in no group. */
  readonly group: string;
  /** Laid out as a row of store/group-activity.ts. */
  readonly counts: readonly number[];
}

/** The price of transit, for the report. */
interface ReportPrice {
  /** For a Mbit/s and month; null: unknown. */
  readonly pricePerMbit: number | null;
  readonly currency: string;
}

/** Times of the totals, in seconds since 1970. */
export interface CountedTimes {
  readonly now: number;
  readonly startedAt: number;
  /** Undefined: not yet. */
  readonly savedAt: number | undefined;
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
  /** The origin of this version. */
  readonly build: string;
  readonly engine: string;
  readonly workers: number;
  /** Announce URLs; empty before the tracker listens. */
  readonly addresses: () => readonly string[];
  readonly store: SwarmStoreData;
  /** The control plane's view of the store. */
  readonly view: SwarmStore;
  /** The maximum memory of swarms in bytes. */
  readonly memoryBound: number;
  /** Of every worker: model/counters.ts, store/group-activity.ts, tracker/census.ts. */
  readonly counters: readonly Float64Array[];
  readonly activity: readonly Float64Array[];
  readonly census: readonly Uint32Array[];
  readonly policy: () => ShownPolicy;
  /** Whether clients are answered. */
  readonly ready: () => boolean;
  /** The number of crashed workers. */
  readonly crashes: () => number;
  readonly hashList: {
    /** Whether the list is not used for blocking. */
    readonly isDryRun: boolean;
    /** Makes a new list unless the last one is fresh, and encodes it. */
    encode(format: HashListFormat): Promise<EncodedHashList>;
  };
  /** The gate's lists. */
  readonly gate: {
    /** The gate; undefined if it is off. */
    readonly current: Gate | undefined;
  };
  /** Further problems for the operator. */
  readonly notices: () => readonly string[];
  /**
   * Totals by spans of five minutes, an hour or a day from a moment on, and before another, in seconds. Undefined when
   * the database cannot be used.
   */
  readonly history: (span: number, from: number, to?: number) => Promise<readonly HistoryRow[] | undefined>;
  /** The time, when this process began to count, and when its totals were last saved, in seconds since 1970. */
  readonly counted: () => CountedTimes;
  readonly reportPrice: () => ReportPrice;
}
