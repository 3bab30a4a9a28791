/**
 * Checksums of rows. SQLite has none, and does not notice a bit that flips on the disk. Salvage of a damaged file accepts
 * only rows with the right checksum.
 */
import { crc32 } from "node:zlib";
import type { GroupTotal, SwarmRow } from "../database.ts";

/** The column of the checksum: the last one of `swarm` and of `group_total`. */
export const SUM_COLUMN = "row_sum";

const FACTS_BYTES = 12;
const facts = new DataView(new ArrayBuffer(FACTS_BYTES));
const factsBytes = new Uint8Array(facts.buffer);

/** The checksum of a swarm's row, as a signed 32-bit number, which takes four bytes in the file. */
export function swarmSum({ infoHash, firstSeen, lastSeen, downloaded, peers }: SwarmRow): number {
  facts.setUint32(0, firstSeen);
  facts.setUint32(4, lastSeen);
  facts.setUint32(8, downloaded);
  return crc32(peers, crc32(infoHash, crc32(factsBytes))) | 0;
}

/** The checksum of a row of totals. */
export function totalSum({ span, start, group, counts }: GroupTotal): number {
  return crc32([span, start, ...counts, group].join(" ")) | 0;
}
