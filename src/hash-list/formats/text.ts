/** An info-hash per line, as 40 lower-case hexadecimal digits. */
import type { HashList } from "../hash-list.ts";
import type { Format } from "./format.ts";
import { bytesOf, infoHashesInText, piecesOf } from "./list-reader.ts";

/** The format `text`. */
export const text: Format = {
  ending: ".txt",
  mediaType: "text/plain; charset=utf-8",
  description: "an info-hash of 40 hexadecimal digits per line",
  availableInDryRun: false,
  encode,
  decode: infoHashesInText,
};

function* encode(list: HashList): Generator<Uint8Array> {
  for (const [from, to] of piecesOf(list)) {
    const hex = bytesOf(list, from, to).toString("hex");
    yield Buffer.from(hex.replaceAll(/.{40}/g, "$&\n"));
  }
}
