/** The schema of SQLite's files, version by version. Released statements never change. */
import type { Migrations } from "../schema.ts";

/** The steps; each is applied in a transaction. */
export const MIGRATIONS: Migrations = {
  guard: [],
  createVersionTable:
    "CREATE TABLE IF NOT EXISTS btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)",
  insertOrIgnore: "INSERT OR IGNORE",
  now: "strftime('%s', 'now')",
  steps: [
    [
      `CREATE TABLE IF NOT EXISTS swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID`,
      "CREATE INDEX IF NOT EXISTS swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL",
    ],
    [
      `CREATE TABLE IF NOT EXISTS group_total (
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  peer_group TEXT NOT NULL,
  announces INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  uploaded INTEGER NOT NULL,
  given_0 INTEGER NOT NULL,
  given_1 INTEGER NOT NULL,
  given_2 INTEGER NOT NULL,
  given_3 INTEGER NOT NULL,
  given_4 INTEGER NOT NULL,
  given_5 INTEGER NOT NULL,
  given_6 INTEGER NOT NULL,
  given_7 INTEGER NOT NULL,
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID`,
    ],
    [
      "ALTER TABLE group_total ADD COLUMN outside_downloaded INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN outside_uploaded INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN random_downloaded INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN random_uploaded INTEGER NOT NULL DEFAULT 0",
    ],
    [
      "ALTER TABLE group_total ADD COLUMN handshakes_seen INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN handshakes_refused INTEGER NOT NULL DEFAULT 0",
    ],
    ["ALTER TABLE swarm ADD COLUMN row_sum INTEGER", "ALTER TABLE group_total ADD COLUMN row_sum INTEGER"],
    [
      // The checksum stays the last column. It is computed again for every row, of more columns.
      "ALTER TABLE group_total DROP COLUMN row_sum",
      "ALTER TABLE group_total ADD COLUMN gate_seconds INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_torrent_seconds INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_endpoint_seconds INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_seen_handshake_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_refused_handshake_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_seen_handshake_in INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_refused_handshake_in INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_seen_endpoint_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_refused_endpoint_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_seen_endpoint_in INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_refused_endpoint_in INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_seen_far_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_refused_far_out INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_only_counted INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN gate_exempted INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE group_total ADD COLUMN row_sum INTEGER",
    ],
  ],
};
