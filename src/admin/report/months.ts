/** Months in UTC, written as `2026-11`. */

/** The format of a month. */
export const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;

/** The month of a time. @param seconds since 1970. */
export function monthOf(seconds: number): string {
  return new Date(1000 * seconds).toISOString().slice(0, 7);
}

/** The day of a time, `2026-11-30`. @param seconds since 1970. */
export function dayOf(seconds: number): string {
  return new Date(1000 * seconds).toISOString().slice(0, 10);
}

/** Start and end of a month, in seconds since 1970. */
export function boundsOf(month: string): { readonly start: number; readonly end: number } {
  return { start: startOf(month, 0), end: startOf(month, 1) };
}

/** The months that end with a month, the oldest first. */
export function lastMonths(month: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => monthOf(startOf(month, i - count + 1)));
}

/** The start of a month so many months later. */
function startOf(month: string, later: number): number {
  const [year, number] = month.split("-").map(Number);
  return Date.UTC(year, number - 1 + later) / 1000;
}
