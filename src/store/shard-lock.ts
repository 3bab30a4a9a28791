/**
 * A mutual exclusion lock in shared memory that knows its holder: the futex lock of Drepper, "Futexes Are Tricky"
 * (mutex2), with the holder's number in the word instead of a 1. 0 is free; a bit says that somebody waits, and only then
 * letting go costs a system call. Holders are in and out within microseconds and never make a system call meanwhile.
 *
 * A thread can die while it holds a lock, by an exception or for want of memory. What the lock protects may then be half
 * changed, so nothing lets it go on the way out: who waits goes on waiting until the control plane, which learns of the
 * death, has taken the lock over, put things right (store-recovery.ts) and let it go.
 */

/** Number of the control plane as a holder; workers have theirs + 1. */
export const CONTROL_PLANE = 0x1ff;

/**
 * How long the control plane waits for a shard, in milliseconds. Holders have it for microseconds; one that has it for
 * longer has lost its processor, or is dead, and then the control plane has to come to free it. `again`: what comes by
 * again, and waits little, as every shard of a dead thread is waited for. `once`: what is lost if it does not get it.
 */
export const SHARD_WAIT_MS = { again: 5, once: 20 } as const;

/** Peers that the control plane copies or stores before it lets a shard go: some microseconds, in which announces may wait. */
export const PEERS_PER_HOLD = 256;

const FREE = 0;
const HOLDER = 0x1ff;
const AWAITED = 0x200;

/** Tries before sleeping: about as long as a holder takes. */
const SPINS = 64;

/** How a worker is named as a holder. */
export function holderOf(worker: number): number {
  return worker + 1;
}

/**
 * Takes the lock at `cells[index]`, waiting for as long as it takes.
 * @throws Error when this very holder has it: it was left locked by an exception that somebody caught.
 */
export function lock(cells: Int32Array<SharedArrayBuffer>, index: number, holder: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.compareExchange(cells, index, FREE, holder) === FREE) return;
  }
  waitFor(cells, index, holder, Number.POSITIVE_INFINITY);
}

/**
 * The same, waiting for `waitMs` at most.
 * @returns whether the lock was taken; not when this very holder has it, as the control plane may that of a dead thread
 *   while it waits for another lock (store-recovery.ts).
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

/** Lets the lock go. Only its holder may call this. */
export function unlock(cells: Int32Array<SharedArrayBuffer>, index: number): void {
  if ((Atomics.exchange(cells, index, FREE) & AWAITED) !== 0) Atomics.notify(cells, index, 1);
}

/**
 * Takes the lock over from a holder that is dead.
 * @returns false when it does not have it.
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

/** Sleeps until the lock is free and takes it, with the mark of being awaited: others may be asleep as well. */
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
