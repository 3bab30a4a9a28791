/** Reads the counts of handshakes from a file periodically. */
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { HandshakeSource } from "./handshake-sources.ts";
import type { Handshakes } from "./handshakes.ts";

/** Bytes that are read from the end of a file. */
const TAIL_BYTES = 64 * 1024;

/**
 * Milliseconds without a write after which a file is stale. A router writes its file every minute, and known DPI boxes
 * append every ten minutes.
 */
const STALE_MS = 1_800_000;

/** Whether a file is stale. @param writtenMs when it was last written, in milliseconds since 1970. */
export function isStale(writtenMs: number): boolean {
  return Date.now() - writtenMs > STALE_MS;
}

/** Options of a reader. */
export interface HandshakeReaderOptions {
  readonly handshakes: Pick<Handshakes, "update">;
  /** Called after counts were read. @param atMs when the file was written, in milliseconds since 1970. */
  readonly written: (atMs: number) => void;
  /** Called when there are no counts or no new ones. Not called again for the same reason. */
  readonly failed: (error: Error) => void;
  readonly everyMs: number;
  /** Ends the reader. */
  readonly signal: AbortSignal;
}

/** Reads a file at once, and then every `everyMs`. @returns when the signal is aborted. */
export async function readHandshakes(
  { file, parse }: HandshakeSource,
  { handshakes, written, failed, everyMs, signal }: HandshakeReaderOptions,
): Promise<void> {
  let said = "";
  while (!signal.aborted) {
    try {
      const { text, writtenMs } = await readTail(file);
      const reading = parse(text);
      if (signal.aborted) return;
      for (const [direction, counts] of reading) handshakes.update(direction, counts);
      written(writtenMs);
      if (isStale(writtenMs))
        throw new Error(`${file}: has not been written since ${new Date(writtenMs).toISOString()}`);
      said = "";
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (error.message !== said) failed(error);
      said = error.message;
    }
    await delay(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** The last lines of a file, without incomplete lines at the start and at the end. */
async function readTail(file: string): Promise<{ text: string; writtenMs: number }> {
  const handle = await open(file);
  try {
    const { size, mtimeMs } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString("utf8", 0, bytesRead);
    const start = size > TAIL_BYTES ? text.indexOf("\n") + 1 : 0;
    return { text: text.slice(start, text.lastIndexOf("\n") + 1), writtenMs: mtimeMs };
  } finally {
    await handle.close();
  }
}
