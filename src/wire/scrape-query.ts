/** Decodes the query of an HTTP scrape (BEP 48). */

import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { SCRAPE_LIMIT, type ScrapeRequest } from "../model/scrape.ts";
import { ascii, equalsBytes } from "./ascii.ts";
import { decodeInfoHash } from "./info-hash.ts";
import { QueryWalk } from "./query.ts";

const INFO_HASH = ascii("info_hash");
const walk = new QueryWalk();

/**
 * Decodes the query in `[start, end)` into `request`: all `info_hash=` in order, with duplicates.
 * @returns OK, or the error; then `request` is undefined.
 */
export function decodeScrapeQuery(
  bytes: Uint8Array,
  start: number,
  end: number,
  request: ScrapeRequest,
): ClientErrorCode {
  request.count = 0;
  walk.open(start, end);
  while (walk.next(bytes)) {
    if (!equalsBytes(bytes, walk.keyStart, walk.keyEnd, INFO_HASH)) {
      walk.skipValue(bytes);
      continue;
    }
    if (request.count === SCRAPE_LIMIT) return CLIENT_ERROR.scrapeTooMany;
    const error = decodeInfoHash(walk, bytes, request.infoHashes, request.count * INFO_HASH_WORDS);
    if (error !== OK) return error;
    request.count++;
  }
  return request.count === 0 ? CLIENT_ERROR.scrapeMissing : OK;
}
