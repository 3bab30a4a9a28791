/** Comma-separated values (RFC 4180): a header, then a line for each torrent and each peer group that has peers of it. */
import type { HashList } from "../hash-list.ts";
import type { Format } from "./format.ts";
import { groupsOf, hexOf, infoHashesInText, piecesOf } from "./list-reader.ts";

/** The format `csv`. */
export const csv: Format = {
  ending: ".csv",
  mediaType: "text/csv; charset=utf-8",
  description: "a line per torrent and peer group, with counts",
  availableInDryRun: true,
  encode,
  decode: infoHashesInText,
};

function* encode(list: HashList): Generator<Uint8Array> {
  yield Buffer.from("info_hash,group,complete,incomplete\n");
  for (const [from, to] of piecesOf(list)) {
    let lines = "";
    for (let i = from; i < to; i++) {
      const infoHash = hexOf(list, i);
      for (const { group, complete, incomplete } of groupsOf(list, i))
        lines += `${infoHash},${quote(group)},${complete},${incomplete}\n`;
    }
    yield Buffer.from(lines);
  }
}

/** A field by RFC 4180. */
function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
