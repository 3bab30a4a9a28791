/**
 * The log as files in a directory. `btrt.log` is the current one. Once a day, at a local time, it is renamed to
 * `btrt-YYYY-MM-DD.log`, and a new one is started.
 */
import {
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Complain, LineWriter } from "./line-writer.ts";
import { daysBefore, type LogDay, logDay } from "./log-day.ts";

const NAME = "btrt.log";
const OLD_NAME = /^btrt-(\d{4}-\d\d-\d\d)\.log(\.\d+)?$/;
/** It may have subscribers' addresses: not world-readable. */
const FILE_MODE = 0o640;
/** Interval of checks of the clock and the file when nothing is written, in milliseconds. */
const CHECK_MS = 10_000;
/** A clock set back by less than this continues in the same file, in milliseconds. */
const CLOCK_BACK_MS = 24 * 3600_000;

/** Options of a {@link LogFile}. */
export interface LogFileOptions {
  /** Created if missing. */
  readonly directory: string;
  /** Local time of the daily switch, `HH:MM:SS`. */
  readonly switchTime: string;
  /** Older files are deleted. */
  readonly keepDays: number;
  readonly now: () => Date;
  readonly complain: Complain;
}

/** An open log. Each line goes to the file of the day in which it is written. */
export class LogFile {
  readonly #options: LogFileOptions;
  readonly #path: string;
  /** Writers of earlier files with unwritten lines. */
  readonly #finishing = new Set<LineWriter>();
  #writer: LineWriter;
  #day: LogDay;
  /** Identity of the current file, to notice that it was moved or deleted. */
  #fileId = "";
  /** A failed switch is retried by {@link check}, not at every line. */
  #switchFailed = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * Opens the log; a file from an earlier day is renamed first.
   * @throws Error with the directory's name if it cannot be created or written to.
   */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#path = join(options.directory, NAME);
    try {
      mkdirSync(options.directory, { recursive: true });
      const now = options.now();
      this.#deleteOld(logDay(now, options.switchTime));
      this.#day = this.#resume(now);
      this.#writer = this.#open();
    } catch (error) {
      throw new Error(`cannot log to ${options.directory}: ${reasonOf(error)}`, { cause: error });
    }
    this.#schedule();
  }

  /** @param line with its line end. Dropped after {@link close}. */
  write(line: string): void {
    if (this.#closed) return;
    if (!this.#switchFailed) this.#switchIfDue();
    this.#writer.write(line);
  }

  /**
   * Periodic work: switches if it is time, and starts a new file if the current one was moved or deleted. Never
   * rejects.
   */
  async check(): Promise<void> {
    this.#switchIfDue();
    const writer = this.#writer;
    const fileId = await stat(this.#path).then(idOf, () => "");
    if (fileId === this.#fileId || writer !== this.#writer || this.#closed) return;
    try {
      mkdirSync(this.#options.directory, { recursive: true });
      this.#replaceWriter();
    } catch (error) {
      this.#options.complain(`the log file is missing and cannot be created again: ${messageOf(error)}`);
    }
  }

  /** Writes buffered lines and closes, within two seconds. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#writer, ...this.#finishing].map((writer) => writer.close()));
  }

  /** Writes buffered lines when the process ends without time to {@link close}. */
  flushSync(): void {
    for (const writer of [...this.#finishing, this.#writer]) writer.flushSync();
  }

  /** The day of the existing file: today, unless it was written when the clock was slightly ahead. */
  #resume(now: Date): LogDay {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    const today = logDay(now, this.#options.switchTime);
    if (!found) return today;
    const day = logDay(found.mtime, this.#options.switchTime);
    if (covers(day, now)) return day;
    this.#putAway(day);
    return today;
  }

  #switchIfDue(): void {
    const now = this.#options.now();
    if (covers(this.#day, now)) return;
    const day = logDay(now, this.#options.switchTime);
    // Before renaming: a file that a wrong clock dated long ago is kept until the next switch.
    this.#deleteOld(day);
    try {
      this.#putAway(this.#day);
      this.#replaceWriter();
      this.#day = day;
      this.#switchFailed = false;
    } catch (error) {
      this.#switchFailed = true;
      this.#options.complain(`cannot switch the log file: ${messageOf(error)}; the old one stays in use`);
    }
  }

  /** Renames the file by its day. The writer has it open and is not affected. */
  #putAway(day: LogDay): void {
    const wanted = join(this.#options.directory, `btrt-${day.date}.log`);
    let path = wanted;
    for (let n = 1; statSync(path, { throwIfNoEntry: false }); n++) path = `${wanted}.${n}`;
    try {
      renameSync(this.#path, path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  #open(): LineWriter {
    const fd = openSync(this.#path, "a", FILE_MODE);
    this.#fileId = idOf(fstatSync(fd));
    return new LineWriter(fd, this.#path, this.#options.complain);
  }

  #replaceWriter(): void {
    const old = this.#writer;
    this.#writer = this.#open();
    this.#finishing.add(old);
    void old.finish().then(() => this.#finishing.delete(old));
  }

  #deleteOld(today: LogDay): void {
    const { directory, keepDays, complain } = this.#options;
    const oldest = daysBefore(today.date, keepDays);
    try {
      for (const name of readdirSync(directory)) {
        const date = OLD_NAME.exec(name)?.[1];
        if (date !== undefined && date < oldest) rmSync(join(directory, name), { force: true });
      }
    } catch (error) {
      complain(`cannot delete old log files: ${messageOf(error)}`);
    }
  }

  #schedule(): void {
    const left = this.#day.end - this.#options.now().getTime();
    const delay = left > 0 ? Math.min(left, CHECK_MS) : CHECK_MS;
    this.#timer = setTimeout(() => {
      void this.check().then(() => {
        if (!this.#closed) this.#schedule();
      });
    }, delay).unref();
  }
}

/** Whether a line written now belongs to the file of `day`. */
function covers(day: LogDay, now: Date): boolean {
  return now.getTime() < day.end && now.getTime() >= day.start - CLOCK_BACK_MS;
}

/** Identifies a file independent of its name. */
function idOf(file: Stats): string {
  return `${file.dev}:${file.ino}`;
}

/** Why a directory cannot be used, for the operator. */
function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case "EEXIST":
    case "ENOTDIR":
      return "it is not a directory";
    case "EACCES":
    case "EPERM":
      return "no permission to create files there";
    default:
      return messageOf(error);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
