/** The program's log: JSON lines in files or on standard output, or readable lines on a terminal. */
import { isatty } from "node:tty";
import { pino } from "pino";
import type { LogLevel } from "../model/log-level.ts";
import { forStandardError, isJournal, PRIORITY, type Priority, withPriority } from "../platform/journal.ts";
import { type Complain, LineWriter, limitComplaints } from "./line-writer.ts";
import { LogFile } from "./log-file.ts";
import { maskAddress } from "./mask-address.ts";
import { formatForTerminal } from "./terminal-line.ts";

/** pino's numbers for our levels: higher is more severe. */
const SEVERITY: Readonly<Record<LogLevel, number>> = {
  critical: 60,
  error: 50,
  warning: 40,
  info: 30,
  diagnostic: 20,
  debug: 10,
};
const STDOUT = 1;

/** The journal's priorities for our levels. */
const JOURNAL: Readonly<Record<string, Priority>> = { ...PRIORITY, diagnostic: PRIORITY.debug };

/**
 * Fields of a log line. `address` is a subscriber's address, masked if configured; `err` is an Error, logged with its
 * stack.
 */
type LogFields = Readonly<Record<string, unknown>>;

/** Logs one line, with or without fields. */
interface LogMethod {
  (fields: LogFields, message: string): void;
  (message: string): void;
}

/** An open log: a method for each level. Logging never throws and never blocks. */
export interface Logger extends Readonly<Record<LogLevel, LogMethod>> {
  /** Sets the least severe level to be logged. */
  setLevel(level: LogLevel): void;
  /** Writes buffered lines and closes; later lines are dropped. Takes two seconds at most. */
  close(): Promise<void>;
}

/** Options of a log: the configuration's `logging`. */
export interface LoggerOptions {
  /** Directory for the files; without it, standard output. */
  readonly path?: string | undefined;
  readonly level: LogLevel;
  /** Local time of the daily switch, `HH:MM:SS`. */
  readonly switchTime: string;
  /** Older files are deleted. */
  readonly keepDays: number;
  /** Whether `address` fields are logged without the part that identifies the subscriber. */
  readonly maskAddresses: boolean;
  /** The clock; tests replace it. */
  readonly now?: () => Date;
  /** Reports problems of the log itself. Default: to standard error. */
  readonly complain?: Complain;
}

/** Where formatted lines go. */
interface Destination {
  write(line: string): void;
  flushSync(): void;
  close(): Promise<void>;
}

/**
 * Opens the log. Buffered lines are written even if the process ends without closing it.
 * @throws Error with a message for the operator if `path` cannot be created or written to.
 */
export function openLogger(options: LoggerOptions): Logger {
  const {
    now = () => new Date(),
    complain = limitComplaints((line) => process.stderr.write(`${forStandardError(line.trimEnd())}\n`)),
  } = options;
  const destination = openDestination(options, now, complain);
  const flushAtExit = () => destination.flushSync();
  process.on("exit", flushAtExit);

  const log = pino(
    {
      customLevels: SEVERITY,
      useOnlyCustomLevels: true,
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: options.maskAddresses ? { address: maskField } : {},
    },
    destination,
  );
  const method = (level: LogLevel): LogMethod => {
    return (fields: LogFields | string, message?: string) => {
      if (typeof fields === "string") log[level](fields);
      else log[level](fields, message);
    };
  };
  return {
    critical: method("critical"),
    error: method("error"),
    warning: method("warning"),
    info: method("info"),
    diagnostic: method("diagnostic"),
    debug: method("debug"),
    setLevel: (level) => {
      log.level = level;
    },
    close: async () => {
      await destination.close();
      process.off("exit", flushAtExit);
    },
  };
}

function openDestination(options: LoggerOptions, now: () => Date, complain: Complain): Destination {
  const { path: directory, switchTime, keepDays } = options;
  if (directory !== undefined) return new LogFile({ directory, switchTime, keepDays, now, complain });
  const writer = new LineWriter(STDOUT, "standard output", complain);
  if (isJournal(STDOUT)) return destinationTo(writer, withLevel);
  if (!isatty(STDOUT)) return writer;
  return destinationTo(writer, (line) => formatForTerminal(JSON.parse(line)));
}

/** @param format formats a line, which ends with a line end before and after. */
function destinationTo(writer: LineWriter, format: (line: string) => string): Destination {
  return {
    write: (line) => writer.write(format(line)),
    flushSync: () => writer.flushSync(),
    close: () => writer.close(),
  };
}

/** A line for the journal. pino writes the level first. */
function withLevel(line: string): string {
  const level = /^\{"level":"(\w+)"/.exec(line)?.[1] ?? "info";
  return `${withPriority(line.trimEnd(), JOURNAL[level])}\n`;
}

function maskField(address: unknown): unknown {
  return typeof address === "string" ? maskAddress(address) : address;
}
