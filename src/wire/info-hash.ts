/** Info-hashes in queries: 20 bytes, %-escaped or raw. Hashes of v2 torrents are truncated to that (BEP 52). */

import { readWord } from "../model/address.ts";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS } from "../model/info-hash.ts";
import { hexDigit } from "./ascii.ts";
import { BROKEN_ESCAPE, type QueryWalk } from "./query.ts";

const HEX_DIGITS = 2 * INFO_HASH_BYTES;
const decoded = new Uint8Array(HEX_DIGITS);

/**
 * Decodes the current value of a query into five words at `words[index]`.
 * @returns OK, or the error.
 */
export function decodeInfoHash(
  walk: QueryWalk,
  bytes: Uint8Array,
  words: Uint32Array,
  index: number,
): ClientErrorCode {
  if (walk.takeWords(bytes, words, index)) return OK;
  const length = walk.decodeValue(bytes, decoded);
  if (length === INFO_HASH_BYTES) {
    for (let i = 0; i < INFO_HASH_WORDS; i++) words[index + i] = readWord(decoded, 4 * i);
    return OK;
  }
  if (length === BROKEN_ESCAPE) return CLIENT_ERROR.percentEncoding;
  return length === HEX_DIGITS && isHex() ? CLIENT_ERROR.infoHashHex : CLIENT_ERROR.infoHashLength;
}

function isHex(): boolean {
  for (let i = 0; i < HEX_DIGITS; i++) if (hexDigit(decoded[i]) < 0) return false;
  return true;
}
