import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { SCRAPE_LIMIT, ScrapeRequest } from "../model/scrape.ts";
import { ascii } from "./ascii.ts";
import { decodeScrapeQuery } from "./scrape-query.ts";

const request = new ScrapeRequest();

function decode(text: string): ClientErrorCode {
  const bytes = ascii(`?${text}&info_hash=x`);
  return decodeScrapeQuery(bytes, 1, 1 + text.length, request);
}

/** The query of one info-hash whose bytes are all the same. */
function hash(byte: number): string {
  return `info_hash=${`%${byte.toString(16).padStart(2, "0")}`.repeat(20)}`;
}

describe("decodeScrapeQuery", () => {
  it("takes every info_hash in its order, repeats too, and ignores other keys", () => {
    assert.equal(decode(`a=1&${hash(2)}&passkey=%zz&${hash(1)}&${hash(2)}`), OK);
    assert.equal(request.count, 3);
    const words = [0x02020202, 0x01010101, 0x02020202].flatMap((word) => new Array(5).fill(word));
    assert.deepEqual([...request.infoHashes.subarray(0, 15)], words);
  });

  it(`takes ${SCRAPE_LIMIT} and no more`, () => {
    const most = Array.from({ length: SCRAPE_LIMIT }, (_, i) => hash(i));
    assert.equal(decode(most.join("&")), OK);
    assert.equal(request.count, SCRAPE_LIMIT);
    assert.equal(decode([...most, hash(255)].join("&")), CLIENT_ERROR.scrapeTooMany);
  });

  it("refuses a full scrape", () => {
    for (const text of ["", "a=1", "INFO_HASH=x"]) assert.equal(decode(text), CLIENT_ERROR.scrapeMissing);
  });

  it("refuses what is no info-hash", () => {
    assert.equal(decode(`${hash(1)}&info_hash=x`), CLIENT_ERROR.infoHashLength);
    assert.equal(decode(`${hash(1)}&info_hash=${"ab".repeat(20)}`), CLIENT_ERROR.infoHashHex);
    assert.equal(decode(`${hash(1)}&info_hash=%4`), CLIENT_ERROR.percentEncoding);
  });
});
