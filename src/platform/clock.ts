/**
 * The time that all threads agree about, and that never goes back: the wall clock when the process started, and what has
 * passed since. All times in the store are by it. Whatever looks at them must not go by the wall clock: once that has
 * been set, or the machine has slept, all peers would be hours older or younger.
 */

/** The wall clock when the system's monotonic clock was 0, in milliseconds. For the main thread: others started later. */
export function clockBase(): number {
  return steadyMs() - Number(process.hrtime.bigint()) / 1e6;
}

/** Seconds since 1970, on any thread. @param baseMs of {@link clockBase}, the same for all. */
export function readClock(baseMs: number): number {
  return Math.floor((baseMs + Number(process.hrtime.bigint()) / 1e6) / 1000);
}

/** Milliseconds since 1970, on the main thread. */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Seconds since 1970, on the main thread. */
export function steadySeconds(): number {
  return Math.floor(steadyMs() / 1000);
}
