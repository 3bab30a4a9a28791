/** JSON: `{ changed, entries, torrents: [{ infoHash, groups: [{ group, complete, incomplete }] }] }`. */
import { entriesOf, type HashList } from "../hash-list.ts";
import type { Format } from "./format.ts";
import { groupsOf, hexOf, infoHashesInText, piecesOf } from "./list-reader.ts";

/** The format `json`. */
export const json: Format = {
  ending: ".json",
  mediaType: "application/json",
  description: "the same counts, as JSON",
  availableInDryRun: true,
  encode,
  decode: infoHashesInText,
};

function* encode(list: HashList): Generator<Uint8Array> {
  const head = { changed: new Date(list.changedAt).toISOString(), entries: entriesOf(list) };
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"torrents":[\n`);
  for (const [from, to] of piecesOf(list)) {
    let lines = "";
    for (let i = from; i < to; i++) {
      lines += i === 0 ? "" : ",\n";
      lines += JSON.stringify({ infoHash: hexOf(list, i), groups: groupsOf(list, i) });
    }
    yield Buffer.from(lines);
  }
  yield Buffer.from("\n]}\n");
}
