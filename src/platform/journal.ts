/** Levels for the journal of systemd: a line that begins with `<3>` is an error (sd-daemon(3)). */
import { fstatSync } from "node:fs";

/** The journal's priorities (syslog(3)). */
export const PRIORITY = { critical: 2, error: 3, warning: 4, info: 6, debug: 7 } as const;

/** One of {@link PRIORITY}. */
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/** Whether a descriptor is the journal's. systemd puts its device and inode in JOURNAL_STREAM. */
export function isJournal(fd: number, { JOURNAL_STREAM }: NodeJS.ProcessEnv = process.env): boolean {
  if (JOURNAL_STREAM === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Puts a priority before every line. @param lines without the last line's end. */
export function withPriority(lines: string, priority: Priority): string {
  return lines.replace(/^/gm, `<${priority}>`);
}

/** Lines for standard error: with a priority if it is the journal. @param lines without the last line's end. */
export function forStandardError(lines: string, priority: Priority = PRIORITY.error): string {
  return isJournal(process.stderr.fd) ? withPriority(lines, priority) : lines;
}
