/** Rows between a database's columns and what storage knows; the columns are the same in all dialects. */
import { ACTIVITY_TIERS } from "../tracker/group-activity.ts";
import { GROUP_NAME_LENGTH, type GroupTotal, type SwarmRow } from "./database.ts";

/** The columns of `swarm` that are read, and written with `quiet_since` behind them. */
export const SWARM_COLUMNS = "info_hash, first_seen, last_seen, downloaded, peers";

/** The columns with the peers given, by tier. */
export const GIVEN_COLUMNS = Array.from({ length: ACTIVITY_TIERS }, (_, tier) => `given_${tier}`);

/** A row as a driver gives it. */
type Columns = Readonly<Record<string, unknown>>;

/** Reads a row of `swarm`. */
export function toSwarmRow(row: Columns): SwarmRow {
  return {
    infoHash: toBytes(row.info_hash),
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
    announces: Number(row.announces),
    downloaded: Number(row.downloaded),
    uploaded: Number(row.uploaded),
    given: GIVEN_COLUMNS.map((column) => Number(row[column])),
  };
}

/** The values of a row of `group_total`, in the order of its columns. */
export function totalValues(total: GroupTotal): (string | number)[] {
  const { span, start, announces, downloaded, uploaded, given } = total;
  const group = Array.from(total.group).slice(0, GROUP_NAME_LENGTH).join("");
  return [span, start, group, announces, downloaded, uploaded, ...given];
}

function toBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("a column is no bytes");
  return value;
}
