/** Swarms that have vanished from memory and whose rows don't say so yet. */
import { VANISHED, VANISHED_WORDS } from "../store/change-log.ts";
import { SWARM_FLAG } from "../store/swarm-state.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { SwarmFacts } from "./database.ts";
import { hashBytes } from "./info-hash-bytes.ts";

/** Most that are held. What comes on top, while the database is away, is found by comparing everything. */
const HELD_LIMIT = 1 << 16;

/** A swarm that has vanished. */
export interface Vanished extends SwarmFacts {
  readonly infoHash: Uint8Array;
  /** Whether `downloaded` and `firstSeen` are only of the time since it last came back. */
  readonly fresh: boolean;
}

/** Reads the store's rings of vanished swarms. */
export class VanishedSwarms {
  /** Set when some were missed: rows of swarms that are not in memory have to be looked for. */
  missed = false;
  /** How many were missed in all, or more: a shard that was emptied counts as a full ring. */
  missedCount = 0;
  readonly #store: SwarmStore;
  /** Of each shard: how many of its ring have been read. */
  readonly #read: Uint32Array;
  readonly #record = new Uint32Array(VANISHED_WORDS);
  #held: Vanished[] = [];

  constructor(store: SwarmStore) {
    this.#store = store;
    this.#read = new Uint32Array(store.shards);
  }

  /** Those held, longest ago first. */
  get held(): readonly Vanished[] {
    return this.#held;
  }

  /** Takes the first `count` held as done. */
  drop(count: number): void {
    this.#held = this.#held.slice(count);
  }

  /** Reads what a shard's ring has that was not read yet. The caller has the shard. */
  drain(shard: number): void {
    const { vanished } = this.#store;
    const written = vanished.written(shard);
    for (; this.#read[shard] !== written; this.#read[shard]++) {
      if (this.#held.length < HELD_LIMIT && vanished.read(shard, this.#read[shard], this.#record))
        this.#hold();
      else {
        this.missed = true;
        this.missedCount += (written - this.#read[shard]) >>> 0;
        this.#read[shard] = written;
        return;
      }
    }
  }

  #hold(): void {
    const record = this.#record;
    this.#held.push({
      infoHash: hashBytes(record, 0),
      downloaded: record[VANISHED.downloaded],
      firstSeen: record[VANISHED.firstSeen],
      lastSeen: record[VANISHED.lastSeen],
      fresh: (record[VANISHED.flags] & SWARM_FLAG.fresh) !== 0,
    });
  }
}
