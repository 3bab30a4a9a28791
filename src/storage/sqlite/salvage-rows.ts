/**
 * Reads the rows on one page of a damaged SQLite file (sqlite.org/fileformat2.html, sections 1.6 and 2.1). Both tables are
 * WITHOUT ROWID, so their rows are the cells of index pages, leaves and inner pages alike. The bytes may be anything: a
 * row is accepted only with the right columns and the right checksum.
 */

import { INFO_HASH_BYTES } from "../../model/info-hash.ts";
import type { GroupTotal, SwarmRow } from "../database.ts";
import { COUNT_COLUMNS } from "../rows.ts";
import { swarmSum, totalSum } from "./row-sums.ts";
import type { SalvagePages } from "./salvage-pages.ts";

const INNER_PAGE = 0x02;
const LEAF_PAGE = 0x0a;
const PAGE_HEADER_BYTES = { [INNER_PAGE]: 12, [LEAF_PAGE]: 8 } as const;
/** The page number of a child, before each cell of an inner page. */
const CHILD_BYTES = 4;

/** Header and columns of a row. The largest swarm that is stored has 10 MB. */
const ROW_BYTES_LIMIT = 32 * 1024 * 1024;
const COLUMNS_LIMIT = 64;
const VARINT_LIMIT = 2 ** 32;

/** Serial types of integers, and their lengths in bytes (section 2.1). */
const INTEGER_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0 };
const NULL_TYPE = 0;

/** Counts in a row of totals: of this version of the schema, and of version 5, the first with checksums. */
const COUNTS = [COUNT_COLUMNS.length, 17];

/** A row that was found. */
export type SalvagedRow = { readonly swarm: SwarmRow } | { readonly total: GroupTotal };

/** A column: its serial type, and its position in the row. */
interface Column {
  readonly type: number;
  readonly at: number;
  readonly bytes: number;
}

/** Reads rows, page after page. */
export class SalvageRows {
  readonly #pages: SalvagePages;
  readonly #page: Buffer;
  readonly #overflow: Buffer;
  /** Overflow pages that may still be read. The limit ends damaged chains that lead in circles. */
  #chainPages: number;

  constructor(pages: SalvagePages) {
    this.#pages = pages;
    this.#page = Buffer.alloc(pages.bytes);
    this.#overflow = Buffer.alloc(pages.bytes);
    this.#chainPages = 2 * pages.count;
  }

  /** The rows that begin on a page. */
  *on(number: number): Generator<SalvagedRow> {
    const page = this.#page;
    if (!this.#pages.read(number, page)) return;
    const kind = page[0];
    if (kind !== LEAF_PAGE && kind !== INNER_PAGE) return;
    const headerBytes = PAGE_HEADER_BYTES[kind];
    const cells = Math.min(page.readUInt16BE(3), Math.floor((this.#pages.usable - headerBytes) / 2));
    for (let cell = 0; cell < cells; cell++) {
      const at = page.readUInt16BE(headerBytes + 2 * cell);
      const row = this.#readCell(kind === INNER_PAGE ? at + CHILD_BYTES : at);
      if (row !== undefined) yield row;
    }
  }

  #readCell(at: number): SalvagedRow | undefined {
    const payload = readVarint(this.#page, at, this.#pages.usable);
    if (payload === undefined || payload.value > ROW_BYTES_LIMIT) return undefined;
    const local = this.#localBytes(payload.value);
    if (payload.end + local > this.#pages.usable) return undefined;
    const start = this.#page.subarray(payload.end, payload.end + local);
    const columns = readColumns(start, payload.value);
    if (columns === undefined) return undefined;
    const read = SHAPES.find(({ fits }) => fits(columns))?.read;
    if (read === undefined) return undefined;
    const bytes = local === payload.value ? start : this.#followChain(payload.end, local, payload.value);
    return bytes === undefined ? undefined : read(columns, bytes);
  }

  /** Bytes of a row that are in its cell (section 1.6). */
  #localBytes(payload: number): number {
    const { usable } = this.#pages;
    const most = Math.floor(((usable - 12) * 64) / 255) - 23;
    if (payload <= most) return payload;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const fitting = least + ((payload - least) % (usable - 4));
    return fitting <= most ? fitting : least;
  }

  /** A row that continues on overflow pages. */
  #followChain(at: number, local: number, payload: number): Buffer | undefined {
    const { usable } = this.#pages;
    if (at + local + 4 > usable) return undefined;
    let next = this.#page.readUInt32BE(at + local);
    const pages = Math.ceil((payload - local) / (usable - 4));
    if (pages > this.#chainPages) return undefined;
    const whole = Buffer.alloc(payload);
    this.#page.copy(whole, 0, at, at + local);
    for (let end = local; end < payload; ) {
      this.#chainPages--;
      if (!this.#pages.read(next, this.#overflow)) return undefined;
      end += this.#overflow.copy(whole, end, 4, Math.min(usable, 4 + payload - end));
      next = this.#overflow.readUInt32BE(0);
    }
    return whole;
  }
}

/** The two kinds of rows, by their columns. */
const SHAPES = [
  {
    fits: ([infoHash, firstSeen, lastSeen, downloaded, inactiveSince, peers, ...sum]: readonly Column[]) =>
      sum.length === 1 &&
      infoHash.type === 12 + 2 * INFO_HASH_BYTES &&
      [firstSeen, lastSeen, downloaded, ...sum].every(isInteger) &&
      (isInteger(inactiveSince) || inactiveSince.type === NULL_TYPE) &&
      peers.type >= 12 &&
      peers.type % 2 === 0,
    read: readSwarm,
  },
  {
    fits: ([span, start, group, ...counts]: readonly Column[]) =>
      COUNTS.includes(counts.length - 1) &&
      [span, start, ...counts].every(isInteger) &&
      group.type >= 13 &&
      group.type % 2 === 1,
    read: readTotal,
  },
] as const;

function readSwarm(columns: readonly Column[], row: Buffer): SalvagedRow | undefined {
  const [infoHash, firstSeen, lastSeen, downloaded, , peers, sum] = columns;
  const swarm = {
    infoHash: readBytes(infoHash, row),
    firstSeen: readInteger(firstSeen, row),
    lastSeen: readInteger(lastSeen, row),
    downloaded: readInteger(downloaded, row),
    peers: readBytes(peers, row),
  };
  return swarmSum(swarm) === readInteger(sum, row) ? { swarm } : undefined;
}

function readTotal([span, start, group, ...rest]: readonly Column[], row: Buffer): SalvagedRow | undefined {
  const counts = rest.map((column) => readInteger(column, row));
  const sum = counts.pop();
  const total = {
    span: readInteger(span, row),
    start: readInteger(start, row),
    group: row.toString("utf8", group.at, group.at + group.bytes),
    counts,
  };
  if (totalSum(total) !== sum) return undefined;
  while (counts.length < COUNT_COLUMNS.length) counts.push(0);
  return { total };
}

/** Reads the header of a row. @returns undefined when the row does not fill its `payload` exactly. */
function readColumns(row: Buffer, payload: number): Column[] | undefined {
  const header = readVarint(row, 0, row.length);
  if (header === undefined || header.value > row.length) return undefined;
  const columns: Column[] = [];
  let at = header.value;
  for (let offset = header.end; offset < header.value; ) {
    const type = readVarint(row, offset, header.value);
    if (type === undefined) return undefined;
    const bytes = type.value >= 12 ? (type.value - 12) >>> 1 : INTEGER_BYTES[type.value];
    if (bytes === undefined && type.value !== NULL_TYPE) return undefined;
    if (columns.length === COLUMNS_LIMIT) return undefined;
    columns.push({ type: type.value, at, bytes: bytes ?? 0 });
    at += bytes ?? 0;
    offset = type.end;
  }
  return at === payload ? columns : undefined;
}

function isInteger(column: Column): boolean {
  return INTEGER_BYTES[column.type] !== undefined;
}

function readInteger({ type, at, bytes }: Column, row: Buffer): number {
  if (bytes === 0) return type === 9 ? 1 : 0;
  return bytes === 8 ? Number(row.readBigInt64BE(at)) : row.readIntBE(at, bytes);
}

function readBytes({ at, bytes }: Column, row: Buffer): Uint8Array {
  return new Uint8Array(row.subarray(at, at + bytes));
}

/** A number of up to nine bytes. Ours need at most five (section 1.6). */
function readVarint(bytes: Buffer, at: number, end: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let offset = at; offset < Math.min(end, at + 5); offset++) {
    value = value * 128 + (bytes[offset] & 0x7f);
    if (value >= VARINT_LIMIT) return undefined;
    if (bytes[offset] < 0x80) return { value, end: offset + 1 };
  }
  return undefined;
}
