/** Converts between rows of a database and the types of storage. All databases have the same columns. */

import { INFO_HASH_BYTES } from "../model/info-hash.ts";
import { ACTIVITY_TIERS, GATE_ACTIVITY } from "../store/group-activity.ts";
import { DatabaseError, GROUP_NAME_LENGTH, type GroupTotal, type SwarmRow } from "./database.ts";

/** The columns of `swarm` that are read. `quiet_since` is only written. */
export const SWARM_COLUMNS = "info_hash, first_seen, last_seen, downloaded, peers";

/** The columns with counts, in the order of a row of store/group-activity.ts. */
export const COUNT_COLUMNS = [
  "announces",
  "downloaded",
  "uploaded",
  ...Array.from({ length: ACTIVITY_TIERS }, (_, tier) => `given_${tier}`),
  "outside_downloaded",
  "outside_uploaded",
  "random_downloaded",
  "random_uploaded",
  "handshakes_seen",
  "handshakes_refused",
  ...GATE_ACTIVITY.map((name) => `gate_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`),
];

/** A row as the driver returns it. */
type Columns = Readonly<Record<string, unknown>>;

/** Reads a row of `swarm`. */
export function toSwarmRow(row: Columns): SwarmRow {
  return {
    infoHash: toBytes(row.info_hash, INFO_HASH_BYTES),
    firstSeen: Number(row.first_seen),
    lastSeen: Number(row.last_seen),
    downloaded: Number(row.downloaded),
    peers: toBytes(row.peers),
  };
}

/** Reads a row of `group_total`. */
export function toTotal(row: Columns): GroupTotal {
  return {
    span: Number(row.span),
    start: Number(row.start),
    group: String(row.peer_group),
    counts: COUNT_COLUMNS.map((column) => Number(row[column])),
  };
}

/** The columns of `group_total` that are written. */
export const TOTAL_COLUMNS = ["span", "start", "peer_group", ...COUNT_COLUMNS].join(", ");

/** The values of a row of `group_total`, in the order of {@link TOTAL_COLUMNS}. */
export function totalValues({ span, start, group, counts }: GroupTotal): (string | number)[] {
  return [span, start, storedGroup(group), ...counts];
}

/** A group's name, shortened to the stored length. */
export function storedGroup(group: string): string {
  return Array.from(group).slice(0, GROUP_NAME_LENGTH).join("");
}

/** SQLite returns whatever a damaged file contains. */
function toBytes(value: unknown, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length))
    throw new DatabaseError("corrupt", "a row has columns of another kind");
  return value;
}
