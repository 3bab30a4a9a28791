/** Formats log lines for a terminal. */
import { styleText } from "node:util";
import { LOG_LEVELS, type LogLevel } from "../model/log-level.ts";

const COLOURS: Readonly<Record<LogLevel, Parameters<typeof styleText>[0]>> = {
  critical: ["bold", "red"],
  error: "red",
  warning: "yellow",
  info: "green",
  diagnostic: "cyan",
  debug: "dim",
};
const LEVEL_WIDTH = Math.max(...LOG_LEVELS.map((level) => level.length));

/** A parsed JSON log line. */
interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/**
 * Formats a line as local time, level, message and `key=value` fields; the stack of an `err` field follows, indented.
 * @returns the line with its line end, in colour unless the environment disables that (NO_COLOR).
 */
export function formatForTerminal({ time, level, msg = "", ...fields }: LogLine): string {
  const clock = new Date(time).toTimeString().slice(0, 8);
  const parts = [styleText("dim", clock), styleText(COLOURS[level], level.padEnd(LEVEL_WIDTH)), msg];
  let stack = "";
  for (const [key, value] of Object.entries(fields)) {
    if (key === "err") stack = stackOf(value);
    else parts.push(styleText("dim", `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`));
  }
  return `${parts.join(" ")}\n${stack}`;
}

function stackOf(error: unknown): string {
  const known = typeof error === "object" && error !== null && "stack" in error ? error.stack : error;
  return `${String(known).replace(/^/gm, "    ")}\n`;
}
