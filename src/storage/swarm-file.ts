/**
 * Swarms and totals in a file, to move them between databases and machines: lines of JSON.
 *
 *     {"format":"btrt swarms","version":2}
 *     {"info_hash":"40 hexadecimal digits","first_seen":…,"last_seen":…,"downloaded":…,"peers":"base64"}   for each swarm
 *     {"span":…,"start":…,"group":"…","counts":{"announces":…}}                                            for each total
 *     {"swarms":…,"totals":…}                                             the numbers of both: the file is complete
 *
 * Times are in seconds since 1970. `peers` is encoded by store/stored-peers.ts. Counts that are 0 are left out. Version 1
 * has no totals.
 */

import { INFO_HASH_BYTES } from "../model/info-hash.ts";
import { StoredPeersReader } from "../store/stored-peers.ts";
import { BEFORE_ALL, type Database, type GroupTotal, type SwarmRow } from "./database.ts";
import { DAY, FIVE_MINUTES, HOUR, pagesOfTotals } from "./group-totals.ts";
import { COUNT_COLUMNS } from "./rows.ts";

const FORMAT = "btrt swarms";
const VERSION = 2;
const PAGE = 500;

/** Bytes of a line. The largest swarm that is stored has 14 MB. */
const LINE_LIMIT = 32 * 1024 * 1024;
const NEWLINE = 0x0a;
const WORD_MAX = 0xffffffff;

/** A file is not in the format of an export. The message is for the user. */
export class SwarmFileError extends Error {}

/** How many swarms and totals an import has written. */
export interface ImportCounts {
  readonly swarms: number;
  readonly totals: number;
}

/** The lines of a file with all swarms and totals of a database. @param now seconds. @throws DatabaseError */
export async function* exportSwarms(database: Database, now: number): AsyncGenerator<string> {
  yield `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
  let swarms = 0;
  let totals = 0;
  for (let after: Uint8Array = BEFORE_ALL; ; ) {
    const rows = await database.readSwarms(after, PAGE, false);
    if (rows.length === 0) break;
    yield rows.map(formatRow).join("");
    swarms += rows.length;
    after = rows[rows.length - 1].infoHash;
  }
  for (const span of [FIVE_MINUTES, HOUR, DAY]) {
    for (const { from, to } of pagesOfTotals(span, now)) {
      const page = await database.readTotals(span, from, to);
      yield page.map(formatTotal).join("");
      totals += page.length;
    }
  }
  yield `${JSON.stringify({ swarms, totals })}\n`;
}

/**
 * Writes the swarms and totals of a file to a database. They replace the rows of the same torrents, and of the same
 * groups and times.
 * @throws SwarmFileError, DatabaseError
 */
export async function importSwarms(
  database: Database,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ImportCounts> {
  const counts = { swarms: 0, totals: 0 };
  let line = 0;
  let announced: Fields | undefined;
  let rows: SwarmRow[] = [];
  let totals: GroupTotal[] = [];
  const write = async () => {
    await database.writeSwarms(rows);
    await database.replaceTotals(totals);
    counts.swarms += rows.length;
    counts.totals += totals.length;
    rows = [];
    totals = [];
  };
  for await (const text of linesOf(bytes)) {
    line++;
    const value = parseLine(text, line);
    if (line === 1) checkHeader(value);
    else if (announced !== undefined)
      throw new SwarmFileError(`line ${line}: nothing is expected behind the end`);
    else if (typeof value.swarms === "number") announced = value;
    else if (typeof value.span === "number") totals.push(parseTotal(value, line));
    else rows.push(parseRow(value, line));
    if (rows.length + totals.length === PAGE) await write();
  }
  await write();
  if (announced?.swarms !== counts.swarms || (announced.totals ?? 0) !== counts.totals)
    throw new SwarmFileError(`the file is cut off: ${counts.swarms} torrents of it are imported`);
  return counts;
}

function formatRow({ infoHash, firstSeen, lastSeen, downloaded, peers }: SwarmRow): string {
  const row = {
    info_hash: Buffer.from(infoHash).toString("hex"),
    first_seen: firstSeen,
    last_seen: lastSeen,
    downloaded,
    peers: Buffer.from(peers).toString("base64"),
  };
  return `${JSON.stringify(row)}\n`;
}

function formatTotal({ span, start, group, counts }: GroupTotal): string {
  const named = COUNT_COLUMNS.map((name, i) => [name, counts[i]] as const).filter(([, count]) => count !== 0);
  return `${JSON.stringify({ span, start, group, counts: Object.fromEntries(named) })}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(text: string, line: number): Fields {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // Reported below.
  }
  throw new SwarmFileError(`line ${line}: not what "btrt db export" writes`);
}

function checkHeader({ format, version }: Fields): void {
  if (format !== FORMAT) throw new SwarmFileError('line 1: not a file that "btrt db export" has written');
  if (version !== 1 && version !== VERSION)
    throw new SwarmFileError(`line 1: version ${version} is not known, only 1 and ${VERSION}`);
}

function parseRow(value: Fields, line: number): SwarmRow {
  const infoHash = Buffer.from(String(value.info_hash), "hex");
  const peers = Buffer.from(String(value.peers ?? ""), "base64");
  if (infoHash.length !== INFO_HASH_BYTES)
    throw new SwarmFileError(`line ${line}: info_hash is not 40 digits`);
  try {
    if (peers.length > 0) new StoredPeersReader(peers);
  } catch (error) {
    throw new SwarmFileError(`line ${line}: peers: ${error instanceof Error ? error.message : error}`);
  }
  const number = (key: string): number => {
    const field = value[key];
    if (Number.isInteger(field) && Number(field) >= 0 && Number(field) <= WORD_MAX) return Number(field);
    throw new SwarmFileError(`line ${line}: ${key} is not a number from 0 to ${WORD_MAX}`);
  };
  return {
    infoHash,
    firstSeen: number("first_seen"),
    lastSeen: number("last_seen"),
    downloaded: number("downloaded"),
    peers,
  };
}

function parseTotal({ span, start, group, counts }: Fields, line: number): GroupTotal {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  const named: Fields = typeof counts === "object" && counts !== null ? { ...counts } : { "": null };
  const unknown = Object.keys(named).find((name) => !COUNT_COLUMNS.includes(name));
  if (unknown !== undefined) throw new SwarmFileError(`line ${line}: ${unknown || "counts"} is not known`);
  const values = COUNT_COLUMNS.map((name) => named[name] ?? 0);
  if (![FIVE_MINUTES, HOUR, DAY].some((known) => known === span))
    throw new SwarmFileError(`line ${line}: span is not known`);
  if (!isCount(start) || Number(start) > WORD_MAX || typeof group !== "string" || !values.every(isCount))
    throw new SwarmFileError(`line ${line}: start, group or counts are not those of a total`);
  return { span: Number(span), start: Number(start), group, counts: values.map(Number) };
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of bytes) {
    rest = Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, start)) {
      yield rest.toString("utf8", start, end);
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > LINE_LIMIT) throw new SwarmFileError(`a line has more than ${LINE_LIMIT} bytes`);
  }
  if (rest.length > 0) yield rest.toString("utf8");
}
