/** The day of a log file. Days may begin at a local time other than midnight. */

/** The period of one log file. */
export interface LogDay {
  /** Its date, `YYYY-MM-DD`: the one with most of the period. */
  readonly date: string;
  /** First millisecond, since the epoch. */
  readonly start: number;
  /** First millisecond of the next day. */
  readonly end: number;
}

/**
 * The log day that contains `at`. Each day begins at one instant, even if the time of day occurs twice or never
 * (daylight saving), and lasts 23 to 25 hours.
 * @param switchTime local time at which a day begins, `HH:MM:SS`.
 */
export function logDay(at: Date, switchTime: string): LogDay {
  const [hours, minutes, seconds] = switchTime.split(":").map(Number);
  const [year, month, today] = [at.getFullYear(), at.getMonth(), at.getDate()];
  const begin = (date: number) => new Date(year, month, date, hours, minutes, seconds).getTime();
  const date = begin(today) <= at.getTime() ? today : today - 1;
  const named = new Date(year, month, hours < 12 ? date : date + 1, 12);
  return { date: isoDate(named), start: begin(date), end: begin(date + 1) };
}

/** The date `days` before a date, both `YYYY-MM-DD`. */
export function daysBefore(date: string, days: number): string {
  const [year, month, day] = date.split("-").map(Number);
  return isoDate(new Date(year, month - 1, day - days, 12));
}

function isoDate(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
