/** Encodes the reply to an HTTP scrape (BEP 48). */
import { writeWord } from "../model/address.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS } from "../model/info-hash.ts";
import { SCRAPE_LIMIT, type ScrapeRequest, type ScrapeResponse } from "../model/scrape.ts";
import { ascii, writeBytes } from "./ascii.ts";
import { writeInteger } from "./bencode.ts";
import { beginReply, type Connection, endReply } from "./http-reply.ts";

const FILES = ascii("d5:filesd");
const HASH = ascii(`${INFO_HASH_BYTES}:`);
const COMPLETE = ascii("d8:complete");
const DOWNLOADED = ascii("10:downloaded");
const INCOMPLETE = ascii("10:incomplete");
const END = ascii("e");

/** Indices of the request's info-hashes in sorted order. */
const order = new Uint8Array(SCRAPE_LIMIT);

/**
 * Writes a complete reply at `offset`: a dictionary by info-hash, sorted and without duplicates.
 * @returns the end of the reply.
 */
export function encodeScrape(
  bytes: Uint8Array,
  offset: number,
  request: ScrapeRequest,
  response: ScrapeResponse,
  connection: Connection,
): number {
  const count = sortUnique(request);
  let at = writeBytes(bytes, beginReply(bytes, offset, connection), FILES);
  for (let i = 0; i < count; i++) {
    const file = order[i];
    at = writeBytes(bytes, at, HASH);
    for (let word = 0; word < INFO_HASH_WORDS; word++) {
      writeWord(bytes, at + 4 * word, request.infoHashes[file * INFO_HASH_WORDS + word]);
    }
    at = writeBytes(bytes, at + INFO_HASH_BYTES, COMPLETE);
    at = writeInteger(bytes, at, response.complete[file]);
    at = writeBytes(bytes, at, DOWNLOADED);
    at = writeInteger(bytes, at, response.downloaded[file]);
    at = writeBytes(bytes, at, INCOMPLETE);
    at = writeInteger(bytes, at, response.incomplete[file]);
    at = writeBytes(bytes, at, END);
  }
  at = writeBytes(bytes, at, END);
  return endReply(bytes, offset, connection, writeBytes(bytes, at, END));
}

/** Fills {@link order} by insertion sort, which is fast for so few. @returns the number of distinct hashes. */
function sortUnique(request: ScrapeRequest): number {
  const { infoHashes } = request;
  let count = 0;
  for (let file = 0; file < request.count; file++) {
    let place = count;
    while (place > 0 && compareHashes(infoHashes, order[place - 1], file) > 0) place--;
    if (place > 0 && compareHashes(infoHashes, order[place - 1], file) === 0) continue;
    order.copyWithin(place + 1, place, count);
    order[place] = file;
    count++;
  }
  return count;
}

/** Compares two hashes: negative, 0 or positive. */
function compareHashes(infoHashes: Uint32Array, first: number, second: number): number {
  for (let i = 0; i < INFO_HASH_WORDS; i++) {
    const difference = infoHashes[first * INFO_HASH_WORDS + i] - infoHashes[second * INFO_HASH_WORDS + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
