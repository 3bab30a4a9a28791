/** Reads a hash list for its encoders. */

import { writeWord } from "../../model/address.ts";
import { INFO_HASH_WORDS } from "../../model/info-hash.ts";
import { entriesOf, type HashList, ROW_WORDS } from "../hash-list.ts";

/** Torrents in a piece: encoding one takes about a millisecond. */
const PIECE = 512;

const HASH_BYTES = 20;

/** Counts of a torrent's peers in one peer group. */
interface GroupCounts {
  readonly group: string;
  readonly complete: number;
  readonly incomplete: number;
}

/** Ranges of torrents, in order: one for each piece. */
export function* piecesOf(list: HashList): Generator<readonly [from: number, to: number]> {
  const count = entriesOf(list);
  for (let from = 0; from < count; from += PIECE) yield [from, Math.min(count, from + PIECE)];
}

/** The info-hashes of a range, 20 bytes each. */
export function bytesOf({ hashes }: HashList, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe((to - from) * HASH_BYTES);
  for (let i = from * INFO_HASH_WORDS, at = 0; i < to * INFO_HASH_WORDS; i++, at += 4)
    writeWord(bytes, at, hashes[i]);
  return bytes;
}

/** The info-hash of one torrent, in hexadecimal. */
export function hexOf(list: HashList, i: number): string {
  return bytesOf(list, i, i + 1).toString("hex");
}

/** The peer groups that have peers of a torrent. */
export function groupsOf({ rows, rowsAt, groupNames }: HashList, i: number): GroupCounts[] {
  const groups = [];
  for (let at = rowsAt[i]; at < rowsAt[i + 1]; at += ROW_WORDS)
    groups.push({
      group: groupNames.get(rows[at]) ?? "",
      complete: rows[at + 1],
      incomplete: rows[at + 2],
    });
  return groups;
}

/** The info-hashes in a text that has each as 40 hexadecimal digits. */
export function infoHashesInText(bytes: Buffer): Set<string> {
  return new Set(bytes.toString("utf8").match(/\b[0-9a-f]{40}\b/g));
}
