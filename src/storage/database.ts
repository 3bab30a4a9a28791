/**
 * What storage asks of a database, embedded or a server. Both pass the suite in conformance.ts.
 *
 * A swarm is one row: it is written and read whole. Only one tracker uses a database at a time, and it writes one thing
 * after the other, so that nothing here needs more than the statement at hand to be all or nothing.
 */

/** What is known of a torrent besides its peers. Times in seconds since 1970. */
export interface SwarmFacts {
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly downloaded: number;
}

/** A swarm as it is kept. */
export interface SwarmRow extends SwarmFacts {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** As store/kept-peers.ts writes them; empty when the swarm has vanished from memory: it is *inactive*. */
  readonly peers: Uint8Array;
}

/** What the clients of one peer group did, added to what the database has for the same span of time. */
export interface GroupTotal {
  /** Length of the time it is about, in seconds: one of group-totals.ts. */
  readonly span: number;
  /** When that began, in seconds since 1970. */
  readonly start: number;
  /** The group's name, of which {@link GROUP_NAME_LENGTH} characters count; empty for clients in no group. */
  readonly group: string;
  /** Whole numbers, laid out as a row of store/group-activity.ts. */
  readonly counts: readonly number[];
}

/** Characters of a group's name that are kept. */
export const GROUP_NAME_LENGTH = 190;

/** How much a database holds. */
export interface DatabaseSize {
  readonly swarms: number;
  /** How many of these are inactive. */
  readonly inactive: number;
  /** On disk. */
  readonly bytes: number;
}

/** An info-hash below all others, where reading in order begins. */
export const BEFORE_ALL: Uint8Array = new Uint8Array(0);

/** An open database. Every method throws DatabaseError. */
export interface Database {
  /** What it is, for people: a file's path, or server and schema. Never with a password. */
  readonly name: string;
  /** How many rows are best written at once: a fraction of a millisecond's work of this thread. */
  readonly rowsAtOnce: number;
  /** Takes the database for this process, until {@link close}. Others can still look at it. */
  claim(): Promise<void>;
  /**
   * Sees whether what it is in is still where it is looked for at the next start.
   * @throws DatabaseError `moved` or `corrupt`.
   */
  verify(): Promise<void>;
  /** The version of its schema; 0 when there is none. */
  version(): Promise<number>;
  /** Brings its schema to the version of migrations.ts, under a lock. */
  migrate(): Promise<void>;
  /** The facts of those of these torrents that it knows, by {@link keyOf} their info-hash. */
  readFacts(infoHashes: readonly Uint8Array[]): Promise<Map<string, SwarmFacts>>;
  /** Writes swarms, replacing what there was of them. */
  writeSwarms(rows: readonly SwarmRow[]): Promise<void>;
  /** The first `limit` swarms whose info-hash is above `after`, in order. @param live leaves the inactive ones out. */
  readSwarms(after: Uint8Array, limit: number, live: boolean): Promise<SwarmRow[]>;
  /** Deletes the `limit` inactive swarms last seen longest ago, but none seen since `before`. @returns how many. */
  deleteInactive(before: number, limit: number): Promise<number>;
  /** How many swarms are inactive. Quick, as {@link size} is not. */
  countInactive(): Promise<number>;
  /** Adds to the totals. */
  addTotals(totals: readonly GroupTotal[]): Promise<void>;
  /** The totals of one span that began at `from` or later, in order of time and group. */
  readTotals(span: number, from: number): Promise<GroupTotal[]>;
  /** Deletes the totals of one span that began before a time. */
  deleteTotals(span: number, before: number): Promise<void>;
  size(): Promise<DatabaseSize>;
  /** Lets go of everything. Once more does no harm. */
  close(): Promise<void>;
}

/**
 * Why a database cannot be used. `claimed`: another process has it. `corrupt`: it is damaged. `foreign`: what is there is
 * something else, and is left alone. `misplaced`: its file can never be where the configuration says. `moved`: its file
 * has been deleted, renamed or replaced while it was open. `schema`: its version is not the one needed. `unavailable`:
 * everything that may pass.
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

/** A database could not do what it was asked for. The message is for the operator. */
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

/** Swarms are `live` while they have peers; when one went inactive, for its row. */
export function inactiveSince({ peers, lastSeen }: SwarmRow): number | null {
  return peers.length === 0 ? lastSeen : null;
}
