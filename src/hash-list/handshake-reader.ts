/** Reads counts of handshakes from the file that they are left in, again and again. */
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { HandshakeSource } from "./handshake-sources.ts";
import type { Handshakes } from "./handshakes.ts";

/** Bytes of a file that are read: its last ones. */
const TAIL_BYTES = 64 * 1024;

/** Whom a reader tells. */
export interface HandshakeReaderOptions {
  readonly handshakes: Pick<Handshakes, "update">;
  /** Called when there are no counts to be had; only once while the reason is the same. */
  readonly failed: (error: Error) => void;
  readonly everyMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Reads a file at once, and then every `everyMs`. @returns when it is ended. */
export async function readHandshakes(
  { file, parse }: HandshakeSource,
  { handshakes, failed, everyMs, signal }: HandshakeReaderOptions,
): Promise<void> {
  let said = "";
  while (!signal.aborted) {
    try {
      const reading = parse(await readTail(file));
      for (const [direction, counts] of reading) handshakes.update(direction, counts);
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
async function readTail(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString("utf8", 0, bytesRead);
    const start = size > TAIL_BYTES ? text.indexOf("\n") + 1 : 0;
    return text.slice(start, text.lastIndexOf("\n") + 1);
  } finally {
    await handle.close();
  }
}
