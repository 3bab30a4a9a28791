/** Skeleton, being written. */
import type { AnnounceRequest, AnnounceResponse } from "../model/announce.ts";
import type { ClientErrorCode } from "../model/client-error.ts";
import type { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";

export class Tracker {
  announce(_request: AnnounceRequest, _response: AnnounceResponse): ClientErrorCode {
    return 0;
  }
  scrape(_request: ScrapeRequest, _response: ScrapeResponse): ClientErrorCode {
    return 0;
  }
}
