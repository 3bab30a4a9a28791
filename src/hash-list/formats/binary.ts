/** Info-hashes of 20 bytes, one after the other. */
import type { HashList } from "../hash-list.ts";
import type { Format } from "./format.ts";
import { bytesOf, piecesOf } from "./list-reader.ts";

/** The format `binary`. */
export const binary: Format = {
  ending: ".bin",
  mediaType: "application/octet-stream",
  description: "20 bytes per torrent",
  availableInDryRun: false,
  encode,
  decode: (bytes) => new Set(bytes.toString("hex").match(/.{40}/g)),
};

function* encode(list: HashList): Generator<Uint8Array> {
  for (const [from, to] of piecesOf(list)) yield bytesOf(list, from, to);
}
