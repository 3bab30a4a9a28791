/**
 * A mutual exclusion lock in shared memory that names its holder. It is the futex lock of Drepper, "Futexes Are Tricky"
 * (mutex2), with the holder's number in the word instead of a 1. The word 0 means free. One bit means that a thread
 * waits; only then does unlocking cost a system call. A lock is held for microseconds, without a system call.
 *
 * A worker can crash while it holds a lock, by an exception or for lack of memory. The protected memory may then be half
 * changed, so the lock is not released. Other threads wait until the control plane has taken the lock over, repaired the
 * memory (store-recovery.ts) and released the lock.
 */

/** The number of the control plane as a holder. See {@link holderOf} for workers. */
export const CONTROL_PLANE = 0x1ff;

/** The number of the cluster thread as a holder. */
export const CLUSTER_THREAD = 0x1fe;

/**
 * How long the control plane waits for a shard, in milliseconds. A shard is normally held for microseconds. If it takes
 * longer, the holder has lost its processor or has crashed. After a crash the control plane itself must release the
 * shard, so it must not wait forever. `again` is for work that is repeated. `once` is for work that is lost otherwise.
 */
export const SHARD_WAIT_MS = { again: 5, once: 100 } as const;

/**
 * How often a scan of all swarms tries locked shards again, each time after a rest. Each attempt takes some tens of
 * milliseconds. A worker that has lost its processor has it back by then.
 */
export const SCAN_RETRIES = 40;

/** Peers that the control plane copies or stores while it holds a shard. Announces wait for these few microseconds. */
export const PEERS_PER_HOLD = 256;

const FREE = 0;
const HOLDER = 0x1ff;
const AWAITED = 0x200;

/** Attempts before a thread sleeps. They take about as long as a lock is held. */
const SPINS = 64;

/** The number of a worker as a holder. */
export function holderOf(worker: number): number {
  return worker + 1;
}

/**
 * Takes the lock at `cells[index]`. Waits without a limit.
 * @throws Error if this holder has the lock already: an exception left it locked, and was caught.
 */
export function lock(cells: Int32Array<SharedArrayBuffer>, index: number, holder: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.compareExchange(cells, index, FREE, holder) === FREE) return;
  }
  waitFor(cells, index, holder, Number.POSITIVE_INFINITY);
}

/**
 * Takes the lock at `cells[index]`. Waits for `waitMs` at most.
 * @returns whether the lock was taken. False as well if this holder has it already: the control plane may have a lock of
 *   a crashed worker while it waits for another one (store-recovery.ts).
 */
export function tryLock(
  cells: Int32Array<SharedArrayBuffer>,
  index: number,
  holder: number,
  waitMs: number,
): boolean {
  if (Atomics.compareExchange(cells, index, FREE, holder) === FREE) return true;
  return waitFor(cells, index, holder, waitMs);
}

/** Releases the lock. Only its holder may call this. @returns whether another thread slept until then. */
export function unlock(cells: Int32Array<SharedArrayBuffer>, index: number): boolean {
  if ((Atomics.exchange(cells, index, FREE) & AWAITED) === 0) return false;
  return Atomics.notify(cells, index, 1) > 0;
}

/**
 * Takes the lock over from a worker that has crashed.
 * @returns false if that worker does not hold it.
 */
export function inheritLock(
  cells: Int32Array<SharedArrayBuffer>,
  index: number,
  dead: number,
  heir: number,
): boolean {
  for (;;) {
    const seen = Atomics.load(cells, index);
    if ((seen & HOLDER) !== dead) return false;
    if (Atomics.compareExchange(cells, index, seen, heir | (seen & AWAITED)) === seen) return true;
  }
}

/** Sleeps until the lock is free and takes it. Keeps the bit for waiting threads, as others may sleep as well. */
function waitFor(
  cells: Int32Array<SharedArrayBuffer>,
  index: number,
  holder: number,
  waitMs: number,
): boolean {
  for (;;) {
    const seen = Atomics.load(cells, index);
    if (seen === FREE) {
      if (Atomics.compareExchange(cells, index, FREE, holder | AWAITED) === FREE) return true;
      continue;
    }
    if ((seen & HOLDER) === holder) {
      if (waitMs < Number.POSITIVE_INFINITY) return false;
      throw new Error("a lock is taken twice by the same thread");
    }
    const awaited = seen | AWAITED;
    if (seen !== awaited && Atomics.compareExchange(cells, index, seen, awaited) !== seen) continue;
    if (Atomics.wait(cells, index, awaited, waitMs) === "timed-out") return false;
  }
}
