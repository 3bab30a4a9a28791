import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bdecode, bencode } from "../../test/support/bencode.ts";
import { SCRAPE_LIMIT, ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import { CONNECTION } from "./http-reply.ts";
import { encodeScrape } from "./http-scrape.ts";

const request = new ScrapeRequest();
const response = new ScrapeResponse();

/** A hash whose words are `word`, which two hashes share more often than 20 random bytes would. */
function hashText(words: readonly number[]): string {
  const bytes = Buffer.alloc(20);
  for (const [i, word] of words.entries()) bytes.writeUInt32BE(word, 4 * i);
  return bytes.toString("latin1");
}

const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
const hash = fc.tuple(word, word, word, word, word);
const count = fc.nat(0xffffffff);
const file = fc.record({ hash, complete: count, downloaded: count, incomplete: count });

describe("encodeScrape", () => {
  it("writes every torrent once, sorted by its hash", () => {
    const files = fc.array(file, { maxLength: SCRAPE_LIMIT, size: "max" });
    fc.assert(
      fc.property(files, (all) => {
        const expected: Record<string, { complete: number; downloaded: number; incomplete: number }> = {};
        request.count = all.length;
        for (const [i, { hash, ...counts }] of all.entries()) {
          const key = hashText(hash);
          expected[key] ??= counts;
          request.infoHashes.set(hash, i * 5);
          response.complete[i] = expected[key].complete;
          response.downloaded[i] = expected[key].downloaded;
          response.incomplete[i] = expected[key].incomplete;
        }
        const bytes = Buffer.alloc(64 * 1024);
        const end = encodeScrape(bytes, 5, request, response, CONNECTION.unsaid);
        const body = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4, end);
        const value = bdecode(body);
        assert.deepEqual(value, { files: expected });
        assert.equal(bencode(value), body.toString("latin1"));
        assert.match(bytes.toString("latin1", 5, end), new RegExp(`Content-Length: ${body.length}\r\n`));
      }),
    );
  });
});
