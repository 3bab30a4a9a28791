/**
 * A ring of changes for the other nodes of the cluster, in shared memory. Each worker has one. Only the worker writes to
 * it, at the end of an announce; only the cluster thread reads, every few milliseconds, so a change wakes nobody. A change
 * that finds the ring full is dropped and counted: the cluster thread counts the dropped ones in its sequence, so that
 * the other nodes see the loss and ask for it (cluster/catch-up.ts).
 *
 *     change   info-hash:5  address:4  port:16 left:16  family:8 flags:8  client:1  received:1  sent:1 (KiB)  (words)
 */
import type { AnnounceRequest } from "../model/announce.ts";

/** Words of a change in the ring: a line of the processor's cache. */
const CHANGE_WORDS = 16;

/** Where the parts of a change are. */
export const CHANGE = {
  infoHash: 0,
  address: 5,
  /** Port in the high half, `left` (coarseLeft) in the low half. */
  port: 9,
  /** Family in the second byte, flags ({@link CHANGE_FLAG}) in the lowest. */
  flags: 10,
  /** The hash of the client (store/client-identity.ts), or 0. */
  client: 11,
  /** KiB that it reports as received and as sent, modulo 2^32. */
  sums: 12,
} as const;

/** What is known of a peer that changed. */
export const CHANGE_FLAG = {
  /** It left the swarm. */
  stopped: 1,
  /** `downloaded` has counted it. */
  counted: 2,
  /** Its mark (store/layout/key.ts): a bridge, or a proven copy. */
  marked: 4,
  /** It reports uploaded bytes. */
  uploaded: 8,
  /** The sums of bytes are known. */
  sums: 16,
  /** It has completed its download with this announce. */
  completed: 32,
} as const;

/** Changes that a ring holds; a power of two. At 100,000 a second it is full after 160 ms. */
const RING_CHANGES = 1 << 14;

/** Upper bound of the bytes that a client may report. */
const SUM_LIMIT = 2 ** 64;
const KIB = 1024;

/** Words of the header: changes ever written, read and dropped, modulo 2^32. */
const WRITTEN = 0;
const READ = 1;
const DROPPED = 2;

/** A ring's shared memory. */
export interface ReplicationRingData {
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly words: Uint32Array<SharedArrayBuffer>;
}

/** Allocates an empty ring. @param changes that it holds, a power of two. */
export function allocateReplicationRing(changes: number = RING_CHANGES): ReplicationRingData {
  return {
    header: new Int32Array(new SharedArrayBuffer(12)),
    words: new Uint32Array(new SharedArrayBuffer(changes * CHANGE_WORDS * 4)),
  };
}

/** Writes a worker's changes. */
export class ReplicationWriter {
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #capacity: number;

  constructor({ header, words }: ReplicationRingData) {
    this.#header = header;
    this.#words = words;
    this.#capacity = words.length / CHANGE_WORDS;
  }

  /**
   * Adds a change of the peer that announces.
   * @param isOther whether it is the announce's other address.
   * @param flags of {@link CHANGE_FLAG}, without `sums`.
   * @param client as {@link CHANGE} says.
   */
  push(request: AnnounceRequest, isOther: boolean, flags: number, client: number): void {
    const header = this.#header;
    const words = this.#words;
    const written = header[WRITTEN];
    if (((written - Atomics.load(header, READ)) | 0) >= this.#capacity) {
      Atomics.add(header, DROPPED, 1);
      return;
    }
    const at = (written & (this.#capacity - 1)) * CHANGE_WORDS;
    const { infoHash, transferred, left } = request;
    const address = isOther ? request.otherAddress : request.address;
    const port = isOther ? request.otherPort : request.port;
    // Without loops, for speed.
    const from = address.words;
    words[at] = infoHash[0];
    words[at + 1] = infoHash[1];
    words[at + 2] = infoHash[2];
    words[at + 3] = infoHash[3];
    words[at + 4] = infoHash[4];
    words[at + CHANGE.address] = from[0];
    words[at + CHANGE.address + 1] = from[1];
    words[at + CHANGE.address + 2] = from[2];
    words[at + CHANGE.address + 3] = from[3];
    const received = transferred[0];
    const sent = transferred[1];
    const hasSums = received >= 0 && received < SUM_LIMIT && sent >= 0 && sent < SUM_LIMIT;
    words[at + CHANGE.port] = (port << 16) | left;
    words[at + CHANGE.flags] = (address.family << 8) | flags | (hasSums ? CHANGE_FLAG.sums : 0);
    words[at + CHANGE.client] = client;
    words[at + CHANGE.sums] = hasSums ? (received / KIB) >>> 0 : 0;
    words[at + CHANGE.sums + 1] = hasSums ? (sent / KIB) >>> 0 : 0;
    Atomics.store(header, WRITTEN, (written + 1) | 0);
  }
}

/** Called with the words that have a change, and where it begins. They are valid only during the call. */
type ChangeVisitor = (words: Uint32Array, at: number) => void;

/** Reads a worker's changes. */
export class ReplicationReader {
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #capacity: number;
  #dropped: number;

  constructor({ header, words }: ReplicationRingData) {
    this.#header = header;
    this.#words = words;
    this.#capacity = words.length / CHANGE_WORDS;
    this.#dropped = Atomics.load(header, DROPPED);
  }

  /** Takes up to `limit` changes in order. @returns how many. */
  drain(visit: ChangeVisitor, limit: number): number {
    const header = this.#header;
    let read = header[READ];
    const ready = (Atomics.load(header, WRITTEN) - read) | 0;
    const count = Math.min(ready, limit);
    for (let i = 0; i < count; i++) {
      visit(this.#words, (read & (this.#capacity - 1)) * CHANGE_WORDS);
      read = (read + 1) | 0;
      Atomics.store(header, READ, read);
    }
    return count;
  }

  /** The number of changes that were dropped since the last call. */
  takeDropped(): number {
    const dropped = Atomics.load(this.#header, DROPPED);
    const more = (dropped - this.#dropped) >>> 0;
    this.#dropped = dropped;
    return more;
  }
}
