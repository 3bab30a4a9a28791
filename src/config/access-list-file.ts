/** Reads the file of `tracker.access_list`: an info-hash of 40 hexadecimal digits per line, `#` starts a comment. */
import { PROBLEM_LIMIT, type Problem } from "./problem.ts";
import { type ReadFile, readLines } from "./read-file.ts";

/** Limit of info-hashes in a file. */
const HASH_LIMIT = 10_000_000;

/** Limit of a line in bytes: an info-hash and a long comment. */
const LINE_BYTES = 4096;

const WORDS = 5;
const HEX_DIGITS = 40;
const HASH_SIGN = 0x23;

/** The content of a file. If there are problems, it has the info-hashes before them. */
export interface AccessListFile {
  /** Five words in network order for each info-hash, in file order. */
  readonly hashes: Uint32Array;
  readonly problems: readonly Problem[];
}

/** Reads a file of info-hashes, at most `limit`. @throws FileError if it cannot be read. */
export async function readAccessListFile(
  file: string,
  read: ReadFile,
  limit = HASH_LIMIT,
): Promise<AccessListFile> {
  const problems: Problem[] = [];
  let words = new Uint32Array(1024 * WORDS);
  let used = 0;
  await readLines(file, LINE_BYTES, read, (bytes, start, end, line) => {
    const from = skipBlanks(bytes, start, end);
    if (from === end || bytes[from] === HASH_SIGN) return true;
    const full = used === limit * WORDS;
    if (used === words.length) words = twiceAsLong(words);
    if (!full && readHash(bytes, from, end, words, used)) {
      used += WORDS;
      return true;
    }
    const message = full ? `more than ${limit} info-hashes` : "not an info-hash of 40 hexadecimal digits";
    problems.push({ file, line, column: from - start + 1, key: "", message });
    return !full && problems.length < PROBLEM_LIMIT;
  });
  return { hashes: words.slice(0, used), problems };
}

/** Parses the digits at `[from, from + 40)`; only blanks and a comment may follow. */
function readHash(bytes: Uint8Array, from: number, end: number, words: Uint32Array, at: number): boolean {
  const to = from + HEX_DIGITS;
  if (to > end) return false;
  words.fill(0, at, at + WORDS);
  for (let i = 0; i < HEX_DIGITS; i++) {
    const digit = hexDigit(bytes[from + i]);
    if (digit < 0) return false;
    words[at + (i >> 3)] = (words[at + (i >> 3)] << 4) | digit;
  }
  const after = skipBlanks(bytes, to, end);
  return after === end || (after > to && bytes[after] === HASH_SIGN);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** The first byte from `start` on that is not a space or tab. */
function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  return at;
}

function twiceAsLong(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(words.length * 2);
  longer.set(words);
  return longer;
}
