/**
 * Swarms in a file, to move them between databases and machines: lines of JSON.
 *
 *     {"format":"btrt swarms","version":1}
 *     {"info_hash":"40 hexadecimal digits","first_seen":…,"last_seen":…,"downloaded":…,"peers":"base64"}   for each swarm
 *     {"swarms":…}                                                                the number of swarms: the file is complete
 *
 * Times are in seconds since 1970. `peers` is encoded by store/stored-peers.ts.
 */

import { INFO_HASH_BYTES } from "../model/info-hash.ts";
import { StoredPeersReader } from "../store/stored-peers.ts";
import { BEFORE_ALL, type Database, type SwarmRow } from "./database.ts";

const FORMAT = "btrt swarms";
const VERSION = 1;
const PAGE = 500;

/** Bytes of a line. The largest swarm that is stored has 14 MB. */
const LINE_LIMIT = 32 * 1024 * 1024;
const NEWLINE = 0x0a;
const WORD_MAX = 0xffffffff;

/** A file is not in the format of an export. The message is for the user. */
export class SwarmFileError extends Error {}

/** The lines of a file with all swarms of a database. @throws DatabaseError */
export async function* exportSwarms(database: Database): AsyncGenerator<string> {
  yield `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
  let swarms = 0;
  for (let after: Uint8Array = BEFORE_ALL; ; ) {
    const rows = await database.readSwarms(after, PAGE, false);
    if (rows.length === 0) break;
    yield rows.map(formatRow).join("");
    swarms += rows.length;
    after = rows[rows.length - 1].infoHash;
  }
  yield `${JSON.stringify({ swarms })}\n`;
}

/**
 * Writes the swarms of a file to a database, and replaces the rows of the same torrents.
 * @returns how many there were.
 * @throws SwarmFileError, DatabaseError
 */
export async function importSwarms(database: Database, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let line = 0;
  let swarms = 0;
  let announced = -1;
  let rows: SwarmRow[] = [];
  for await (const text of linesOf(bytes)) {
    line++;
    const value = parseLine(text, line);
    if (line === 1) checkHeader(value);
    else if (announced !== -1) throw new SwarmFileError(`line ${line}: nothing is expected behind the end`);
    else if (typeof value.swarms === "number") announced = value.swarms;
    else {
      rows.push(parseRow(value, line));
      swarms++;
    }
    if (rows.length === PAGE) {
      await database.writeSwarms(rows);
      rows = [];
    }
  }
  await database.writeSwarms(rows);
  if (announced !== swarms)
    throw new SwarmFileError(`the file is cut off: ${swarms} swarms of it are imported`);
  return swarms;
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
  if (version !== VERSION)
    throw new SwarmFileError(`line 1: version ${version} is not known, only ${VERSION}`);
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
