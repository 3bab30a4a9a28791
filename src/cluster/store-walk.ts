/**
 * Walks through all swarms in small steps, so that a shard is held for microseconds. A walk remembers where it is by
 * numbers, and the swarms change between two steps. So it goes from the last swarm of a shard to the first, and through
 * a list from its end: what is removed is replaced by something from behind, which was visited already. A peer that is
 * missed in a list that changes during its walk is found by the digests (digest.ts).
 */
import type { Family } from "../model/address.ts";
import { lastSeenOf } from "../store/layout/entry.ts";
import type { SwarmStore } from "../store/swarm-store.ts";

/**
 * Peers that are visited while a shard is held, at most. Swarms of up to so many peers are visited in one hold, and their
 * records are in one message.
 */
const HOLD = 512;

/** Peers and swarms after which a hold ends, unless they are of one swarm: some microseconds. */
const SHORT_HOLD = 64;

/**
 * A pause after a hold for which another thread has waited. That thread wakes up meanwhile. Otherwise it would find
 * the shard locked again, as a walk takes the same shard many times in a row.
 */
const REST_MS = 0.2;

/** Where a walk is. Mutable. {@link shard} equals the number of shards when it is at the end. */
export class WalkCursor {
  shard = 0;
  /** The number of the swarm, from the last one down; {@link BEGIN} at the begin of a shard. */
  swarm = BEGIN;
  /** The first word of its info-hash, if some of its peers were visited. */
  word = 0;
  family: Family | 0 = 0;
  /** Peers of the family that are not visited yet. */
  left = 0;

  /** Whether peers of the swarm are left. */
  get isInside(): boolean {
    return this.family !== 0;
  }

  /** Takes over the place of another walk. */
  copyFrom(other: WalkCursor): void {
    this.shard = other.shard;
    this.swarm = other.swarm;
    this.word = other.word;
    this.family = other.family;
    this.left = other.left;
  }
}

/** The walk of a shard has not begun. */
export const BEGIN = 0xffffffff;

/** What a walk visits. Called while the shard is held. */
export interface WalkVisitor {
  /** Whether to visit the peers of a swarm. */
  enters(entry: number): boolean;
  /** Visits peers, given the record's first word and the family. */
  peer(entry: number, record: number, family: Family): void;
  /** All peers of a swarm have been visited. */
  leaves(entry: number): void;
  /** How many more peers can be visited now. */
  readonly room: number;
}

/**
 * Goes on with a walk while there is room.
 * @param steps holds of a shard, at most.
 * @returns whether the end was reached.
 */
export function walk(store: SwarmStore, cursor: WalkCursor, visitor: WalkVisitor, steps: number): boolean {
  for (let step = 0; step < steps; step++) {
    if (cursor.shard >= store.shards) return true;
    if (visitor.room < HOLD) return false;
    const { shard } = cursor;
    store.enterShard(shard);
    const more = walkShard(store, cursor, visitor);
    if (store.leave(shard)) rest();
    if (more) continue;
    cursor.shard++;
    cursor.swarm = BEGIN;
    cursor.family = 0;
  }
  return cursor.shard >= store.shards;
}

/** @returns whether there is more in the shard. */
function walkShard(store: SwarmStore, cursor: WalkCursor, visitor: WalkVisitor): boolean {
  const last = store.swarmsIn(cursor.shard) - 1;
  if (cursor.swarm > last) {
    cursor.swarm = last;
    cursor.family = 0;
  }
  let visited = 0;
  while (cursor.swarm >= 0) {
    const entry = store.swarmAt(cursor.shard, cursor.swarm);
    const isSame = cursor.family !== 0 && store.words[entry] === cursor.word;
    if (!isSame) cursor.family = 0;
    if (cursor.family === 0) {
      const peers =
        store.list(4).count(store.listCell(entry, 4)) + store.list(6).count(store.listCell(entry, 6));
      // A swarm that would make this hold long is left for the next one.
      if (visited > 0 && visited + peers > SHORT_HOLD) return true;
      if (visitor.enters(entry)) begin(store, cursor, entry, 6);
    }
    if (cursor.isInside) {
      visited += walkLists(store, cursor, visitor, entry);
      if (cursor.isInside) return true;
      visitor.leaves(entry);
    }
    if (cursor.swarm === 0) return false;
    cursor.swarm--;
    visited++;
    if (visited >= SHORT_HOLD || visitor.room < HOLD) return true;
  }
  return false;
}

/** The lists of a swarm in the order of the walk. */
const LISTS = [6, 4] as const satisfies readonly Family[];

function begin(store: SwarmStore, cursor: WalkCursor, entry: number, family: Family): void {
  cursor.word = store.words[entry];
  cursor.family = family;
  cursor.left = store.list(family).count(store.listCell(entry, family));
}

/**
 * Visits up to {@link HOLD} peers of a swarm, IPv6 first.
 * @returns their number. `cursor.family` is 0 after the last peer.
 */
function walkLists(store: SwarmStore, cursor: WalkCursor, visitor: WalkVisitor, entry: number): number {
  let visited = 0;
  for (const family of LISTS) {
    if (cursor.family !== family) continue;
    const list = store.list(family);
    const cell = store.listCell(entry, family);
    cursor.left = Math.min(cursor.left, list.count(cell));
    for (; cursor.left > 0; cursor.left--, visited++) {
      if (visited >= HOLD || visitor.room <= 0) return visited;
      visitor.peer(entry, list.recordAt(cell, cursor.left - 1), family);
    }
    begin(store, cursor, entry, 4);
  }
  cursor.family = 0;
  return visited;
}

const resting = new Int32Array(new SharedArrayBuffer(4));

function rest(): void {
  Atomics.wait(resting, 0, 0, REST_MS);
}

/** Whether a swarm was announced since a time. Seconds. */
export function isSeenSince(store: SwarmStore, entry: number, seconds: number): boolean {
  return lastSeenOf(store.words, entry) >= seconds;
}
