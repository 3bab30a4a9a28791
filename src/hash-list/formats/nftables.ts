/**
 * An update of a router's set, for `nft -f`. It is loaded as one transaction. Elements expire after the timeout, so the
 * list must be loaded again and again; it says until when it is valid, so two encodings are never the same.
 */
import { entriesOf, type HashList } from "../hash-list.ts";
import { NFT_SET, NFT_TABLE } from "../nftables-names.ts";
import type { Format } from "./format.ts";
import { hexOf, piecesOf } from "./list-reader.ts";

/** The format `nftables`. */
export const nftables: Format = {
  ending: ".nft",
  mediaType: "text/plain; charset=utf-8",
  description: "an update for nft -f",
  availableInDryRun: false,
  encode,
  decode: (bytes) => {
    const elements = bytes.toString("utf8").matchAll(/0x([0-9a-f]{32}) \. 0x([0-9a-f]{8})/g);
    return new Set(Array.from(elements, ([, first, last]) => first + last));
  },
};

function* encode(list: HashList, timeoutSeconds: number): Generator<Uint8Array> {
  yield Buffer.from(
    `# ${entriesOf(list)} torrents, valid until ${new Date(list.validUntil).toISOString()}\n` +
      `flush set ${NFT_TABLE} ${NFT_SET}\n`,
  );
  for (const [from, to] of piecesOf(list)) {
    let lines = `add element ${NFT_TABLE} ${NFT_SET} {\n`;
    for (let i = from; i < to; i++) {
      const hex = hexOf(list, i);
      lines += `0x${hex.slice(0, 32)} . 0x${hex.slice(32)} timeout ${timeoutSeconds}s,\n`;
    }
    yield Buffer.from(`${lines}}\n`);
  }
}
