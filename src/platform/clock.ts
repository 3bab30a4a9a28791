/**
 * A steady clock for all threads: the wall clock when the process started, plus the monotonic time since then. All
 * times in the store are from this clock, and must not be compared with the wall clock: after the wall clock is set,
 * or the machine has slept, peers would seem hours older or younger.
 */

/**
 * The wall clock when the system's monotonic clock was 0, in milliseconds. Call it on the main thread only: other
 * threads started later.
 */
export function clockBase(): number {
  return steadyMs() - Number(process.hrtime.bigint()) / 1e6;
}

/** Seconds since 1970, on any thread. @param baseMs from {@link clockBase}, the same for all threads. */
export function readClock(baseMs: number): number {
  return Math.floor(readClockMs(baseMs) / 1000);
}

/** As {@link readClock}, in milliseconds. */
export function readClockMs(baseMs: number): number {
  return baseMs + Number(process.hrtime.bigint()) / 1e6;
}

/** Milliseconds since 1970, on the main thread. */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Seconds since 1970, on the main thread. */
export function steadySeconds(): number {
  return Math.floor(steadyMs() / 1000);
}
