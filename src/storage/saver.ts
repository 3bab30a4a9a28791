/**
 * Writes what has changed in memory to the database, some hundred swarms at a time. Nothing is held across a wait: a
 * swarm is read under its shard's lock, then written without. What could not be written is written first when the
 * database is back; everything else is still marked as changed, in memory, where it always is as new as can be.
 */
import type { SwarmStore } from "../store/swarm-store.ts";
import { ChangedSwarms } from "./changed-swarms.ts";
import { BEFORE_ALL, type Database, keyOf, type SwarmFacts, type SwarmRow } from "./database.ts";
import { hashBytes, setHashWords } from "./info-hash-bytes.ts";
import type { SwarmLoader } from "./swarm-loader.ts";
import { type Past, SwarmReader } from "./swarm-reader.ts";
import { type Vanished, VanishedSwarms } from "./vanished-swarms.ts";

/** Swarms read at a time: a tenth of a millisecond's work, for which announces may have to wait where all share a core. */
const SLICE = 32;

/** How long a shard is waited for where there is no second chance. */
const LAST_WAIT_MS = 100;

const NO_PEERS = new Uint8Array(0);

/** Rests after a piece of work, so that others come to theirs. */
export type Rest = (workedMs: number) => Promise<void>;

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
  readonly #infoHash = new Uint32Array(5);
  /** Rows that have been read and not written yet: as many as are written at once. */
  #pending: SwarmRow[] = [];
  #loader: SwarmLoader | undefined;

  /** @param now the clock of the store's times. @param wallClock by which the next process goes on. Both in seconds. */
  constructor(store: SwarmStore, now: () => number, wallClock = now) {
    this.#store = store;
    this.#now = now;
    this.#wallClock = wallClock;
    this.#vanished = new VanishedSwarms(store);
    this.#reader = new SwarmReader(store, this.#vanished);
    this.#changed = new ChangedSwarms(store);
  }

  /** Takes note of what has vanished, before the store forgets it. Needs no database. */
  takeNote(): void {
    this.#reader.drain();
  }

  /** How often a swarm had more peers than are kept. */
  get cut(): number {
    return this.#reader.cut;
  }

  /** Swarms that vanished and were missed, as their rings or what is held of them was full. */
  get missed(): number {
    return this.#vanished.missedCount;
  }

  /** Takes nothing for saved: the database may lack any row, and may have rows of swarms that have vanished. */
  distrust(): void {
    this.#vanished.missed = true;
    const store = this.#store;
    for (let shard = 0; shard < store.shards; shard++) {
      // One whose thread has died is about to be emptied.
      if (!store.tryEnterShard(shard, LAST_WAIT_MS)) continue;
      for (let number = 0; number < store.swarmsIn(shard); number++)
        store.touch(store.swarmAt(shard, number));
      store.leave(shard);
    }
  }

  /**
   * Writes everything that has changed.
   * @param loader while not all that is kept has been in memory, so that what is not there may never have been: what is
   * kept of the swarms that have changed is loaded by it first.
   * @throws DatabaseError
   */
  async save(database: Database, rest: Rest, loader?: SwarmLoader): Promise<void> {
    this.#loader = loader;
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
  }

  /** Writes the swarms `[from, to)` of the current batch. */
  async #saveSome(database: Database, from: number, to: number, rest: Rest): Promise<void> {
    const fresh: Uint8Array[] = [];
    for (let i = from; i < to; i++) {
      if (this.#reader.isFresh(this.#hashAt(i))) fresh.push(hashBytes(this.#infoHash, 0));
    }
    // What vanished of them before they came back must be in their rows first.
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
    this.#infoHash.set(this.#changed.hashes.subarray(at, at + 5));
    return this.#infoHash;
  }

  async #readPast(database: Database, infoHashes: readonly Uint8Array[]): Promise<Past> {
    if (infoHashes.length === 0) return new Map();
    if (this.#loader !== undefined) return await this.#loadPast(database, infoHashes, this.#loader);
    const facts = await database.readFacts(infoHashes);
    return new Map(infoHashes.map((infoHash) => [keyOf(infoHash), facts.get(keyOf(infoHash))]));
  }

  /** Loads what is kept of swarms. @returns their facts, for those that loading left fresh. */
  async #loadPast(database: Database, infoHashes: readonly Uint8Array[], loader: SwarmLoader): Promise<Past> {
    const past = new Map<string, SwarmFacts | undefined>();
    for (const infoHash of infoHashes) {
      const row = await readRow(database, infoHash);
      const hasPeers = row !== undefined && row.peers.length > 0;
      // One whose shard cannot be had is left for later.
      if (!hasPeers || loader.load(row, this.#now(), this.#wallClock())) past.set(keyOf(infoHash), row);
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
    this.takeNote();
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
        // Its peers from before have not been in memory, and so have not vanished.
        const isUnloaded = this.#loader !== undefined && vanished.fresh && !rows.has(key);
        const kept = isUnloaded ? await readRow(database, vanished.infoHash) : undefined;
        rows.set(key, kept === undefined ? row : { ...row, peers: kept.peers });
      }
      await database.writeSwarms([...rows.values()]);
      this.written += rows.size;
      this.#vanished.drop(slice.length);
      // One that is back already is in memory as it should be in its row.
      for (const { infoHash } of rows.values()) this.#touch(infoHash);
    }
  }

  /** Makes the rows inactive whose swarms are not in memory. Only when some may have vanished unnoticed. */
  async #compareEverything(database: Database, rest: Rest): Promise<void> {
    this.#vanished.missed = false;
    try {
      for (let after: Uint8Array = BEFORE_ALL; ; ) {
        const began = performance.now();
        const rows = await database.readSwarms(after, database.rowsAtOnce, true);
        if (rows.length === 0) return;
        const gone = rows.filter(({ infoHash }) => !this.#isThere(infoHash));
        await database.writeSwarms(gone.map((row) => ({ ...row, peers: NO_PEERS })));
        this.written += gone.length;
        after = rows[rows.length - 1].infoHash;
        await rest(performance.now() - began);
      }
    } catch (error) {
      this.#vanished.missed = true;
      throw error;
    }
  }

  #isThere(infoHash: Uint8Array): boolean {
    setHashWords(this.#infoHash, 0, infoHash);
    return this.#reader.isThere(this.#infoHash);
  }

  #touch(infoHash: Uint8Array): void {
    setHashWords(this.#infoHash, 0, infoHash);
    this.#reader.touch(this.#infoHash);
  }
}

/**
 * The row of a swarm that has vanished. A fresh one adds to what was kept before; one that brought nothing, and of which
 * nothing was kept, needs no row.
 */
function inactiveRow(vanished: Vanished, kept: SwarmFacts | undefined): SwarmRow | undefined {
  const { infoHash, fresh, firstSeen, lastSeen, downloaded } = vanished;
  if (fresh && kept === undefined && downloaded === 0) return undefined;
  return {
    infoHash,
    firstSeen: Math.min(firstSeen, kept?.firstSeen ?? firstSeen),
    lastSeen: Math.max(lastSeen, kept?.lastSeen ?? lastSeen),
    downloaded: fresh ? downloaded + (kept?.downloaded ?? 0) : downloaded,
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
    // A byte that is 0 becomes 255, and borrows from the one before it.
    before[at]--;
    if (infoHash[at] !== 0) return before;
  }
  return BEFORE_ALL;
}
