/** The time that all threads agree about, and that never goes back: the wall clock at start, and what has passed since. */

/** The wall clock when the system's monotonic clock was 0, in milliseconds. */
export function clockBase(): number {
  return Date.now() - Number(process.hrtime.bigint()) / 1e6;
}

/** Seconds since 1970. @param baseMs of {@link clockBase}, the same for all. */
export function readClock(baseMs: number): number {
  return Math.floor((baseMs + Number(process.hrtime.bigint()) / 1e6) / 1000);
}
