/** `logging`. */
import { LOG_LEVELS } from "../../model/log-level.ts";
import { choice, filePath, flag, integer, optional, section, timeOfDay } from "../fields.ts";

/** The keys of the original BTRT, and our own. */
export const logging = section({
  path: optional(filePath).meta({
    description: "The directory of the log files. Without it, the log goes to standard output.",
    examples: ["/var/log/btrt"],
  }),
  level: choice(LOG_LEVELS)
    .default("info")
    .describe(
      "critical, error, warning, info, diagnostic or debug. Each level includes all levels before it.",
    ),
  switch_time: timeOfDay()
    .default("01:00:00")
    .describe("The local time at which a new log file starts every day, HH:MM:SS."),
  keep_days: integer(1, 3650).default(30).describe("Days after which a closed log file is deleted."),
  mask_addresses: flag()
    .default(false)
    .describe("true: the log has subscribers' networks (10.1.2.x) instead of their addresses."),
});
