/** A scrape and its reply (BEP 48), independent of the protocol. Mutable, reused for every request. */
import { INFO_HASH_WORDS } from "./info-hash.ts";

/** Info-hashes per scrape: the limit of a UDP datagram (BEP 15), which also applies to HTTP. */
export const SCRAPE_LIMIT = 74;

/** The requested info-hashes: `count` of them, five words each. */
export class ScrapeRequest {
  readonly infoHashes = new Uint32Array(SCRAPE_LIMIT * INFO_HASH_WORDS);
  count = 0;
}

/** Counts, at the index of the request's info-hash; zeros for unknown torrents. */
export class ScrapeResponse {
  readonly complete = new Uint32Array(SCRAPE_LIMIT);
  readonly downloaded = new Uint32Array(SCRAPE_LIMIT);
  readonly incomplete = new Uint32Array(SCRAPE_LIMIT);
}
