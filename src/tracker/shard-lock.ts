/**
 * A mutual exclusion lock in shared memory: the three-state futex lock of Drepper, "Futexes Are Tricky" (mutex2).
 * 0 is free, 1 held, 2 held with somebody waiting; only the last costs a system call. Holders are in and out within
 * microseconds and never make a system call meanwhile.
 */
const FREE = 0;
const HELD = 1;
const AWAITED = 2;

/** Tries before sleeping: about as long as a holder takes. */
const SPINS = 64;

/** Takes the lock at `cells[index]`, waiting for as long as it takes. */
export function lock(cells: Int32Array<SharedArrayBuffer>, index: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.compareExchange(cells, index, FREE, HELD) === FREE) return;
  }
  while (Atomics.exchange(cells, index, AWAITED) !== FREE) Atomics.wait(cells, index, AWAITED);
}

/** Lets the lock go. Only its holder may call this. */
export function unlock(cells: Int32Array<SharedArrayBuffer>, index: number): void {
  if (Atomics.exchange(cells, index, FREE) === AWAITED) Atomics.notify(cells, index, 1);
}
