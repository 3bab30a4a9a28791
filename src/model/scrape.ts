/** A scrape and its answer (BEP 48), whatever protocol carried them. Mutable, used again for every request. */

/** Most info-hashes in one scrape: what fits a UDP datagram (BEP 15), and kept for HTTP. */
export const SCRAPE_LIMIT = 74;

/** The torrents asked for: `count` of them, five words each. */
export class ScrapeRequest {
  readonly infoHashes = new Uint32Array(SCRAPE_LIMIT * 5);
  count = 0;
}

/** Counts, at the same index as the request's info-hash. A torrent nobody knows has zeros. */
export class ScrapeResponse {
  readonly complete = new Uint32Array(SCRAPE_LIMIT);
  readonly downloaded = new Uint32Array(SCRAPE_LIMIT);
  readonly incomplete = new Uint32Array(SCRAPE_LIMIT);
}
