-- version 1
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
-- version 2
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE group_total (
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
) WITHOUT ROWID
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
-- version 3
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE group_total (
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
  given_7 INTEGER NOT NULL, outside_downloaded INTEGER NOT NULL DEFAULT 0, outside_uploaded INTEGER NOT NULL DEFAULT 0, random_downloaded INTEGER NOT NULL DEFAULT 0, random_uploaded INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
-- version 4
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE group_total (
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
  given_7 INTEGER NOT NULL, outside_downloaded INTEGER NOT NULL DEFAULT 0, outside_uploaded INTEGER NOT NULL DEFAULT 0, random_downloaded INTEGER NOT NULL DEFAULT 0, random_uploaded INTEGER NOT NULL DEFAULT 0, handshakes_seen INTEGER NOT NULL DEFAULT 0, handshakes_refused INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
-- version 5
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE group_total (
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
  given_7 INTEGER NOT NULL, outside_downloaded INTEGER NOT NULL DEFAULT 0, outside_uploaded INTEGER NOT NULL DEFAULT 0, random_downloaded INTEGER NOT NULL DEFAULT 0, random_uploaded INTEGER NOT NULL DEFAULT 0, handshakes_seen INTEGER NOT NULL DEFAULT 0, handshakes_refused INTEGER NOT NULL DEFAULT 0, row_sum INTEGER,
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
, row_sum INTEGER) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
-- version 6
CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)
CREATE TABLE group_total (
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
  given_7 INTEGER NOT NULL, outside_downloaded INTEGER NOT NULL DEFAULT 0, outside_uploaded INTEGER NOT NULL DEFAULT 0, random_downloaded INTEGER NOT NULL DEFAULT 0, random_uploaded INTEGER NOT NULL DEFAULT 0, handshakes_seen INTEGER NOT NULL DEFAULT 0, handshakes_refused INTEGER NOT NULL DEFAULT 0, gate_seconds INTEGER NOT NULL DEFAULT 0, gate_torrent_seconds INTEGER NOT NULL DEFAULT 0, gate_endpoint_seconds INTEGER NOT NULL DEFAULT 0, gate_seen_handshake_out INTEGER NOT NULL DEFAULT 0, gate_refused_handshake_out INTEGER NOT NULL DEFAULT 0, gate_seen_handshake_in INTEGER NOT NULL DEFAULT 0, gate_refused_handshake_in INTEGER NOT NULL DEFAULT 0, gate_seen_endpoint_out INTEGER NOT NULL DEFAULT 0, gate_refused_endpoint_out INTEGER NOT NULL DEFAULT 0, gate_seen_endpoint_in INTEGER NOT NULL DEFAULT 0, gate_refused_endpoint_in INTEGER NOT NULL DEFAULT 0, gate_seen_far_out INTEGER NOT NULL DEFAULT 0, gate_refused_far_out INTEGER NOT NULL DEFAULT 0, gate_only_counted INTEGER NOT NULL DEFAULT 0, gate_exempted INTEGER NOT NULL DEFAULT 0, row_sum INTEGER,
  PRIMARY KEY (span, start, peer_group)
) WITHOUT ROWID
CREATE TABLE swarm (
  info_hash BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  downloaded INTEGER NOT NULL,
  quiet_since INTEGER,
  peers BLOB NOT NULL
, row_sum INTEGER) WITHOUT ROWID
CREATE INDEX swarm_quiet ON swarm (quiet_since) WHERE quiet_since IS NOT NULL
