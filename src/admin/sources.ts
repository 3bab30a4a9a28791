/** What the admin listener is told by the composition root: counts in shared memory, and questions it may ask. */
import type { HashListFormat } from "../hash-list/formats/formats.ts";
import type { PeerGroupDefinition, PeerGroupsData } from "../network/peer-groups.ts";
import type { SelectionChoice } from "../selection/policies.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import type { PollsData } from "../tracker/polls.ts";
import type { CopySettings, TrackerSettings } from "../tracker/tracker-policy.ts";

/** The policy in force, as far as it is shown. */
export interface ShownPolicy {
  readonly settings: TrackerSettings;
  readonly selection: SelectionChoice;
  readonly copies: CopySettings;
  readonly groups: PeerGroupsData;
  readonly polls: PollsData;
  /** The groups as configured, with their prefixes. */
  readonly definitions: readonly PeerGroupDefinition[];
}

/** What one peer group did in a span of time. */
export interface HistoryRow {
  /** Seconds since 1970. */
  readonly start: number;
  /** Empty: clients in no group. */
  readonly group: string;
  /** Laid out as a row of store/group-activity.ts. */
  readonly counts: readonly number[];
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
  /** Of every worker: model/counters.ts, store/group-activity.ts, tracker/census.ts. */
  readonly counters: readonly Float64Array[];
  readonly activity: readonly Float64Array[];
  readonly census: readonly Uint32Array[];
  readonly policy: () => ShownPolicy;
  /** Whether clients are answered. */
  readonly ready: () => boolean;
  /** Workers that have died. */
  readonly deaths: () => number;
  readonly hashList: {
    /** Whether it is only looked at, and nothing acts by it. */
    readonly isDryRun: boolean;
    /** Makes it, if it is not from just now. */
    encode(format: HashListFormat): Promise<EncodedHashList>;
  };
  /** What a person should look at, besides what follows from the counts. */
  readonly notices: () => readonly string[];
  /** Totals by spans of five minutes, an hour or a day from a moment on, in seconds. Undefined when the database cannot be used. */
  readonly history: (span: number, from: number) => Promise<readonly HistoryRow[] | undefined>;
}
