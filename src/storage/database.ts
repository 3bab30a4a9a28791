/**
 * The interface of a database, embedded or a server. Every implementation passes the suite in conformance.ts.
 *
 * A swarm is one row, which is written and read as a whole. Only one tracker uses a database at a time, and its writes
 * are sequential. So only single statements need to be atomic.
 */

/** The facts of a torrent besides its peers. Times in seconds since 1970. */
export interface SwarmFacts {
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly downloaded: number;
}

/** A stored swarm. */
export interface SwarmRow extends SwarmFacts {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** Encoded by store/stored-peers.ts. Empty when the swarm has vanished from memory: the row is *inactive*. */
  readonly peers: Uint8Array;
}

/** Counts of one peer group, which are added to the stored ones of the same time span. */
export interface GroupTotal {
  /** The length of the time span in seconds: one of group-totals.ts. */
  readonly span: number;
  /** The start of the time span, in seconds since 1970. */
  readonly start: number;
  /** The group's name, of which {@link GROUP_NAME_LENGTH} characters count; empty for clients in no group. */
  readonly group: string;
  /** Whole numbers, laid out as a row of store/group-activity.ts. */
  readonly counts: readonly number[];
}

/** Characters of a group's name that are stored. */
export const GROUP_NAME_LENGTH = 190;

/** The size of a database. */
export interface DatabaseSize {
  readonly swarms: number;
  /** How many of these are inactive. */
  readonly inactive: number;
  /** On disk. */
  readonly bytes: number;
}

/** Later than the start of every total. */
export const AFTER_ALL_TOTALS = 2 ** 40;

/** Sorts before all info-hashes: the start for reading in order. */
export const BEFORE_ALL: Uint8Array = new Uint8Array(0);

/** An open database. Every method throws DatabaseError. */
export interface Database {
  /** A name for messages: the path of the file, or server and schema. Never contains a password. */
  readonly name: string;
  /** How many rows to write at once, so that this thread is busy for a fraction of a millisecond. */
  readonly rowsAtOnce: number;
  /** Claims the database for this process, until {@link close}. Other processes can still read it. */
  claim(): Promise<void>;
  /**
   * Checks that the file is still at the path where the next start looks for it.
   * @throws DatabaseError `moved` or `corrupt`.
   */
  verify(): Promise<void>;
  /** The version of its schema; 0 when there is none. */
  version(): Promise<number>;
  /** Upgrades the schema to the version of schema.ts, under a lock. */
  migrate(): Promise<void>;
  /** The facts of those torrents that have a row, by {@link keyOf} their info-hash. */
  readFacts(infoHashes: readonly Uint8Array[]): Promise<Map<string, SwarmFacts>>;
  /** Writes swarms, and replaces their rows. */
  writeSwarms(rows: readonly SwarmRow[]): Promise<void>;
  /** The first `limit` swarms whose info-hash is above `after`, in order. @param live skips inactive rows. */
  readSwarms(after: Uint8Array, limit: number, live: boolean): Promise<SwarmRow[]>;
  /** Deletes up to `limit` inactive swarms that were last seen before `before`, oldest first. @returns how many. */
  deleteInactive(before: number, limit: number): Promise<number>;
  /** How many swarms are inactive. Fast, unlike {@link size}. */
  countInactive(): Promise<number>;
  /** Adds counts to the stored totals. */
  addTotals(totals: readonly GroupTotal[]): Promise<void>;
  /** Writes totals, and replaces the stored ones of the same span, start and group. */
  replaceTotals(totals: readonly GroupTotal[]): Promise<void>;
  /** The totals of one span that started at `from` or later, and before `to`, ordered by time and group. */
  readTotals(span: number, from: number, to?: number): Promise<GroupTotal[]>;
  /** Deletes the totals of one span that started before a time. */
  deleteTotals(span: number, before: number): Promise<void>;
  size(): Promise<DatabaseSize>;
  /** Frees memory that only a save needs. */
  releaseMemory?(): void;
  /** Closes the database and releases its claim. Closing twice does no harm. */
  close(): Promise<void>;
}

/**
 * Why a database cannot be used.
 *
 * - `claimed`: another process uses it.
 * - `corrupt`: it is damaged.
 * - `denied`: the server refuses the user, or TLS fails.
 * - `foreign`: there is something else, which is never changed.
 * - `misplaced`: no file can ever be at the configured path.
 * - `moved`: its file was deleted, renamed or replaced while it was open.
 * - `schema`: the version of its schema is not the needed one.
 * - `unavailable`: everything else, which may be temporary.
 */
export type DatabaseFailure =
  | "unavailable"
  | "claimed"
  | "corrupt"
  | "denied"
  | "foreign"
  | "misplaced"
  | "moved"
  | "schema";

/** A database operation failed. The message is for the operator. */
export class DatabaseError extends Error {
  readonly failure: DatabaseFailure;

  constructor(failure: DatabaseFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** An info-hash as a key of a Map. */
export function keyOf(infoHash: Uint8Array): string {
  return Buffer.from(infoHash.buffer, infoHash.byteOffset, infoHash.length).toString("latin1");
}

/** The time since which a row is inactive, or null for a live one. */
export function inactiveSince({ peers, lastSeen }: SwarmRow): number | null {
  return peers.length === 0 ? lastSeen : null;
}
