/** Reads counts of handshakes from the file that they are left in, again and again. */
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { HandshakeSource } from "./handshake-sources.ts";
import type { Handshakes } from "./handshakes.ts";

/** Bytes of a file that are read: its last ones. */
const TAIL_BYTES = 64 * 1024;

/**
 * Milliseconds after which a file that nobody has written is stale: a router's is written every minute, and the DPI boxes
 * that are known add to theirs every ten.
 */
const STALE_MS = 1_800_000;

/** Whether a file that was written at a time, in milliseconds since 1970, has been left. */
export function isStale(writtenMs: number): boolean {
  return Date.now() - writtenMs > STALE_MS;
}

/** Whom a reader tells. */
export interface HandshakeReaderOptions {
  readonly handshakes: Pick<Handshakes, "update">;
  /** Called when there have been counts. @param atMs when the file was written, in milliseconds since 1970. */
  readonly written: (atMs: number) => void;
  /** Called when there are no counts to be had, or no new ones; only once while the reason is the same. */
  readonly failed: (error: Error) => void;
  readonly everyMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Reads a file at once, and then every `everyMs`. @returns when it is ended. */
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

/** Text of the last lines of a file. What is cut off at its start, and not finished at its end, is no line. */
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
