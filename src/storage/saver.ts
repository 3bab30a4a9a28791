/**
 * Writes changed swarms to the database, up to a few hundred at a time. No lock is held across a wait: a swarm is read
 * under its shard's lock, and written after the lock is released. Rows that could not be written are written first when
 * the database is available again. All other changed swarms are still marked in memory, so their newest state is read
 * later.
 */

import { INFO_HASH_WORDS, infoHashBytes, setInfoHashWords } from "../model/info-hash.ts";
import type { Rest } from "../platform/rest.ts";
import { setChanged } from "../store/layout/entry.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { ChangedSwarms } from "./changed-swarms.ts";
import { BEFORE_ALL, type Database, keyOf, type SwarmFacts, type SwarmRow } from "./database.ts";
import type { SwarmLoader } from "./swarm-loader.ts";
import { type Past, SwarmReader } from "./swarm-reader.ts";
import { type Vanished, VanishedSwarms } from "./vanished-swarms.ts";

/** Swarms read at a time: a tenth of a millisecond of work. Announces wait for it where all threads share a core. */
const SLICE = 32;

/** The time to wait for a shard that is not tried again. */
const LAST_WAIT_MS = 1000;

const NO_PEERS = new Uint8Array(0);

/** Saves one store to one database. */
export class Saver {
  /** Rows written since start. */
  written = 0;
  readonly #store: SwarmStore;
  readonly #now: () => number;
  readonly #wallClock: () => number;
  readonly #vanished: VanishedSwarms;
  readonly #reader: SwarmReader;
  readonly #changed: ChangedSwarms;
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  /** Rows that are read and not written yet: at most one batch. */
  #pending: SwarmRow[] = [];
  #loader: SwarmLoader | undefined;

  /** @param now the clock of the store's times. @param wallClock the clock of stored times. Both in seconds. */
  constructor(store: SwarmStore, now: () => number, wallClock = now) {
    this.#store = store;
    this.#now = now;
    this.#wallClock = wallClock;
    this.#vanished = new VanishedSwarms(store);
    this.#reader = new SwarmReader(store, this.#vanished);
    this.#changed = new ChangedSwarms(store);
  }

  /** Collects vanished swarms before the rings of the store overflow. Needs no database. */
  collectVanished(): void {
    this.#reader.drain();
  }

  /** How often a swarm had more peers than a row stores. */
  get cut(): number {
    return this.#reader.cut;
  }

  /** Vanished swarms that were missed because a ring or the list of held swarms was full. */
  get missed(): number {
    return this.#vanished.missedCount;
  }

  /** Marks every swarm as changed: the database may lack rows, and may have rows of vanished swarms. */
  assumeNothingSaved(): void {
    this.#vanished.missed = true;
    const store = this.#store;
    for (let shard = 0; shard < store.shards; shard++) {
      // A shard that stays locked belongs to a crashed worker, and is about to be emptied.
      if (!store.tryEnterShard(shard, LAST_WAIT_MS)) continue;
      for (let number = 0; number < store.swarmsIn(shard); number++)
        setChanged(store.words, store.swarmAt(shard, number));
      store.leave(shard);
    }
  }

  /**
   * Writes everything that has changed, but for shards that cannot be locked: their workers have crashed, or wait for a
   * processor.
   * @param loader given while not all stored swarms have been loaded. The stored rows of changed swarms are loaded with
   * it first. A swarm that is not in memory may still be stored with peers.
   * @returns whether everything was written. If not, the next save writes the rest.
   * @throws DatabaseError
   */
  async save(database: Database, rest: Rest, loader?: SwarmLoader): Promise<boolean> {
    this.#loader = loader;
    this.#reader.leftOut = false;
    await this.#writePending(database);
    await this.#writeVanished(database, rest);
    if (this.#vanished.missed && loader === undefined) await this.#compareEverything(database, rest);
    this.#reader.retry();
    this.#changed.begin();
    for (let count = this.#changed.next(); count > 0; count = this.#changed.next()) {
      const { rowsAtOnce } = database;
      for (let from = 0; from < count; from += rowsAtOnce) {
        await this.#saveSome(database, from, Math.min(count, from + rowsAtOnce), rest);
      }
    }
    await this.#writeVanished(database, rest);
    return !this.#reader.leftOut && !this.#changed.leftOut;
  }

  /** Writes the swarms `[from, to)` of the current batch. */
  async #saveSome(database: Database, from: number, to: number, rest: Rest): Promise<void> {
    const fresh: Uint8Array[] = [];
    for (let i = from; i < to; i++) {
      if (this.#reader.isFresh(this.#hashAt(i))) fresh.push(infoHashBytes(this.#infoHash));
    }
    // The counts of swarms that vanished and came back must be in their rows first.
    await this.#writeVanishedSlices(database);
    const past = await this.#readPast(database, fresh);
    for (let next = from; next < to; ) {
      const began = performance.now();
      for (const end = Math.min(to, next + SLICE); next < end; next++) {
        const row = this.#reader.read(this.#hashAt(next), this.#now(), this.#wallClock(), past);
        if (row !== undefined) this.#pending.push(row);
      }
      if (next === to) await this.#writePending(database);
      await rest(performance.now() - began);
    }
  }

  #hashAt(i: number): Uint32Array {
    const at = this.#changed.at(i);
    this.#infoHash.set(this.#changed.hashes.subarray(at, at + INFO_HASH_WORDS));
    return this.#infoHash;
  }

  async #readPast(database: Database, infoHashes: readonly Uint8Array[]): Promise<Past> {
    if (infoHashes.length === 0) return new Map();
    if (this.#loader !== undefined) return await this.#loadPast(database, infoHashes, this.#loader);
    const facts = await database.readFacts(infoHashes);
    return new Map(infoHashes.map((infoHash) => [keyOf(infoHash), facts.get(keyOf(infoHash))]));
  }

  /** Loads stored swarms. @returns the facts of those that are still fresh after that. */
  async #loadPast(database: Database, infoHashes: readonly Uint8Array[], loader: SwarmLoader): Promise<Past> {
    const past = new Map<string, SwarmFacts | undefined>();
    for (const infoHash of infoHashes) {
      const row = await readRow(database, infoHash);
      const hasPeers = row !== undefined && row.peers.length > 0;
      // A swarm whose shard cannot be locked is loaded later.
      if (!hasPeers || loader.load(row, this.#now(), this.#wallClock())) past.set(keyOf(infoHash), row);
      else this.#reader.leftOut = true;
    }
    return past;
  }

  async #writePending(database: Database): Promise<void> {
    if (this.#pending.length === 0) return;
    await database.writeSwarms(this.#pending);
    this.written += this.#pending.length;
    this.#pending = [];
  }

  async #writeVanished(database: Database, rest: Rest): Promise<void> {
    this.collectVanished();
    const began = performance.now();
    await this.#writeVanishedSlices(database);
    await rest(performance.now() - began);
  }

  async #writeVanishedSlices(database: Database): Promise<void> {
    while (this.#vanished.held.length > 0) {
      const slice = this.#vanished.held.slice(0, database.rowsAtOnce);
      const facts = await database.readFacts(slice.map(({ infoHash }) => infoHash));
      const rows = new Map<string, SwarmRow>();
      for (const vanished of slice) {
        const key = keyOf(vanished.infoHash);
        const row = inactiveRow(vanished, rows.get(key) ?? facts.get(key));
        if (row === undefined) continue;
        // Its stored peers were never loaded, so they have not vanished.
        const isUnloaded = this.#loader !== undefined && vanished.fresh && !rows.has(key);
        const stored = isUnloaded ? await readRow(database, vanished.infoHash) : undefined;
        rows.set(key, stored === undefined ? row : { ...row, peers: stored.peers });
      }
      await database.writeSwarms([...rows.values()]);
      this.written += rows.size;
      this.#vanished.drop(slice.length);
      // A swarm that has come back is newer in memory than in its row.
      for (const { infoHash } of rows.values()) this.#touch(infoHash);
    }
  }

  /** Deactivates the rows of swarms that are not in memory. Done only when vanished swarms were missed. */
  async #compareEverything(database: Database, rest: Rest): Promise<void> {
    this.#vanished.missed = false;
    try {
      for (let after: Uint8Array = BEFORE_ALL; ; ) {
        const began = performance.now();
        const rows = await database.readSwarms(after, database.rowsAtOnce, true);
        if (rows.length === 0) break;
        const gone = rows.filter(({ infoHash }) => !this.#isInMemory(infoHash));
        await database.writeSwarms(gone.map((row) => ({ ...row, peers: NO_PEERS })));
        this.written += gone.length;
        after = rows[rows.length - 1].infoHash;
        await rest(performance.now() - began);
      }
      // A swarm whose shard could not be locked counts as in memory.
      this.#vanished.missed ||= this.#reader.leftOut;
    } catch (error) {
      this.#vanished.missed = true;
      throw error;
    }
  }

  #isInMemory(infoHash: Uint8Array): boolean {
    setInfoHashWords(this.#infoHash, 0, infoHash);
    return this.#reader.isInMemory(this.#infoHash);
  }

  #touch(infoHash: Uint8Array): void {
    setInfoHashWords(this.#infoHash, 0, infoHash);
    this.#reader.touch(this.#infoHash);
  }
}

/**
 * The row of a vanished swarm. The counts of a fresh swarm are added to the stored ones. A fresh swarm without downloads
 * and without a stored row needs no row.
 */
function inactiveRow(vanished: Vanished, stored: SwarmFacts | undefined): SwarmRow | undefined {
  const { infoHash, fresh, firstSeen, lastSeen, downloaded } = vanished;
  if (fresh && stored === undefined && downloaded === 0) return undefined;
  return {
    infoHash,
    firstSeen: Math.min(firstSeen, stored?.firstSeen ?? firstSeen),
    lastSeen: Math.max(lastSeen, stored?.lastSeen ?? lastSeen),
    downloaded: fresh ? downloaded + (stored?.downloaded ?? 0) : downloaded,
    peers: NO_PEERS,
  };
}

/** The row of one swarm. */
async function readRow(database: Database, infoHash: Uint8Array): Promise<SwarmRow | undefined> {
  const [row] = await database.readSwarms(predecessor(infoHash), 1, false);
  return row !== undefined && keyOf(row.infoHash) === keyOf(infoHash) ? row : undefined;
}

/** The last info-hash before one, in order. */
function predecessor(infoHash: Uint8Array): Uint8Array {
  const before = infoHash.slice();
  for (let at = before.length - 1; at >= 0; at--) {
    // A byte of 0 becomes 255, and borrows from the byte before it.
    before[at]--;
    if (infoHash[at] !== 0) return before;
  }
  return BEFORE_ALL;
}
