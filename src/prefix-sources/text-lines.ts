/** The lines of a text that arrives in pieces. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TextDecoder } from "node:util";
import { createGunzip } from "node:zlib";
import { SourceError } from "./source-error.ts";

/** Limit of a line in characters. A network map may be one line. */
const LINE_LIMIT = 32 * 1024 * 1024;

const GZIP = [0x1f, 0x8b] as const;

/**
 * Splits bytes into lines, without their ends (LF or CR LF), and yields the lines of each piece. Text that is compressed
 * with gzip is decompressed.
 * @param maxBytes limit of the decompressed text.
 * @throws SourceError, and what `bytes` throws.
 */
export async function* textLines(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<readonly string[], void> {
  const decoder = new TextDecoder();
  let rest = "";
  let length = 0;
  for await (const piece of decompressed(bytes)) {
    length += piece.length;
    if (length > maxBytes) throw new SourceError(`larger than max_size, ${maxBytes / 1024 / 1024} MiB`);
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield lines.map(withoutReturn);
    if (rest.length > LINE_LIMIT) throw new SourceError("a line is too long");
  }
  rest += decoder.decode();
  if (rest !== "") yield [withoutReturn(rest)];
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The bytes, decompressed if they start as gzip does. */
async function* decompressed(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const pieces = bytes[Symbol.asyncIterator]();
  try {
    let head = new Uint8Array(0);
    while (head.length < GZIP.length) {
      const { done, value } = await pieces.next();
      if (done) break;
      head = Buffer.concat([head, value]);
    }
    const whole = joined(head, pieces);
    if (GZIP.every((byte, i) => head[i] === byte)) yield* gunzipped(whole);
    else yield* whole;
  } finally {
    await pieces.return?.();
  }
}

async function* joined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* gunzipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const gunzip = createGunzip();
  let failure: unknown;
  const fed = pipeline(Readable.from(bytes), gunzip).catch((error: unknown) => {
    failure = error;
  });
  try {
    yield* gunzip;
    await fed;
  } catch (error) {
    await fed;
    const cause = failure ?? error;
    if (cause instanceof Error && "code" in cause && /^(Z_|ERR_)/.test(String(cause.code)))
      throw new SourceError("damaged gzip data");
    throw cause;
  } finally {
    gunzip.destroy();
  }
}
