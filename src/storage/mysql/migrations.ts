/**
 * The schema on MySQL and MariaDB servers, version by version. Released statements never change. A server cannot roll a
 * step back, so every statement can be executed again: `ADD COLUMN`, which has no `IF NOT EXISTS` in MySQL, is prepared
 * only where the column is missing.
 */
import type { Migrations } from "../schema.ts";

/** A table with one of these names is ours if there is also `btrt_schema`, which every step makes first. */
export const OUR_TABLES = ["swarm", "group_total"] as const;

const NAMES = OUR_TABLES.map((name) => `'${name}'`).join(", ");

/** The steps. */
export const MIGRATIONS: Migrations = {
  // The name of the missing table is the message: SIGNAL is not allowed here.
  guard: [
    `SET @btrt_step = IF(
EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN (${NAMES}))
AND NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'btrt_schema'),
'SELECT * FROM \`${OUR_TABLES.join(" or ")} is a table of another program\`', 'DO 0')`,
    "PREPARE btrt_step FROM @btrt_step",
    "EXECUTE btrt_step",
    "DEALLOCATE PREPARE btrt_step",
  ],
  createVersionTable: `CREATE TABLE IF NOT EXISTS btrt_schema (
  version INT UNSIGNED NOT NULL PRIMARY KEY,
  applied_at INT UNSIGNED NOT NULL
) ENGINE=InnoDB`,
  insertOrIgnore: "INSERT IGNORE",
  now: "UNIX_TIMESTAMP()",
  steps: [
    [
      `CREATE TABLE IF NOT EXISTS swarm (
  info_hash BINARY(20) NOT NULL PRIMARY KEY,
  first_seen INT UNSIGNED NOT NULL,
  last_seen INT UNSIGNED NOT NULL,
  downloaded INT UNSIGNED NOT NULL,
  quiet_since INT UNSIGNED,
  peers LONGBLOB NOT NULL,
  KEY swarm_quiet (quiet_since)
) ENGINE=InnoDB`,
    ],
    [
      `CREATE TABLE IF NOT EXISTS group_total (
  span INT UNSIGNED NOT NULL,
  start INT UNSIGNED NOT NULL,
  peer_group VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  announces BIGINT UNSIGNED NOT NULL,
  downloaded BIGINT UNSIGNED NOT NULL,
  uploaded BIGINT UNSIGNED NOT NULL,
  given_0 BIGINT UNSIGNED NOT NULL,
  given_1 BIGINT UNSIGNED NOT NULL,
  given_2 BIGINT UNSIGNED NOT NULL,
  given_3 BIGINT UNSIGNED NOT NULL,
  given_4 BIGINT UNSIGNED NOT NULL,
  given_5 BIGINT UNSIGNED NOT NULL,
  given_6 BIGINT UNSIGNED NOT NULL,
  given_7 BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (span, start, peer_group)
) ENGINE=InnoDB`,
    ],
    [
      `SET @btrt_step = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()
AND table_name = 'group_total' AND column_name = 'outside_downloaded'), 'DO 0', 'ALTER TABLE group_total ADD COLUMN outside_downloaded BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN outside_uploaded BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN random_downloaded BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN random_uploaded BIGINT UNSIGNED NOT NULL DEFAULT 0')`,
      "PREPARE btrt_step FROM @btrt_step",
      "EXECUTE btrt_step",
      "DEALLOCATE PREPARE btrt_step",
    ],
    [
      `SET @btrt_step = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()
AND table_name = 'group_total' AND column_name = 'handshakes_seen'), 'DO 0', 'ALTER TABLE group_total ADD COLUMN handshakes_seen BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN handshakes_refused BIGINT UNSIGNED NOT NULL DEFAULT 0')`,
      "PREPARE btrt_step FROM @btrt_step",
      "EXECUTE btrt_step",
      "DEALLOCATE PREPARE btrt_step",
    ],
    [],
    [
      `SET @btrt_step = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()
AND table_name = 'group_total' AND column_name = 'gate_seconds'), 'DO 0', 'ALTER TABLE group_total ADD COLUMN gate_seconds BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_torrent_seconds BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_endpoint_seconds BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_seen_handshake_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_refused_handshake_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_seen_handshake_in BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_refused_handshake_in BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_seen_endpoint_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_refused_endpoint_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_seen_endpoint_in BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_refused_endpoint_in BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_seen_far_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_refused_far_out BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_only_counted BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN gate_exempted BIGINT UNSIGNED NOT NULL DEFAULT 0')`,
      "PREPARE btrt_step FROM @btrt_step",
      "EXECUTE btrt_step",
      "DEALLOCATE PREPARE btrt_step",
    ],
  ],
};
