/**
 * The log levels by name, most severe first. A log at one level has the lines of that level and of more severe ones.
 */
export const LOG_LEVELS = ["critical", "error", "warning", "info", "diagnostic", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
