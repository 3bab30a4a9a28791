/**
 * Reads the pages of a damaged SQLite file without SQLite, each independently of the others. A page in the write-ahead
 * log replaces the page in the file (sqlite.org/fileformat2.html, sections 1.3, 4.1 and 4.2).
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { HEADER_BYTES, isOurHeader } from "./place.ts";

/** The page size of our files, used when the header is damaged. */
const DEFAULT_PAGE_BYTES = 4096;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;

/** The pages of one file, numbered from 1. */
export class SalvagePages {
  /** The number of pages. */
  readonly count: number;
  /** Bytes of a page, and how many of them SQLite uses. */
  readonly bytes: number;
  readonly usable: number;
  readonly #file: number;
  readonly #wal: number | undefined;
  /** The position of the newest version of each page in the log. */
  readonly #inWal: ReadonlyMap<number, number>;

  /**
   * @param path of a regular file.
   * @param withLog whether to read the write-ahead log.
   * @throws Error of the file system.
   */
  constructor(path: string, withLog: boolean) {
    this.#file = openSync(path, "r");
    this.#wal = withLog ? openIfThere(`${path}-wal`) : undefined;
    const header = new Uint8Array(HEADER_BYTES);
    const isWhole = readAt(this.#file, header, 0) && isOurHeader(header);
    const view = new DataView(header.buffer);
    const wal = this.#wal === undefined ? undefined : new LogIndex(this.#wal);
    const stated = view.getUint16(16) === 1 ? PAGE_BYTES_MAX : view.getUint16(16);
    this.bytes = (isWhole && isPageSize(stated) ? stated : wal?.pageBytes) ?? DEFAULT_PAGE_BYTES;
    this.usable = this.bytes - (isWhole && header[20] < 32 ? header[20] : 0);
    this.#inWal = wal?.pageBytes === this.bytes ? wal.pages : new Map();
    const inFile = Math.ceil(fstatSync(this.#file).size / this.bytes);
    this.count = Math.max(inFile, this.#inWal.size === 0 ? 0 : (wal?.lastPage ?? 0));
  }

  /** @returns false when the page cannot be read. */
  read(page: number, into: Uint8Array): boolean {
    const inWal = this.#inWal.get(page);
    if (inWal !== undefined && this.#wal !== undefined) return readAt(this.#wal, into, inWal);
    return page >= 1 && page <= this.count && readAt(this.#file, into, (page - 1) * this.bytes);
  }

  close(): void {
    closeSync(this.#file);
    if (this.#wal !== undefined) closeSync(this.#wal);
  }
}

/** The valid part of a log: all up to the last commit before the first invalid frame. */
class LogIndex {
  readonly pageBytes: number | undefined;
  readonly pages = new Map<number, number>();
  lastPage = 0;

  constructor(file: number) {
    const header = new Uint8Array(WAL_HEADER_BYTES);
    if (!readAt(file, header, 0)) return;
    const view = new DataView(header.buffer);
    const magic = view.getUint32(0);
    const pageBytes = view.getUint32(8);
    if ((magic & ~1) >>> 0 !== WAL_MAGIC || !isPageSize(pageBytes)) return;
    const sum = new LogSum((magic & 1) === 0);
    sum.add(view, 0, 24);
    if (!sum.is(view, 24)) return;
    this.pageBytes = pageBytes;
    this.#readFrames(file, view, sum, pageBytes);
  }

  #readFrames(file: number, header: DataView, sum: LogSum, pageBytes: number): void {
    const frame = new Uint8Array(FRAME_HEADER_BYTES + pageBytes);
    const view = new DataView(frame.buffer);
    let uncommitted: [page: number, at: number][] = [];
    for (let at = WAL_HEADER_BYTES; readAt(file, frame, at); at += frame.length) {
      sum.add(view, 0, 8);
      sum.add(view, FRAME_HEADER_BYTES, pageBytes);
      const isOfThisLog =
        view.getUint32(8) === header.getUint32(16) && view.getUint32(12) === header.getUint32(20);
      if (!isOfThisLog || !sum.is(view, 16)) return;
      uncommitted.push([view.getUint32(0), at + FRAME_HEADER_BYTES]);
      const databasePages = view.getUint32(4);
      if (databasePages === 0) continue;
      for (const [page, position] of uncommitted) this.pages.set(page, position);
      uncommitted = [];
      this.lastPage = databasePages;
    }
  }
}

/** The checksum of a log (section 4.2). */
class LogSum {
  readonly #isLittleEndian: boolean;
  #one = 0;
  #two = 0;

  constructor(isLittleEndian: boolean) {
    this.#isLittleEndian = isLittleEndian;
  }

  add(view: DataView, from: number, bytes: number): void {
    for (let at = from; at < from + bytes; at += 8) {
      this.#one = (this.#one + view.getUint32(at, this.#isLittleEndian) + this.#two) >>> 0;
      this.#two = (this.#two + view.getUint32(at + 4, this.#isLittleEndian) + this.#one) >>> 0;
    }
  }

  /** Whether the sum is the one at a place. */
  is(view: DataView, at: number): boolean {
    return view.getUint32(at) === this.#one && view.getUint32(at + 4) === this.#two;
  }
}

function isPageSize(bytes: number): boolean {
  return bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && (bytes & (bytes - 1)) === 0;
}

/** Fills `into`. @returns false when the file is shorter or the disk cannot read it. */
function readAt(file: number, into: Uint8Array, at: number): boolean {
  try {
    return readSync(file, into, 0, into.length, at) === into.length;
  } catch {
    return false;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}
