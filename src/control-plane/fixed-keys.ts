/** Keys of the configuration whose changes need a restart. */
import type { Config } from "../config/schema.ts";

/** A reload takes over all keys except these. */
const FIXED_KEYS: readonly ((config: Config) => readonly [string, unknown])[] = [
  ({ listen }) => ["listen.http", listen.http],
  ({ listen }) => ["listen.udp", listen.udp],
  ({ listen }) => ["listen.max_connections", listen.max_connections],
  ({ listen }) => ["listen.max_connections_per_address", listen.max_connections_per_address],
  ({ listen }) => ["listen.max_waiting", listen.max_waiting],
  ({ listen }) => ["listen.idle_timeout", listen.idle_timeout],
  ({ listen }) => ["listen.request_timeout", listen.request_timeout],
  ({ engine }) => ["engine", engine],
  ({ workers }) => ["workers", workers],
  ({ tracker }) => ["tracker.max_peers", tracker.max_peers],
  // Switching it on needs memory that is reserved at the start. Switched off, it leaves that unused.
  ({ gate }) => ["gate.enabled", gate.enabled],
  ({ cluster }) => ["cluster", cluster],
  ({ database }) => ["database", database],
  ({ logging }) => ["logging", { ...logging, level: null }],
  ({ admin }) => ["admin", admin],
];

/** Returns the fixed keys that differ. */
export function changedFixedKeys(before: Config, after: Config): string[] {
  return FIXED_KEYS.filter((read) => JSON.stringify(read(before)) !== JSON.stringify(read(after))).map(
    (read) => read(after)[0],
  );
}
